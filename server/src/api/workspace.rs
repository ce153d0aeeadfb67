//! `GET /workspace`

use jiff::Timestamp;
use serde::Serialize;

use crate::{
    api::call::Call,
    domain::{period::Day, time},
    error::Error,
    reply::Reply,
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Workspace {
    display_name: String,
    timezone: String,
    currency: String,
    language: String,
    date_format: String,
    tracking_code: String,
    subscription: Subscription,
    usage: Usage,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Subscription {
    plan: String,
    status: &'static str,
    interval: &'static str,
    #[serde(serialize_with = "time::serialize_option")]
    current_period_end: Option<Timestamp>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    leads_per_day: LeadsPerDay,
    team_members: u32,
    active_rotators: u32,
}

#[derive(Serialize)]
struct LeadsPerDay {
    limit: Option<i64>,
    current: i64,
}

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    call.input.check()?;
    let today = Day::new(call.now, &call.caller.workspace.time_zone()?).date;
    let current = call.caller.tenant.leads_on(today).await?;
    let workspace = call.caller.workspace;
    Ok(Reply::done(Workspace {
        display_name: workspace.name,
        timezone: workspace.timezone,
        currency: workspace.currency,
        language: workspace.language,
        date_format: workspace.date_format,
        tracking_code: workspace.tracking_code,
        // Billing, team members and rotators are managed outside this server. The contract fixes these values.
        subscription: Subscription {
            plan: workspace.plan,
            status: "active",
            interval: "monthly",
            current_period_end: None,
        },
        usage: Usage {
            leads_per_day: LeadsPerDay {
                limit: workspace.leads_per_day,
                current,
            },
            team_members: 1,
            active_rotators: 0,
        },
    }))
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use konektor_spec::OperationId::WorkspaceShow;
    use serde_json::json;

    use crate::api::testing::{TestApi, nothing, query};

    #[tokio::test]
    async fn the_leads_of_the_local_day_are_counted() {
        let api = TestApi::with(|workspace| workspace.leads_per_day = Some(50)).await;
        api.lead(json!({"firstName": "Budi"})).await;
        assert_snapshot!(api.call(WorkspaceShow, nothing()).await);
        // 00:30 of the next day in Jakarta.
        api.clock.advance(std::time::Duration::from_hours(7));
        let data = api.data(WorkspaceShow, nothing()).await;
        assert_eq!(
            data["usage"]["leadsPerDay"],
            json!({"limit": 50, "current": 0})
        );
    }

    #[tokio::test]
    async fn parameters_that_there_are_not_are_refused() {
        let api = TestApi::new().await;
        assert_snapshot!(
            api.call(WorkspaceShow, query(json!({"verbose": "1"})))
                .await
        );
    }
}
