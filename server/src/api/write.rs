//! Writes of operations: each is executed once per `Idempotency-Key`, if the caller sent one.

use crate::{
    api::call::Call,
    domain::lead::Lead,
    error::Error,
    reply::{Outcome, Reply},
    store::{StoreError, Tenant, Write, idempotency::Idempotent},
};

/// Makes the reply to a repeated request from the outcome of the first request and the lead as it is now.
pub(super) type Renew = fn(Outcome, Lead) -> Reply;

impl Call {
    /// Runs a write and replies with its output.
    ///
    /// A refused request does not use up its key: it can be corrected and sent again.
    pub(super) async fn write<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
    ) -> Result<Reply, Error> {
        self.write_once(write, reply, None).await?
    }

    /// Runs a write once per `Idempotency-Key`. `renew` is needed if the reply shows a lead, because the first reply is
    /// not repeated once personal data of the lead has changed.
    ///
    /// The outer error is that of the store, which the operation may turn into a better one.
    pub(super) async fn write_once<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Option<Renew>,
    ) -> Result<Result<Reply, Error>, StoreError> {
        let tenant = &self.caller.tenant;
        let write = write.map(reply);
        let Some(request) = self.idempotent_request() else {
            return tenant.write(write).await;
        };
        let kept =
            |reply: &Result<Reply, Error>| reply.as_ref().ok().map(Reply::to_kept).transpose();
        match tenant.write_idempotent(request, write, kept).await? {
            Idempotent::Done(reply) => Ok(reply),
            Idempotent::Replayed(answer) => Ok(Ok(Reply::replayed(answer)?)),
            Idempotent::Outdated { outcome, lead } => {
                let renew = renew.ok_or(StoreError::Corrupt("lead_id"))?;
                let outcome = Outcome::from_code(outcome).ok_or(StoreError::Corrupt("status"))?;
                let lead = lead.ok_or(Error::KeySpent);
                Ok(lead.map(|lead| renew(outcome, *lead).into_replay()))
            }
            Idempotent::Reused => Ok(Err(Error::KeyReused)),
            Idempotent::InFlight => Ok(Err(Error::InFlight)),
        }
    }
}
