//! The limit of new leads per day. A day ends at midnight in the workspace's time zone.

use crate::{api::call::Call, domain::period::Day, error::Error, store::lead_days::DayLimit};

/// The day that a lead created now counts for, and the limit of that day.
pub(super) fn day_limit(call: &Call) -> Result<DayLimit, Error> {
    let workspace = &call.caller.workspace;
    Ok(DayLimit {
        day: Day::new(call.now, &workspace.time_zone()?).date,
        limit: workspace.leads_per_day,
    })
}

/// The error when a create exceeds the limit.
pub(super) fn reached(call: &Call) -> Error {
    let workspace = &call.caller.workspace;
    let zone = match workspace.time_zone() {
        Ok(zone) => zone,
        Err(unknown) => return unknown.into(),
    };
    let midnight = Day::new(call.now, &zone).next_midnight;
    let seconds = midnight.duration_since(call.now).as_secs();
    let limit = workspace.leads_per_day.unwrap_or_default();
    let leads = if limit == 1 { "lead" } else { "leads" };
    let local = zone.to_datetime(midnight).strftime("%Y-%m-%d %H:%M");
    let zone = &workspace.timezone;
    Error::RateLimited {
        message: format!(
            "The daily limit of {limit} new {leads} is reached; the next can be created after the workspace's \
             midnight, {local} {zone}"
        ),
        retry_after: u64::try_from(seconds).unwrap_or(0) + 1,
    }
}
