//! Every way an HTTP request can fail, and the one table from errors to statuses.

use std::{borrow::Cow, time::Duration};

use axum::http::StatusCode;

use crate::error::Error;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The call failed, independent of the protocol.
    #[error(transparent)]
    Call(#[from] Error),
    /// It cannot be parsed.
    #[error("unreadable request")]
    Malformed(&'static str),
    /// The body is not JSON; the error is at this position.
    #[error("unreadable body")]
    NotJson {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// The path does not have this method, but these.
    #[error("method not allowed")]
    MethodNotAllowed(String),
    /// It did not arrive completely within this time.
    #[error("the request did not arrive in time")]
    RequestTimeout(Duration),
    /// The body is longer than this number of bytes.
    #[error("the body is too large")]
    TooLarge(usize),
    /// The `Content-Type` is not JSON.
    #[error("the body is not JSON")]
    UnsupportedMediaType,
}

impl HttpError {
    /// The status of the response.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Call(error) => match error {
                Error::Invalid(_) => StatusCode::BAD_REQUEST,
                Error::Unauthorized => StatusCode::UNAUTHORIZED,
                Error::Forbidden(_) => StatusCode::FORBIDDEN,
                Error::NotFound(_) => StatusCode::NOT_FOUND,
                Error::InFlight | Error::Ambiguous(_) => StatusCode::CONFLICT,
                Error::KeyReused | Error::KeySpent => StatusCode::UNPROCESSABLE_ENTITY,
                Error::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
                Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
                Error::Overloaded | Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
                Error::OutcomeUnknown(_) => StatusCode::GATEWAY_TIMEOUT,
            },
            Self::Malformed(_) | Self::NotJson { .. } => StatusCode::BAD_REQUEST,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::RequestTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    /// The code that callers tell errors apart by.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Call(error) => error.code(),
            _ => "VALIDATION_ERROR",
        }
    }

    /// What is wrong, for people.
    pub(super) fn message(&self) -> Cow<'static, str> {
        match self {
            Self::Call(error) => error.message().into(),
            Self::Malformed(message) => (*message).into(),
            Self::NotJson { line, column } => {
                format!("The body is not valid JSON in UTF-8: see line {line}, column {column}")
                    .into()
            }
            Self::MethodNotAllowed(methods) => format!("This path takes {methods}").into(),
            Self::RequestTimeout(limit) => format!(
                "The request did not arrive whole within {} seconds",
                limit.as_secs_f64().round()
            )
            .into(),
            Self::TooLarge(bytes) => format!("The body is larger than {bytes} bytes").into(),
            Self::UnsupportedMediaType => {
                "Send the body as JSON with Content-Type: application/json".into()
            }
        }
    }

    /// The cause for the log, if it is one that the operator should know.
    pub(super) fn cause(&self) -> Option<&anyhow::Error> {
        match self {
            Self::Call(error) => error.cause(),
            _ => None,
        }
    }
}
