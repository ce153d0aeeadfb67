//! The error type of the server: what callers receive and what is logged.

use std::collections::BTreeMap;

use crate::{
    domain::workspace::UnknownTimeZone,
    store::{Candidate, StoreError, Taken},
};

/// What is wrong with each bad field, by its dotted path.
pub type Details = BTreeMap<String, String>;

/// Every way a call can fail. Causes are logged with the request id and never sent.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no valid key, for whatever reason.
    #[error("no valid key")]
    Unauthorized,
    /// The key, its plan or its address does not allow the call.
    #[error("forbidden")]
    Forbidden(String),
    /// Every bad field.
    #[error("bad fields")]
    Invalid(Details),
    /// What the caller asked for does not exist.
    #[error("not found")]
    NotFound(&'static str),
    /// A request with the same `Idempotency-Key` is still running.
    #[error("the same request is in flight")]
    InFlight,
    /// A handle matches these leads, each by one of its fields.
    #[error("the handle fits several leads")]
    Ambiguous(Details),
    /// The `Idempotency-Key` belongs to another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The lead that the `Idempotency-Key` wrote is gone and cannot be shown.
    #[error("the lead of the idempotency key is gone")]
    KeySpent,
    /// Too many requests or new leads.
    #[error("rate limited")]
    RateLimited {
        /// The limit that was exceeded.
        message: String,
        /// Seconds to wait before the next attempt.
        retry_after: u64,
    },
    /// The server is overloaded: this request would wait too long.
    #[error("overloaded")]
    Overloaded,
    /// The database is unavailable, and nothing was done.
    #[error("not available: {0}")]
    Unavailable(#[source] anyhow::Error),
    /// A write was sent to the database, and its outcome is unknown.
    #[error("outcome unknown: {0}")]
    OutcomeUnknown(#[source] anyhow::Error),
    /// Anything unexpected.
    #[error("{0}")]
    Internal(#[source] anyhow::Error),
}

/// Formats an error with its causes, for a log line or a terminal. A cause is left out if the text before it already
/// contains it, because some libraries repeat their causes.
#[must_use]
pub fn with_causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// How long callers should wait while the database is unavailable.
const UNAVAILABLE_RETRY_SECONDS: u64 = 5;

/// How long callers should wait while the server is overloaded.
const BUSY_RETRY_SECONDS: u64 = 1;

impl Error {
    /// An error about one bad field.
    #[must_use]
    pub fn field(name: &str, why: &str) -> Self {
        Self::Invalid(Details::from([(name.to_owned(), why.to_owned())]))
    }

    /// The cause, if the operator should see it in the log.
    #[must_use]
    pub fn cause(&self) -> Option<&anyhow::Error> {
        match self {
            Self::Unavailable(cause) | Self::OutcomeUnknown(cause) | Self::Internal(cause) => {
                Some(cause)
            }
            _ => None,
        }
    }

    /// The error code, by which programs distinguish errors.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Forbidden(_) => "FORBIDDEN",
            Self::NotFound(_) => "NOT_FOUND",
            Self::RateLimited { .. } => "RATE_LIMITED",
            Self::Invalid(_)
            | Self::InFlight
            | Self::Ambiguous(_)
            | Self::KeyReused
            | Self::KeySpent => "VALIDATION_ERROR",
            Self::Overloaded
            | Self::Unavailable(_)
            | Self::OutcomeUnknown(_)
            | Self::Internal(_) => "INTERNAL_ERROR",
        }
    }

    /// The message, for people.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unauthorized => "Send a valid API key as Authorization: Bearer <key>".into(),
            Self::Forbidden(message) | Self::RateLimited { message, .. } => message.clone(),
            Self::Invalid(details) if details.len() == 1 => "1 field is not valid".into(),
            Self::Invalid(details) => format!("{} fields are not valid", details.len()),
            Self::NotFound(message) => (*message).into(),
            Self::InFlight => {
                "A request with this Idempotency-Key is still being carried out; try again".into()
            }
            Self::Ambiguous(_) => "More than one lead has that handle; use the id of one".into(),
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

    /// What is wrong with each field; `None` for an error that is not about fields.
    #[must_use]
    pub fn details(&self) -> Option<&Details> {
        match self {
            Self::Invalid(details) | Self::Ambiguous(details) => Some(details),
            _ => None,
        }
    }

    /// Seconds to wait before the next attempt; `None` if a retry does not help.
    #[must_use]
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::InFlight | Self::Overloaded => Some(BUSY_RETRY_SECONDS),
            Self::RateLimited { retry_after, .. } => Some(*retry_after),
            Self::Unavailable(_) | Self::OutcomeUnknown(_) => Some(UNAVAILABLE_RETRY_SECONDS),
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

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_that_an_error_repeats_are_said_once() {
        let cause = anyhow!("no such table").context("while executing: no such table");
        let error =
            cause.context("the database could not be migrated: while executing: no such table");
        assert_eq!(
            with_causes(&error),
            "the database could not be migrated: while executing: no such table"
        );
        let error = anyhow!("connection refused").context("cannot open the database");
        assert_eq!(
            with_causes(&error),
            "cannot open the database: connection refused"
        );
    }
}
