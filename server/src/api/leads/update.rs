//! `PATCH /leads/{id}`

use super::not_found::NOT_FOUND;
use crate::{
    api::call::Call,
    domain::lead::{Lead, LeadChanges},
    error::Error,
    reply::Reply,
    store::Tenant,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    let changes: LeadChanges = call.input.body()?;
    let now = call.now;
    let work = move |tenant: &Tenant| tenant.update_lead(reference.clone(), changes.clone(), now);
    call.write_lead(
        work,
        |lead| Ok(reply(lead.ok_or(NOT_FOUND)?)),
        |_, lead| reply(lead),
    )
    .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::done(lead).about_lead(id)
}
