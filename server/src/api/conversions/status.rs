//! `GET /conversions/status`

use serde_json::{Map, Value};

use crate::{
    api::{call::Call, period},
    error::Error,
    reply::Reply,
};

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let (platform, ad_platform) = (call.input.text("platform"), call.input.text("adPlatform"));
    if platform.is_some() && ad_platform.is_some() && platform != ad_platform {
        call.input
            .reject("adPlatform", "Must not differ from platform");
    }
    let (period, _) = period::of(&mut call)?;
    let input = &call.input;
    let platform = input.text("platform").or_else(|| input.text("adPlatform"));
    let counts = call
        .caller
        .tenant
        .leads_by_sync_state(period, platform)
        .await?;
    let states: Map<String, Value> = call
        .state
        .spec()
        .enum_values("ConversionSyncStatus")
        .into_iter()
        .map(|state| {
            (
                state.to_owned(),
                counts.get(state).copied().unwrap_or(0).into(),
            )
        })
        .collect();
    Ok(Reply::done(states))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::ConversionsStatus;
    use serde_json::json;

    use crate::api::testing::{TestApi, query};

    #[tokio::test]
    async fn every_state_of_the_document_is_counted() {
        let api = TestApi::new().await;
        api.lead(json!({"firstName": "Budi", "status": "won"}))
            .await;
        assert_snapshot!(api.call(ConversionsStatus, query(json!({}))).await);
        let before = query(json!({"from": "2025-01-13", "to": "2025-01-14"}));
        assert_eq!(api.data(ConversionsStatus, before).await["none"], 0);
    }
}
