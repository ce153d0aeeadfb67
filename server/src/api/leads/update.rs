//! `PATCH /leads/{id}`

use super::{super::Call, NOT_FOUND};
use crate::{
    domain::lead::LeadChanges,
    reply::{Error, Reply},
    store::Tenant,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    let changes: LeadChanges = call.input.body()?;
    let now = call.now;
    let work = move |tenant: &Tenant| tenant.update_lead(reference.clone(), changes.clone(), now);
    call.write(work, |lead| Reply::ok(lead.ok_or(NOT_FOUND)?))
        .await
}
