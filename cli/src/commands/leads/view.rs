//! The detail view of a lead.

use konektor_sdk::Lead;

use crate::{
    base::Field,
    error::Failure,
    render::{DetailLine, DetailView, View},
    session::Call,
};

/// A lead's names and identifiers come first.
const FIRST: [DetailLine; 6] = [
    DetailLine::new("name", &["firstName", "lastName"]),
    DetailLine::new("code", &["uniqueCode"]),
    DetailLine::new("external ref", &["externalRef"]),
    DetailLine::new("id", &["id"]),
    DetailLine::new("phone", &["phone"]),
    DetailLine::new("email", &["email"]),
];

const RENAMED: [DetailLine; 4] = [
    DetailLine::new("campaign", &["campaignName"]),
    DetailLine::new("conversions", &["conversionSyncStatus"]),
    DetailLine::new("created", &["createdAt"]),
    DetailLine::new("updated", &["updatedAt"]),
];

pub(super) fn view(lead: &Lead, fields: &[Field], call: &Call<'_>) -> Result<View, Failure> {
    DetailView::from_fields(lead, fields, &FIRST, &RENAMED, &call.display()).map(View::Detail)
}
