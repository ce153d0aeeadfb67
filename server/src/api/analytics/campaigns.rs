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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::AnalyticsCampaigns;
    use serde_json::json;

    use crate::api::testing::{TestApi, query};

    #[tokio::test]
    async fn campaigns_have_their_leads_and_conversions() {
        let api = TestApi::new().await;
        api.sample_leads().await;

        assert_snapshot!(
            api.call(AnalyticsCampaigns, query(json!({"timeframe": "today"})))
                .await
        );
    }

    #[tokio::test]
    async fn a_timeframe_that_there_is_not_is_refused() {
        let api = TestApi::new().await;
        assert_snapshot!(
            api.call(AnalyticsCampaigns, query(json!({"timeframe": "some_day"})))
                .await
        );
    }
}
