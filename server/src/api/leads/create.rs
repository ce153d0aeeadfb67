//! `POST /leads`

use super::{day_limit::day_limit, new_lead::new_lead};
use crate::{
    api::call::Call,
    domain::lead::{Lead, LeadChanges},
    error::Error,
    reply::Reply,
    store::leads::CreateLead,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let fields: LeadChanges = call.input.body()?;
    let new = new_lead(&call, fields).ok_or_else(|| Error::field("firstName", "Required"))?;
    let create = CreateLead {
        new,
        day: day_limit(&call)?,
    };
    call.write_lead(create, |lead| Ok(reply(lead)), |_, lead| reply(lead))
        .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::created(lead).about_lead(id)
}
