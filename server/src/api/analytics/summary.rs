//! `GET /analytics/summary`

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    api::{call::Call, period},
    domain::{amount::Amount, lead::CONVERSION, time},
    error::Error,
    reply::Reply,
};

const NEW: &str = "new";
const CONTACTED: &str = "contacted";

/// The statuses that are counted, beside that of a conversion.
pub(crate) const COUNTED: [&str; 2] = [NEW, CONTACTED];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    total_leads: i64,
    new_leads: i64,
    contacted_leads: i64,
    total_conversions: i64,
    total_conversion_value: Amount,
    timeframe: String,
    period: Range,
}

#[derive(Serialize)]
struct Range {
    #[serde(serialize_with = "time::serialize_option")]
    from: Option<Timestamp>,
    #[serde(serialize_with = "time::serialize")]
    to: Timestamp,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let (period, timeframe) = period::of(&mut call)?;
    let totals = call.caller.tenant.totals_by_status(period).await?;
    let of = |status: &str| totals.get(status).copied().unwrap_or_default();
    Ok(Reply::done(Summary {
        total_leads: totals.values().map(|totals| totals.leads).sum(),
        new_leads: of(NEW).leads,
        contacted_leads: of(CONTACTED).leads,
        total_conversions: of(CONVERSION).leads,
        total_conversion_value: Amount::from_sum(of(CONVERSION).value),
        timeframe,
        period: Range {
            from: period.from,
            to: period.to,
        },
    }))
}
