//! Replies and errors as HTTP responses.

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Response, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;

use super::error::HttpError;
use crate::{
    error::{Details, Error},
    reply::{Outcome, Reply},
};

pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

#[derive(Serialize)]
struct ErrorEnvelope<'a> {
    success: bool,
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
    details: Option<&'a Details>,
}

/// The response of a successful operation.
pub(super) fn from_reply(reply: &Reply) -> Result<Response<Body>, HttpError> {
    let body = serde_json::to_vec(reply).map_err(|error| Error::Internal(error.into()))?;
    let mut response = response(JSON, body);
    *response.status_mut() = match reply.outcome() {
        Outcome::Done => StatusCode::OK,
        Outcome::Created => StatusCode::CREATED,
    };
    if reply.is_replayed() {
        let replayed = HeaderValue::from_static("true");
        response
            .headers_mut()
            .insert(IDEMPOTENCY_REPLAYED, replayed);
    }
    Ok(response)
}

/// The response of a request that failed.
pub(super) fn from_error(error: &HttpError) -> Response<Body> {
    let call = match error {
        HttpError::Call(error) => Some(error),
        _ => None,
    };
    let envelope = ErrorEnvelope {
        success: false,
        error: ErrorBody {
            code: error.code(),
            message: &error.message(),
            details: call.and_then(Error::details),
        },
    };
    // Strings and maps of strings always serialise.
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    let mut response = response(JSON, body);
    *response.status_mut() = error.status();
    let headers = response.headers_mut();
    if let Some(seconds) = call.and_then(Error::retry_after) {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    if let HttpError::MethodNotAllowed(methods) = error
        && let Ok(methods) = HeaderValue::from_str(methods)
    {
        headers.insert(ALLOW, methods);
    }
    if let Some(Error::Unauthorized) = call {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// 200 with a body of this type.
pub(super) fn response(content_type: HeaderValue, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}
