//! One request from its id to its log line, whatever protocol it came by.

use std::sync::OnceLock;

use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    domain::forwarded::Origin,
    error::{Error, with_causes},
    gate::RateState,
    panics,
    state::AppState,
};

/// A request and what becomes known of it on its way, also if it is refused.
pub(crate) struct Exchange<'a> {
    pub(super) state: &'a AppState,
    operation: &'a str,
    request_id: Uuid,
    began: Instant,
    pub(super) workspace: OnceLock<String>,
    pub(super) scopes: OnceLock<String>,
    pub(super) rate: OnceLock<RateState>,
}

impl<'a> Exchange<'a> {
    /// Begins a request. `operation` is its name in the log.
    pub(crate) fn begin(state: &'a AppState, operation: &'a str) -> Self {
        Self {
            state,
            operation,
            request_id: state.randomness().uuid(),
            began: Instant::now(),
            workspace: OnceLock::new(),
            scopes: OnceLock::new(),
            rate: OnceLock::new(),
        }
    }

    /// The id by which the client and the log refer to the request.
    pub(crate) fn request_id(&self) -> Uuid {
        self.request_id
    }

    /// When the request has to be answered.
    pub(crate) fn deadline(&self) -> Instant {
        self.began + self.state.request_timeout()
    }

    /// The scopes of the key, separated by spaces.
    pub(crate) fn scopes(&self) -> Option<&str> {
        self.scopes.get().map(String::as_str)
    }

    /// The state of the workspace's rate limit, or, before the workspace is known, of the throttle of failed
    /// authentications from `origin`.
    pub(crate) fn rate(&self, origin: Origin) -> RateState {
        let throttle = || self.state.gate().throttle(origin);
        self.rate.get().copied().unwrap_or_else(throttle)
    }

    /// Does the work of the request. A panic becomes an error like others.
    pub(crate) async fn run<T, E: From<Error>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let result = panics::catch(work).await;
        result.unwrap_or_else(|panicked| Err(Error::Internal(panicked.into()).into()))
    }

    /// Logs why the request failed.
    pub(crate) fn log_failure(&self, cause: &anyhow::Error) {
        tracing::error!(
            request_id = %self.request_id,
            operation = self.operation,
            cause = with_causes(cause),
            "failed"
        );
    }

    /// Logs the answer, whose status is a number of the protocol.
    pub(crate) fn log_answer(&self, status: u16) {
        tracing::info!(
            request_id = %self.request_id,
            workspace = self.workspace.get(),
            operation = self.operation,
            status,
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
    }
}
