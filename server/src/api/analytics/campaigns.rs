//! `GET /analytics/campaigns`

use serde::Serialize;

use crate::{
    api::{call::Call, period},
    domain::{amount::Amount, lead::CONVERSION},
    error::Error,
    reply::Reply,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Campaign {
    campaign_name: Option<String>,
    ad_platform: Option<String>,
    leads: i64,
    conversions: i64,
    conversion_value: Amount,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let (period, _) = period::of(&mut call)?;
    let rows = call.caller.tenant.campaigns(period, CONVERSION).await?;
    let campaigns: Vec<_> = rows
        .into_iter()
        .map(|row| Campaign {
            campaign_name: row.campaign_name,
            ad_platform: row.ad_platform,
            leads: row.leads,
            conversions: row.conversions,
            conversion_value: Amount::from_sum(row.conversion_value),
        })
        .collect();
    Ok(Reply::done(campaigns))
}
