//! `POST /leads`

use super::new_lead::{day_limit, new_lead};
use crate::{
    api::call::Call,
    domain::lead::{Lead, LeadChanges},
    error::Error,
    reply::Reply,
    store::Tenant,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let fields: LeadChanges = call.input.body()?;
    let lead = new_lead(&call, fields).ok_or_else(|| Error::field("firstName", "Required"))?;
    let day = day_limit(&call)?;
    let work = move |tenant: &Tenant| tenant.create_lead(lead.clone(), day);
    call.write_lead(work, |lead| Ok(reply(lead)), |_, lead| reply(lead))
        .await
}

fn reply(lead: Lead) -> Reply {
    let id = lead.id.clone();
    Reply::created(lead).about_lead(id)
}
