//! How an operation writes: once for each `Idempotency-Key`, if the caller sent one.

use crate::{
    api::{call::Call, leads::day_limit},
    domain::lead::Lead,
    error::Error,
    reply::{Outcome, Reply},
    store::{StoreError, Tenant, Write, idempotency::Idempotent},
};

/// Makes a reply anew from the outcome of the first one and the lead as it is now.
pub(super) type Renew = fn(Outcome, Lead) -> Reply;

impl Call {
    /// Runs a write and replies with its output.
    ///
    /// A refused request leaves its key free: it can be corrected and sent again.
    pub(super) async fn write<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
    ) -> Result<Reply, Error> {
        self.write_idempotent(write, reply, None).await
    }

    /// Runs a write whose answer shows a lead. Once personal data of the lead has changed, its answer is not repeated
    /// but made anew.
    pub(super) async fn write_lead<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Renew,
    ) -> Result<Reply, Error> {
        self.write_idempotent(write, reply, Some(renew)).await
    }

    async fn write_idempotent<W: Write<Tenant>>(
        &self,
        write: W,
        reply: impl Fn(W::Output) -> Result<Reply, Error> + Send + Sync + 'static,
        renew: Option<Renew>,
    ) -> Result<Reply, Error> {
        let tenant = &self.caller.tenant;
        let write = write.map(reply);
        let refused = |error: StoreError| match error {
            StoreError::LeadsPerDay => day_limit::reached(self),
            error => error.into(),
        };
        let Some(request) = self.idempotent_request() else {
            return tenant.write(write).await.map_err(refused)?;
        };
        let kept = |reply: &Result<Reply, Error>| reply.as_ref().ok().and_then(Reply::to_kept);
        match tenant
            .write_idempotent(request, write, kept)
            .await
            .map_err(refused)?
        {
            Idempotent::Done(reply) => reply,
            Idempotent::Replayed(answer) => Ok(Reply::replayed(answer)?),
            Idempotent::Outdated { outcome, lead } => {
                let renew = renew.ok_or(StoreError::Corrupt("lead_id"))?;
                let outcome = Outcome::from_code(outcome).ok_or(StoreError::Corrupt("status"))?;
                Ok(renew(outcome, *lead.ok_or(Error::KeySpent)?).into_replay())
            }
            Idempotent::Reused => Err(Error::KeyReused),
            Idempotent::InFlight => Err(Error::InFlight),
        }
    }
}
