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

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::AnalyticsFunnel;
    use serde_json::json;

    use crate::api::testing::{TestApi, query};

    #[tokio::test]
    async fn every_status_of_the_document_is_a_stage() {
        let api = TestApi::new().await;
        api.sample_leads().await;

        assert_snapshot!(
            api.call(AnalyticsFunnel, query(json!({"timeframe": "today"})))
                .await
        );
    }

    #[tokio::test]
    async fn without_leads_every_share_is_zero() {
        let api = TestApi::new().await;
        let stages = api.data(AnalyticsFunnel, query(json!({}))).await;
        let stages = stages.as_array().unwrap();
        assert!(
            stages
                .iter()
                .all(|stage| stage["percentage"] == 0 || stage["percentage"] == 0.0)
        );
    }
}
