//! What goes back: the envelope of a success, and the one error type that is also the response.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{
        HeaderName, HeaderValue, Response, StatusCode,
        header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use bytes::Bytes;
use serde::Serialize;

use crate::{
    domain::workspace::UnknownTimeZone,
    store::{
        StoreError,
        idempotency::KeptAnswer,
        leads::{Candidate, Taken},
    },
};

/// A successful answer, ready to send.
pub struct Reply {
    status: StatusCode,
    body: Bytes,
    /// Whether it was answered before.
    replayed: bool,
    /// The lead that it shows, if it shows one.
    lead_id: Option<String>,
}

/// Which page a list answer is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    page: i64,
    limit: i64,
    total: i64,
    total_pages: i64,
    next_cursor: Option<String>,
}

#[derive(Serialize)]
struct Envelope<T> {
    success: bool,
    data: T,
    #[serde(skip_serializing_if = "Option::is_none")]
    pagination: Option<Pagination>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<bool>,
}

impl<T: Serialize> Envelope<T> {
    fn of(data: T) -> Self {
        Self {
            success: true,
            data,
            pagination: None,
            created: None,
        }
    }

    fn reply(&self, status: StatusCode) -> Result<Reply, Error> {
        let body = serde_json::to_vec(self).map_err(|error| Error::Internal(error.into()))?;
        Ok(Reply {
            status,
            body: body.into(),
            replayed: false,
            lead_id: None,
        })
    }
}

impl Reply {
    /// 200 with this data.
    pub fn ok(data: impl Serialize) -> Result<Self, Error> {
        Envelope::of(data).reply(StatusCode::OK)
    }

    /// 201 with what was made.
    pub fn created(data: impl Serialize) -> Result<Self, Error> {
        Envelope::of(data).reply(StatusCode::CREATED)
    }

    /// 200 with one page.
    pub fn page(data: impl Serialize, pagination: Pagination) -> Result<Self, Error> {
        Envelope {
            pagination: Some(pagination),
            ..Envelope::of(data)
        }
        .reply(StatusCode::OK)
    }

    /// 201 or 200, and whether it was made.
    pub fn upserted(data: impl Serialize, created: bool) -> Result<Self, Error> {
        let status = if created {
            StatusCode::CREATED
        } else {
            StatusCode::OK
        };
        Envelope {
            created: Some(created),
            ..Envelope::of(data)
        }
        .reply(status)
    }

    /// An earlier answer once more.
    pub fn replayed(kept: KeptAnswer) -> Result<Self, Error> {
        Ok(Self {
            status: StatusCode::from_u16(kept.status).map_err(|_| StoreError::Corrupt("status"))?,
            body: kept.body,
            replayed: true,
            lead_id: kept.lead_id,
        })
    }

    /// The same answer, to a request that was answered before.
    #[must_use]
    pub fn into_replay(self) -> Self {
        Self {
            replayed: true,
            ..self
        }
    }

    /// The same answer, which shows this lead.
    #[must_use]
    pub fn about_lead(self, id: &str) -> Self {
        Self {
            lead_id: Some(id.to_owned()),
            ..self
        }
    }

    /// What has to be kept to give this answer once more.
    #[must_use]
    pub fn to_kept(&self) -> KeptAnswer {
        KeptAnswer {
            status: self.status.as_u16(),
            body: self.body.clone(),
            lead_id: self.lead_id.clone(),
        }
    }

    /// As an HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Body> {
        let mut response = json(self.status, self.body);
        if self.replayed {
            response.headers_mut().insert(
                HeaderName::from_static("idempotency-replayed"),
                HeaderValue::from_static("true"),
            );
        }
        response
    }
}

impl Pagination {
    /// The state of a page of so many rows at most out of so many in all.
    #[must_use]
    pub fn new(page: i64, limit: i64, total: i64, next_cursor: Option<String>) -> Self {
        let total_pages = total.div_euclid(limit) + i64::from(total.rem_euclid(limit) > 0);
        Self {
            page,
            limit,
            total,
            total_pages,
            next_cursor,
        }
    }
}

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

fn json(status: StatusCode, body: impl Into<Body>) -> Response<Body> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
