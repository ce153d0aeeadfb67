//! `POST /leads`

use super::{super::Call, day_limit, new_lead};
use crate::{
    domain::lead::LeadChanges,
    reply::{Error, Reply},
    store::Tenant,
};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let fields: LeadChanges = call.input.body()?;
    let lead = new_lead(&call, fields).ok_or_else(|| Error::field("firstName", "Required"))?;
    let day = day_limit(&call)?;
    let work = move |tenant: &Tenant| tenant.create_lead(lead.clone(), day);
    call.write(work, Reply::created).await
}
