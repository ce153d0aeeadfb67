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
        // Billing, team members and rotators live outside this server; the contract fixes what it says of them.
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
