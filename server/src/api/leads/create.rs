//! `POST /leads`

use super::{super::Call, day_limit, new_lead, refused};
use crate::{
    domain::lead::LeadChanges,
    reply::{Error, Reply},
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let fields: LeadChanges = call.input.body()?;
    let lead = new_lead(&call, fields).ok_or_else(|| Error::field("firstName", "Required"))?;
    call.caller
        .tenant
        .create_lead(&lead, day_limit(&call))
        .await
        .map_err(|error| refused(&call, error))?;
    Reply::created(lead)
}
