//! How an operation writes a lead.

use super::day_limit;
use crate::{
    api::{call::Call, write::Renew},
    error::Error,
    reply::Reply,
    store::{StoreError, Tenant, Write},
};

impl Call {
    /// Runs a write and replies with the lead. `renew` makes the reply to a repeated request.
    pub(super) async fn write_lead<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Renew,
    ) -> Result<Reply, Error> {
        match self.write_once(write, reply, Some(renew)).await {
            Ok(reply) => reply,
            Err(StoreError::LeadsPerDay) => Err(day_limit::reached(self)),
            Err(error) => Err(error.into()),
        }
    }
}
