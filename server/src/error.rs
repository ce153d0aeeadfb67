//! The one error type of the server, and what callers are told.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{
        HeaderValue, Response, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use serde::Serialize;

use crate::{
    domain::workspace::UnknownTimeZone,
    store::{
        StoreError,
        leads::{Candidate, Taken},
    },
};

/// What is wrong with each bad field, by its dotted path.
pub type Details = BTreeMap<String, String>;

/// Every way a request can fail. Causes are logged with the request id and never sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 401: there is no valid key, for whatever reason.
    #[error("no valid key")]
    Unauthorized,
    /// 403.
    #[error("forbidden")]
    Forbidden(String),
    /// 400: every bad field.
    #[error("bad fields")]
    Invalid(Details),
    /// 400: what cannot be read at all.
    #[error("unreadable request")]
    Malformed(&'static str),
    /// 400: a body that is no JSON, from this place on.
    #[error("unreadable body")]
    #[expect(missing_docs, reason = "the names say it")]
    NotJson { line: usize, column: usize },
    /// 404.
    #[error("not found")]
    NotFound(&'static str),
    /// 405, with the methods there are.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// 408, after so long.
    #[error("the request did not arrive in time")]
    RequestTimeout(Duration),
    /// 409: a request with the same `Idempotency-Key` is being carried out.
    #[error("the same request is in flight")]
    InFlight,
    /// 409: a handle fits these leads, each by one of its fields.
    #[error("the handle fits several leads")]
    Ambiguous(Details),
    /// 413, over so many bytes.
    #[error("the body is too large")]
    TooLarge(usize),
    /// 415.
    #[error("the body is not JSON")]
    UnsupportedMediaType,
    /// 422: the `Idempotency-Key` belongs to another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// 422: what the `Idempotency-Key` was used for is no longer there to be shown.
    #[error("the lead of the idempotency key is gone")]
    KeySpent,
    /// 429.
    #[error("rate limited")]
    RateLimited {
        /// What limit it was.
        message: String,
        /// Seconds until it is worth trying again.
        retry_after: u64,
    },
    /// 503: so many requests are being carried out that this one would wait too long.
    #[error("overloaded")]
    Overloaded,
    /// 503: nothing was done.
    #[error("not available: {0}")]
    Unavailable(#[source] anyhow::Error),
    /// 504: a write was handed over and may have happened.
    #[error("not known whether it happened: {0}")]
    OutcomeUnknown(#[source] anyhow::Error),
    /// 500.
    #[error("{0}")]
    Internal(#[source] anyhow::Error),
}

/// How long to wait for a database that is away.
const UNAVAILABLE_SECONDS: u64 = 5;

/// How long to wait for requests that are being carried out.
const SOON_SECONDS: u64 = 1;

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

impl Error {
    /// One bad field.
    #[must_use]
    pub fn field(name: &str, why: &str) -> Self {
        Self::Invalid(Details::from([(name.to_owned(), why.to_owned())]))
    }

    /// As an HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let (status, code) = self.status_and_code();
        let message = self.message();
        let details = match &self {
            Self::Invalid(details) | Self::Ambiguous(details) => Some(details),
            _ => None,
        };
        let envelope = ErrorEnvelope {
            success: false,
            error: ErrorBody {
                code,
                message: &message,
                details,
            },
        };
        // Strings and maps of strings always serialise.
        let body = serde_json::to_vec(&envelope).unwrap_or_default();
        let mut response = json(status, body);
        if let Some(seconds) = self.retry_after() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        if let Self::MethodNotAllowed(methods) = &self
            && let Ok(value) = HeaderValue::from_str(methods)
        {
            response.headers_mut().insert(ALLOW, value);
        }
        if matches!(self, Self::Unauthorized) {
            let challenge = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The cause for the log, if it is one that the operator should know.
    #[must_use]
    pub fn cause(&self) -> Option<&anyhow::Error> {
        match self {
            Self::Unavailable(cause) | Self::OutcomeUnknown(cause) | Self::Internal(cause) => {
                Some(cause)
            }
            _ => None,
        }
    }

    fn status_and_code(&self) -> (StatusCode, &'static str) {
        match self {
            Self::Unauthorized => (StatusCode::UNAUTHORIZED, "UNAUTHORIZED"),
            Self::Forbidden(_) => (StatusCode::FORBIDDEN, "FORBIDDEN"),
            Self::Invalid(_) | Self::Malformed(_) | Self::NotJson { .. } => {
                (StatusCode::BAD_REQUEST, "VALIDATION_ERROR")
            }
            Self::NotFound(_) => (StatusCode::NOT_FOUND, "NOT_FOUND"),
            Self::MethodNotAllowed(_) => (StatusCode::METHOD_NOT_ALLOWED, "VALIDATION_ERROR"),
            Self::RequestTimeout(_) => (StatusCode::REQUEST_TIMEOUT, "VALIDATION_ERROR"),
            Self::InFlight | Self::Ambiguous(_) => (StatusCode::CONFLICT, "VALIDATION_ERROR"),
            Self::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "VALIDATION_ERROR"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "VALIDATION_ERROR"),
            Self::KeyReused | Self::KeySpent => {
                (StatusCode::UNPROCESSABLE_ENTITY, "VALIDATION_ERROR")
            }
            Self::RateLimited { .. } => (StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED"),
            Self::Overloaded | Self::Unavailable(_) => {
                (StatusCode::SERVICE_UNAVAILABLE, "INTERNAL_ERROR")
            }
            Self::OutcomeUnknown(_) => (StatusCode::GATEWAY_TIMEOUT, "INTERNAL_ERROR"),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unauthorized => "Send a valid API key as Authorization: Bearer <key>".into(),
            Self::Forbidden(message) | Self::RateLimited { message, .. } => message.clone(),
            Self::Invalid(details) if details.len() == 1 => "1 field is not valid".into(),
            Self::Invalid(details) => format!("{} fields are not valid", details.len()),
            Self::Malformed(message) | Self::NotFound(message) => (*message).into(),
            Self::NotJson { line, column } => {
                format!("The body is not valid JSON in UTF-8: see line {line}, column {column}")
            }
            Self::MethodNotAllowed(methods) => format!("This path takes {methods}"),
            Self::RequestTimeout(limit) => format!(
                "The request did not arrive whole within {} seconds",
                limit.as_secs_f64().round()
            ),
            Self::InFlight => {
                "A request with this Idempotency-Key is still being carried out; try again".into()
            }
            Self::Ambiguous(_) => "More than one lead has that handle; use the id of one".into(),
            Self::TooLarge(bytes) => format!("The body is larger than {bytes} bytes"),
            Self::UnsupportedMediaType => {
                "Send the body as JSON with Content-Type: application/json".into()
            }
            Self::KeyReused => {
                "This Idempotency-Key was sent with another request; send this one with a new key"
                    .into()
            }
            Self::KeySpent => {
                "The lead of this Idempotency-Key is gone; send the request with a new key".into()
            }
            Self::Overloaded => "Too many requests are being carried out; try again".into(),
            Self::Unavailable(_) => "The service is not available at the moment; try again".into(),
            Self::OutcomeUnknown(_) => {
                "It is not known whether this write happened; look, or repeat it with the same Idempotency-Key"
                    .into()
            }
            Self::Internal(_) => "Something went wrong on our side".into(),
        }
    }

    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::InFlight | Self::Overloaded => Some(SOON_SECONDS),
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::Unavailable(_) | Self::OutcomeUnknown(_) => Some(UNAVAILABLE_SECONDS),
            _ => None,
        }
    }
}

impl From<UnknownTimeZone> for Error {
    fn from(error: UnknownTimeZone) -> Self {
        Self::Internal(error.into())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Taken(fields) => Self::Invalid(
                fields
                    .into_iter()
                    .map(|(field, taken)| (field.to_owned(), taken_message(taken)))
                    .collect(),
            ),
            StoreError::Ambiguous(candidates) => Self::Ambiguous(Details::from([(
                "id".to_owned(),
                candidates_message(&candidates),
            )])),
            StoreError::NoWorkspace => Self::Unauthorized,
            StoreError::Unavailable(_) | StoreError::Raced => Self::Unavailable(error.into()),
            StoreError::OutcomeUnknown(_) => Self::OutcomeUnknown(error.into()),
            other => Self::Internal(other.into()),
        }
    }
}

fn taken_message(taken: Taken) -> String {
    match taken {
        Taken::Same => "Another lead has it already".into(),
        Taken::As(field) => format!("Another lead has it already, as its {field}"),
    }
}

fn candidates_message(candidates: &[Candidate]) -> String {
    let each: Vec<_> = candidates
        .iter()
        .map(|Candidate { id, field }| format!("{id} by its {field}"))
        .collect();
    format!("Fits {}", each.join(", "))
}

pub(crate) fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
