//! `GET /conversions/pending`

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    api::{call::Call, cursor},
    domain::time,
    error::Error,
    reply::Reply,
};

/// The states of leads that still have something to deliver, or whose delivery failed.
pub(crate) const UNSYNCED_STATES: [&str; 2] = ["pending", "failed"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    lead_id: String,
    unique_code: String,
    status: String,
    ad_platform: Option<String>,
    conversion_sync_status: String,
    #[serde(serialize_with = "time::serialize_option")]
    last_conversion_sync_at: Option<Timestamp>,
}

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let request = cursor::page_request(&mut call)?;
    call.input.check()?;
    let page = call
        .caller
        .tenant
        .pending_conversions(&UNSYNCED_STATES, request.start.clone(), request.limit)
        .await?;
    let pagination = cursor::pagination(&call, &request, &page)?;
    let rows: Vec<_> = page
        .rows
        .into_iter()
        .map(|lead| Pending {
            lead_id: lead.lead_id,
            unique_code: lead.unique_code,
            status: lead.status,
            ad_platform: lead.ad_platform,
            conversion_sync_status: lead.conversion_sync_status,
            last_conversion_sync_at: lead.last_conversion_sync_at,
        })
        .collect();
    Ok(Reply::page(rows, pagination))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::ConversionsPending;
    use serde_json::json;

    use crate::api::testing::{TestApi, query};

    #[tokio::test]
    async fn a_lead_of_the_api_has_nothing_to_be_delivered() {
        let api = TestApi::new().await;
        api.lead(json!({"firstName": "Budi", "status": "won"}))
            .await;
        assert_snapshot!(api.call(ConversionsPending, query(json!({}))).await);
    }

    #[tokio::test]
    async fn a_page_larger_than_the_largest_is_refused() {
        let api = TestApi::new().await;
        assert_snapshot!(
            api.call(ConversionsPending, query(json!({"limit": 1_000})))
                .await
        );
    }
}
