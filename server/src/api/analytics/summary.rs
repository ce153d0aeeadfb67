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

/// The counted statuses, apart from that of a conversion.
pub(crate) const COUNTED_STATUSES: [&str; 2] = [NEW, CONTACTED];

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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::AnalyticsSummary;
    use serde_json::json;

    use crate::api::testing::{TestApi, query};

    #[tokio::test]
    async fn leads_and_conversions_of_the_period_are_counted() {
        let api = TestApi::new().await;
        api.sample_leads().await;

        assert_snapshot!(
            api.call(AnalyticsSummary, query(json!({"timeframe": "today"})))
                .await
        );
        let before = query(json!({"from": "2025-01-13", "to": "2025-01-14"}));
        assert_eq!(api.data(AnalyticsSummary, before).await["totalLeads"], 0);
    }

    #[tokio::test]
    async fn a_period_of_its_own_ends_now_unless_it_says_otherwise() {
        let api = TestApi::new().await;
        assert_snapshot!(
            api.call(AnalyticsSummary, query(json!({"from": "2025-01-01"})))
                .await
        );
    }

    #[tokio::test]
    async fn a_period_that_ends_before_it_begins_is_refused() {
        let api = TestApi::new().await;
        let backwards = json!({"from": "2025-01-10", "to": "2025-01-01"});
        assert_snapshot!(api.call(AnalyticsSummary, query(backwards)).await);
    }
}
