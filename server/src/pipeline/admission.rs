//! From a presented key to a caller that may be served now.

use tokio::{sync::SemaphorePermit, time::Instant};

use super::{deadline, exchange::Exchange};
use crate::{
    domain::{api_key::ApiKey, forwarded::Origin},
    error::Error,
    gate::{Admission, Caller},
};

/// A request that is served now.
pub(crate) struct Admitted<'a> {
    pub(crate) caller: Caller,
    /// When its work has to be done.
    pub(crate) deadline: Instant,
    /// Its permit of the concurrency limit, which is released when this is dropped.
    pub(crate) permit: SemaphorePermit<'a>,
}

impl<'a> Exchange<'a> {
    /// Refuses a request without a well-formed key, and any request while the server is overloaded. A refusal is cheap:
    /// it does not query the database.
    pub(crate) fn check_key(
        &self,
        presented: Option<&str>,
        origin: Origin,
    ) -> Result<ApiKey, Error> {
        let key = self.state.gate().parse_key(presented, origin)?;
        self.state.concurrency().check()?;
        Ok(key)
    }

    /// Looks up the caller and waits for a permit of the concurrency limit. A key that was valid a moment ago waits for
    /// the permit first. Any other key is looked up first, under a limit of its own, and waits if it is valid.
    pub(crate) async fn admit(&self, key: &ApiKey, origin: Origin) -> Result<Admitted<'a>, Error> {
        let state = self.state;
        let (gate, limit) = (state.gate(), state.concurrency());
        let recognised = gate.recognises(key);
        let permit = if recognised {
            limit.acquire().await?
        } else {
            limit.acquire_look_up(gate.is_suspect(origin)).await?
        };
        let database_deadline = Instant::now() + state.settings().database.request_timeout;
        let deadline = self.deadline().min(database_deadline);
        // On the heap, because the future of every request has room for this one, also without a key.
        let looked_up = Box::pin(gate.authenticate(state.store(), key, origin));
        let authenticated = deadline::before(deadline, None, looked_up).await?;
        self.workspace
            .get_or_init(|| authenticated.workspace_id().to_owned());
        self.scopes.get_or_init(|| authenticated.scopes());
        let Admission { caller, rate } = gate.admit(state.spec(), authenticated, origin);
        if let Some(rate) = rate {
            self.rate.get_or_init(|| rate);
        }
        let caller = caller?;
        let permit = if recognised {
            permit
        } else {
            drop(permit);
            limit.acquire().await?
        };
        Ok(Admitted {
            caller,
            deadline,
            permit,
        })
    }
}
