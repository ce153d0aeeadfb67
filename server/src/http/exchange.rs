//! One HTTP request: from its id to the headers that every response has.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, Response},
};

use super::{error::HttpError, response};
use crate::{domain::forwarded::Origin, gate::RateState, pipeline::Exchange};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_KONEKTOR_SCOPES: HeaderName = HeaderName::from_static("x-konektor-scopes");
const X_RATELIMIT_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const X_RATELIMIT_REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const X_RATELIMIT_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");

/// Does the work of a request, logs it and completes the response. `gated` is where the request comes from, if it needs
/// a key.
pub(super) async fn respond(
    exchange: &Exchange<'_>,
    gated: Option<Origin>,
    work: impl Future<Output = Result<Response<Body>, HttpError>>,
) -> Response<Body> {
    let result = exchange.run(work).await;
    let mut response = result.unwrap_or_else(|error| {
        if let Some(cause) = error.cause() {
            exchange.log_failure(cause);
        }
        response::from_error(&error)
    });
    add_headers(response.headers_mut(), exchange, gated);
    exchange.log_answer(response.status().as_u16());
    response
}

fn add_headers(headers: &mut HeaderMap, exchange: &Exchange<'_>, gated: Option<Origin>) {
    if let Some(origin) = gated {
        let RateState {
            limit,
            remaining,
            reset,
        } = exchange.rate(origin);
        headers.insert(X_RATELIMIT_LIMIT, limit.into());
        headers.insert(X_RATELIMIT_REMAINING, remaining.into());
        headers.insert(X_RATELIMIT_RESET, reset.into());
    }
    if let Some(scopes) = exchange.scopes()
        && let Ok(scopes) = HeaderValue::from_str(scopes)
    {
        headers.insert(X_KONEKTOR_SCOPES, scopes);
    }
    if let Ok(request_id) = HeaderValue::from_str(&exchange.request_id().to_string()) {
        headers.insert(X_REQUEST_ID, request_id);
    }
}
