//! Leads for people.

use konektor_sdk::{Lead, LeadStatus};

use crate::output::{Cell, Column, Currency, Record, Table, Tone, When, phone};

/// Columns of a list; the code is dropped first, a name never.
const COLUMNS: [Column; 8] = [
    Column::new("NAME").least(18),
    Column::new("PHONE").rank(1),
    Column::new("STATUS").rank(2),
    Column::new("SOURCE").rank(6),
    Column::new("CAMPAIGN").rank(5).least(13),
    Column::new("VALUE").rank(4).right(),
    Column::new("CREATED").rank(3),
    Column::new("CODE").rank(7),
];

pub(super) fn table(leads: &[Lead], when: &When) -> Table {
    Table::new(COLUMNS, leads.iter().map(|lead| row(lead, when)))
}

/// Amounts have no currency here: it is the workspace's, and a list is worth one request.
fn row(lead: &Lead, when: &When) -> Vec<Cell> {
    vec![
        Cell::new(name(lead)),
        Cell::optional(lead.phone.as_deref().map(phone)),
        status(&lead.status),
        Cell::optional(lead.source.as_ref().map(ToString::to_string)),
        Cell::optional(lead.campaign_name.clone()),
        Cell::optional(lead.estimated_value.map(amount)),
        Cell::new(when.ago(lead.created_at)),
        Cell::new(lead.unique_code.clone()),
    ]
}

pub(super) fn record(lead: &Lead, when: &When) -> Record {
    Record::default()
        .with("name", name(lead))
        .with("code", &lead.unique_code)
        .maybe("external ref", lead.external_ref.as_deref())
        .with("id", &lead.id)
        .maybe("phone", lead.phone.as_deref().map(phone))
        .maybe("email", lead.email.as_deref())
        .cell("status", status(&lead.status))
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
        .maybe("estimated value", lead.estimated_value.map(amount))
        .maybe("actual value", lead.actual_value.map(amount))
        .with("conversions", lead.conversion_sync_status.as_str())
        .maybe("notes", lead.notes.as_deref())
        .with("created", when.at_and_ago(lead.created_at))
        .with("updated", when.at_and_ago(lead.updated_at))
        .extra(&lead.extra)
}

/// A status in its colour.
pub(crate) fn status(status: &LeadStatus) -> Cell {
    let tone = match status {
        LeadStatus::New => Tone::Fresh,
        LeadStatus::Qualified
        | LeadStatus::Hot
        | LeadStatus::Proposal
        | LeadStatus::Negotiation
        | LeadStatus::Invoice => Tone::Busy,
        LeadStatus::Won => Tone::Good,
        LeadStatus::Lost => Tone::Bad,
        _ => Tone::Plain,
    };
    Cell::new(status.as_str()).tone(tone)
}

fn name(lead: &Lead) -> String {
    match &lead.last_name {
        Some(last) => format!("{} {last}", lead.first_name),
        None => lead.first_name.clone(),
    }
}

fn amount(amount: f64) -> String {
    Currency::default().amount(amount)
}
