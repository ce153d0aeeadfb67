//! One request and its response: from the request id to the log line.

use axum::{
    body::Body,
    http::{HeaderName, HeaderValue, Response},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::{error::HttpError, response};
use crate::{
    domain::forwarded::Origin, error::Error, gate::RateState, panics::Panicked, pipeline::Seen,
    state::AppState,
};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_KONEKTOR_SCOPES: HeaderName = HeaderName::from_static("x-konektor-scopes");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// What every response carries and every log line says, whatever is asked for.
pub(super) struct Exchange<'a> {
    state: &'a AppState,
    operation: &'a str,
    /// Where the request comes from, if the gate is before what it asks for.
    gated: Option<Origin>,
    request_id: Uuid,
    began: Instant,
}

impl<'a> Exchange<'a> {
    pub(super) fn begin(state: &'a AppState, operation: &'a str, gated: Option<Origin>) -> Self {
        Self {
            state,
            operation,
            gated,
            request_id: state.randomness().uuid(),
            began: Instant::now(),
        }
    }

    /// When the request has to be answered.
    pub(super) fn deadline(&self) -> Instant {
        self.began + self.state.request_timeout()
    }

    /// The response. A panic is an error like others, and the connection goes on.
    pub(super) fn end(
        self,
        result: Result<Result<Response<Body>, HttpError>, Panicked>,
        seen: &Seen,
    ) -> Response<Body> {
        let result = result.unwrap_or_else(|panicked| Err(Error::Internal(panicked.into()).into()));
        let request_id = self.request_id.to_string();
        let mut response = result.unwrap_or_else(|error| {
            if let Some(cause) = error.cause() {
                tracing::error!(
                    request_id,
                    operation = self.operation,
                    cause = format!("{cause:#}"),
                    "failed"
                );
            }
            response::from_error(&error)
        });
        let headers = response.headers_mut();
        if let Some(origin) = self.gated {
            let throttle = || self.state.gate().throttle(origin);
            let RateState {
                limit,
                remaining,
                reset,
            } = seen.rate.unwrap_or_else(throttle);
            headers.insert(X_RATELIMIT_LIMIT, limit.into());
            headers.insert(X_RATELIMIT_REMAINING, remaining.into());
            headers.insert(X_RATELIMIT_RESET, reset.into());
        }
        if let Some(scopes) = &seen.scopes
            && let Ok(scopes) = HeaderValue::from_str(scopes)
        {
            headers.insert(X_KONEKTOR_SCOPES, scopes);
        }
        if let Ok(request_id) = HeaderValue::from_str(&request_id) {
            headers.insert(X_REQUEST_ID, request_id);
        }
        tracing::info!(
            request_id,
            workspace = seen.workspace,
            operation = self.operation,
            status = response.status().as_u16(),
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
}
