//! Leads.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;
pub(super) mod upsert;

use super::Call;
use crate::{
    app::App,
    domain::{
        id,
        lead::{self, Lead, LeadChanges},
        period::Day,
    },
    reply::Error,
    store::{lead_days::DayLimit, leads::NewLead},
};

const NOT_FOUND: Error =
    Error::NotFound("No lead of this workspace has that id, uniqueCode, externalRef or phone");

/// A lead that was not there before; None when a required field is missing.
fn new_lead(call: &Call, fields: LeadChanges) -> Option<NewLead> {
    let mut rng = rand::rng();
    let new = lead::NewLead {
        id: id::lead(call.now, &mut rng),
        unique_code: id::unique_code(&mut rng),
        now: call.now,
    };
    Some(NewLead {
        has_drawn_code: fields.unique_code.is_none(),
        lead: Lead::create(new, fields)?,
    })
}

fn day_limit(call: &Call) -> Result<DayLimit, Error> {
    let workspace = &call.caller.workspace;
    Ok(DayLimit {
        day: Day::of(call.now, &workspace.time_zone()?).date,
        limit: workspace.leads_per_day,
    })
}

/// Adds up how many leads were made on each day.
pub(crate) async fn fold_days(app: &App) {
    if let Err(error) = app.store().fold_lead_days().await {
        tracing::warn!(
            cause = format!("{:#}", anyhow::Error::from(error)),
            "the leads of each day were not added up"
        );
    }
}
