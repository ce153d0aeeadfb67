//! A lead for people.

use konektor_sdk::Lead;

use crate::render::{Cell, DetailView, DisplayContext, phone};

pub(super) fn record(lead: &Lead, display: &DisplayContext) -> DetailView {
    let DisplayContext { clock, currency } = display;
    let amount = |amount: Option<f64>| amount.map(|amount| currency.amount(amount));
    DetailView::default()
        .with("name", name(lead))
        .with("code", &lead.unique_code)
        .maybe("external ref", lead.external_ref.as_deref())
        .with("id", &lead.id)
        .maybe("phone", lead.phone.as_deref().map(phone))
        .maybe("email", lead.email.as_deref())
        .cell("status", Cell::status(lead.status.as_str()))
        .with("priority", lead.priority.as_str())
        .maybe("source", lead.source.as_ref().map(ToString::to_string))
        .maybe(
            "ad platform",
            lead.ad_platform.as_ref().map(ToString::to_string),
        )
        .maybe("campaign", lead.campaign_name.as_deref())
        .maybe(
            "assigned to",
            lead.assigned_to.as_ref().map(ToString::to_string),
        )
        .maybe("estimated value", amount(lead.estimated_value))
        .maybe("actual value", amount(lead.actual_value))
        .cell(
            "conversions",
            Cell::status(lead.conversion_sync_status.as_str()),
        )
        .maybe("notes", lead.notes.as_deref())
        .with("created", clock.at_and_ago(lead.created_at))
        .with("updated", clock.at_and_ago(lead.updated_at))
        .extra(&lead.extra)
}

fn name(lead: &Lead) -> String {
    match &lead.last_name {
        Some(last) => format!("{} {last}", lead.first_name),
        None => lead.first_name.clone(),
    }
}
