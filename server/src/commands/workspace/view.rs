//! How commands show a workspace.

use konektor_spec::Spec;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    domain::{time, time_zone, workspace::Workspace},
};

pub(super) fn as_json(workspace: &Workspace) -> Value {
    json!({
        "workspaceId": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "requestsPerMinute": effective_limit(workspace),
        "leadsPerDay": workspace.leads_per_day,
        "timezone": workspace.timezone,
        "currency": workspace.currency,
        "language": workspace.language,
        "dateFormat": workspace.date_format,
        "trackingCode": workspace.tracking_code,
        "nameIndex": workspace.name_index.as_str(),
        "createdAt": time::format(workspace.created_at),
    })
}

/// The workspace's own limit of requests per minute, or its plan's; `None` if the plan has no Agent API.
pub(super) fn effective_limit(workspace: &Workspace) -> Option<u32> {
    let of_plan = Spec::builtin().requests_per_minute(&workspace.plan)?;
    Some(workspace.requests_per_minute.unwrap_or(of_plan))
}

/// `Asia/Jakarta (UTC+07:00 now)`. The offset is shown because the sign in `Etc/GMT+7` is inverted.
pub(super) fn with_offset(timezone: &str, clock: &Clock) -> String {
    time_zone::offset(timezone, clock.now()).map_or_else(
        || timezone.to_owned(),
        |offset| format!("{timezone} ({offset} now)"),
    )
}
