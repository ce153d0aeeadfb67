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
    store::{StoreError, leads::DayLimit},
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

fn day_limit(call: &Call) -> DayLimit {
    let workspace = &call.caller.workspace;
    DayLimit {
        day: Day::of(call.now, &workspace.time_zone()).date,
        limit: workspace.leads_per_day,
    }
}

/// What the store refused, as the caller is told it.
fn refused(call: &Call, error: StoreError) -> Error {
    match (error, call.caller.workspace.leads_per_day) {
        (StoreError::LeadsPerDay, Some(limit)) => {
            let midnight = Day::of(call.now, &call.caller.workspace.time_zone()).next_midnight;
            let seconds = midnight.duration_since(call.now).as_secs();
            Error::RateLimited {
                message: format!(
                    "The workspace may create {limit} leads a day; try again after its midnight"
                ),
                retry_after: u64::try_from(seconds).unwrap_or(0) + 1,
            }
        }
        (error, _) => error.into(),
    }
}
