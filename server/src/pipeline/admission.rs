//! Who is let in, and when: from the presented key to a caller that may be served now.

use tokio::{sync::SemaphorePermit, time::Instant};

use super::deadline;
use crate::{
    domain::{api_key::ApiKey, forwarded::Origin},
    error::Error,
    gate::{Caller, RateState},
    state::AppState,
};

/// A request that is served now.
pub(crate) struct Admitted<'a> {
    pub(crate) caller: Caller,
    /// How long its work is waited for.
    pub(crate) deadline: Instant,
    /// Its turn, which ends when this is dropped.
    pub(crate) permit: SemaphorePermit<'a>,
}

/// What became known of a request on its way, also of one that was refused.
#[derive(Default)]
pub(crate) struct Seen {
    /// The workspace of the key.
    pub(crate) workspace: Option<String>,
    /// The scopes of the key, separated by spaces.
    pub(crate) scopes: Option<String>,
    /// The state of the workspace's rate limit.
    pub(crate) rate: Option<RateState>,
}

/// Refuses a request without a well-formed key, and any request while the server is overloaded. The database is not
/// asked, so that refusing costs nothing.
pub(crate) fn check_key(
    state: &AppState,
    presented: Option<&str>,
    origin: Origin,
) -> Result<ApiKey, Error> {
    let key = state.gate().parse_key(presented, origin)?;
    state.concurrency().check()?;
    Ok(key)
}

/// Finds out whose key it is and waits for a turn. A key that was valid a moment ago takes a turn at once; any other
/// key is looked up first, beside the turns, and takes one when it is valid.
pub(crate) async fn admit<'a>(
    state: &'a AppState,
    key: &ApiKey,
    origin: Origin,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<Admitted<'a>, Error> {
    let (gate, limit) = (state.gate(), state.concurrency());
    let recognised = gate.recognises(key);
    let permit = if recognised {
        limit.acquire().await?
    } else {
        limit.acquire_look_up(gate.is_suspect(origin)).await?
    };
    let deadline = deadline.min(Instant::now() + state.settings().database.request_timeout);
    let looked_up = gate.authenticate(state.store(), key, origin);
    let authenticated = deadline::before(deadline, None, looked_up).await?;
    seen.workspace = Some(authenticated.workspace_id().to_owned());
    seen.scopes = Some(authenticated.scopes());
    let caller = gate.admit(state.spec(), authenticated, origin, &mut seen.rate)?;
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
