//! `GET /conversions/status`

use serde_json::{Map, Value};

use crate::{
    api::{call::Call, period},
    error::Error,
    reply::Reply,
};

pub(crate) async fn run(mut call: Call) -> Result<Reply, Error> {
    let (period, _) = period::of(&mut call)?;
    let counts = call
        .caller
        .tenant
        .leads_by_sync_state(period, call.input.text("platform"))
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
