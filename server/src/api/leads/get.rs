//! `GET /leads/{id}`

use super::not_found::NOT_FOUND;
use crate::{api::call::Call, error::Error, reply::Reply};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    call.input.check()?;
    let lead = call
        .caller
        .tenant
        .lead(&reference)
        .await?
        .ok_or(NOT_FOUND)?;
    Ok(Reply::done(lead))
}
