//! `PATCH /leads/{id}`

use super::not_found::NOT_FOUND;
use crate::{
    api::call::Call, domain::lead::Lead, error::Error, reply::Reply, store::leads::UpdateLead,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let update = UpdateLead {
        handle: call.input.path("id")?,
        changes: call.input.body()?,
        now: call.now,
    };
    call.write_lead(
        update,
        |lead| Ok(reply(lead.ok_or(NOT_FOUND)?)),
        |_, lead| reply(lead),
    )
    .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::done(lead).about_lead(id)
}
