//! `GET /analytics/funnel`

use serde::Serialize;

use crate::{
    api::{call::Call, period},
    domain::amount::Amount,
    error::Error,
    reply::Reply,
};

#[derive(Serialize)]
struct Stage {
    status: String,
    count: u64,
    percentage: Amount,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let (period, _) = period::of(&mut call)?;
    let totals = call.caller.tenant.totals_by_status(period).await?;
    let count = |status: &str| {
        totals
            .get(status)
            .map_or(0, |totals| totals.leads.unsigned_abs())
    };
    let total = totals
        .values()
        .map(|totals| totals.leads.unsigned_abs())
        .sum();
    let stages: Vec<_> = call
        .state
        .spec()
        .enum_values("LeadStatus")
        .into_iter()
        .map(|status| Stage {
            status: status.to_owned(),
            count: count(status),
            percentage: Amount::percentage(count(status), total),
        })
        .collect();
    Ok(Reply::done(stages))
}
