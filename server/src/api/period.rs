//! The period of an analytics request.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    api::call::Call,
    domain::period::{Edge, Period, parse_bound},
    error::Error,
    validation::Input,
};

/// The value of `timeframe` in the reply to a request with `from` or `to`.
const CUSTOM: &str = "custom";

/// The period and its name in the reply.
pub(super) fn of(call: &mut Call) -> Result<(Period, String), Error> {
    let zone = call.caller.workspace.time_zone()?;
    let custom = ["from", "to"]
        .iter()
        .any(|name| call.input.query_map().contains_key(*name));
    let (from, to) = bounds(&mut call.input, &zone, "from", "to");
    if custom {
        let period = Period::custom(from, to, call.now);
        if period.is_err() {
            call.input.reject(
                "from",
                "Must not be after to, which is now unless it is given",
            );
        }
        call.input.check()?;
        let period = period.map_err(|_| Error::field("from", "Must not be after to"))?;
        return Ok((period, CUSTOM.into()));
    }
    call.input.check()?;
    let name = call.input.text("timeframe").unwrap_or_default().to_owned();
    let period = Period::from_timeframe(&name, call.now, &zone).ok_or_else(|| {
        Error::Internal(anyhow::anyhow!(
            "no rule for a timeframe of the API document"
        ))
    })?;
    Ok((period, name))
}

/// Reads both ends of a range. An end that is not valid is reported in the input and is `None` here.
pub(super) fn bounds(
    input: &mut Input,
    zone: &TimeZone,
    from: &str,
    to: &str,
) -> (Option<Timestamp>, Option<Timestamp>) {
    (
        bound(input, zone, from, Edge::Start),
        bound(input, zone, to, Edge::End),
    )
}

fn bound(input: &mut Input, zone: &TimeZone, name: &str, edge: Edge) -> Option<Timestamp> {
    let text = input.text(name)?;
    match parse_bound(text, zone, edge) {
        Ok(time) => Some(time),
        Err(error) => {
            input.reject(name, format!("Invalid time: it {error}"));
            None
        }
    }
}
