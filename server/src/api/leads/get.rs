//! `GET /leads/{id}`

use super::{super::Call, NOT_FOUND};
use crate::reply::{Error, Reply};

pub(crate) async fn run(call: Call) -> Result<Reply, Error> {
    let reference = call.input.path("id")?;
    call.input.check()?;
    let lead = call
        .caller
        .tenant
        .lead(&reference)
        .await?
        .ok_or(NOT_FOUND)?;
    Reply::ok(lead)
}
