//! Leads.

pub(super) mod create;
pub(super) mod get;
pub(super) mod list;
pub(super) mod update;
pub(super) mod upsert;

use super::Call;
use crate::{
    domain::{
        id,
        lead::{Lead, LeadChanges, NewLead},
        period::Day,
    },
    reply::Error,
    store::leads::DayLimit,
};

const NOT_FOUND: Error =
    Error::NotFound("No lead of this workspace has that id, uniqueCode, externalRef or phone");

/// A lead that was not there before; None when a required field is missing.
fn new_lead(call: &Call, fields: LeadChanges) -> Option<Lead> {
    let mut rng = rand::rng();
    let new = NewLead {
        id: id::lead(call.now, &mut rng),
        unique_code: id::unique_code(&mut rng),
        now: call.now,
    };
    Lead::create(new, fields)
}

fn day_limit(call: &Call) -> Result<DayLimit, Error> {
    let workspace = &call.caller.workspace;
    Ok(DayLimit {
        day: Day::of(call.now, &workspace.time_zone()?).date,
        limit: workspace.leads_per_day,
    })
}
