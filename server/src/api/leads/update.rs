//! `PATCH /leads/{id}`

use super::{super::Call, NOT_FOUND};
use crate::{
    domain::lead::LeadChanges,
    reply::{Error, Reply},
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    let changes: LeadChanges = call.input.body()?;
    let tenant = &call.caller.tenant;
    let work = tenant.update_lead(reference, changes, call.now);
    call.write(work, |lead| Reply::ok(lead.ok_or(NOT_FOUND)?))
        .await
}
