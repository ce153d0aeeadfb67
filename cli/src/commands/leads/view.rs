//! A lead for people.

use konektor_sdk::Lead;

use crate::{
    base::Field,
    error::Failure,
    render::{DetailLine, DetailView, View},
    session::Call,
};

/// What a lead is called comes first. All other fields follow as the document has them.
const FIRST: [DetailLine; 6] = [
    DetailLine {
        label: "name",
        fields: &["firstName", "lastName"],
    },
    DetailLine {
        label: "code",
        fields: &["uniqueCode"],
    },
    DetailLine {
        label: "external ref",
        fields: &["externalRef"],
    },
    DetailLine {
        label: "id",
        fields: &["id"],
    },
    DetailLine {
        label: "phone",
        fields: &["phone"],
    },
    DetailLine {
        label: "email",
        fields: &["email"],
    },
];

const RENAMED: [(&str, &str); 4] = [
    ("campaignName", "campaign"),
    ("conversionSyncStatus", "conversions"),
    ("createdAt", "created"),
    ("updatedAt", "updated"),
];

pub(super) fn view(lead: &Lead, fields: &[Field], call: &Call<'_>) -> Result<View, Failure> {
    DetailView::documented(lead, fields, &FIRST, &RENAMED, &call.display()).map(View::Detail)
}
