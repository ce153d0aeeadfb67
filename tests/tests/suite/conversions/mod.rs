//! `/conversions`

mod pending;
mod status;

use konektor_tests::Server;
use serde_json::json;

/// Creates a lead with a sync status, which cannot be set through the API.
async fn lead_in(
    server: &Server,
    name: &str,
    state: &str,
    platform: Option<&str>,
) -> serde_json::Value {
    let lead = server
        .lead(json!({"firstName": name, "adPlatform": platform, "externalRef": name}))
        .await;
    let sql =
        format!("update lead set conversion_sync_status = '{state}' where external_ref = '{name}'");
    server.database.execute(&sql).await;
    lead
}
