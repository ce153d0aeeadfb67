//! Turns a failed call into an [`Error`] with everything that is known about it.

use std::{collections::BTreeMap, time::Duration};

use reqwest::StatusCode;

use crate::{
    call::{self, Call, Idempotency},
    error::{Error, ErrorKind},
    error_envelope::ErrorEnvelope,
    generated::enums::ErrorCode,
    proxy,
    retry::{self, Retry},
    sanitize::sanitize,
    tls,
};

const OVERSIZED: &str = "the answer is larger than 16 MiB";

/// An answer whose status is not a success.
pub(crate) fn from_answer(body: &[u8], call: &Call) -> Error {
    let envelope = ErrorEnvelope::read(body, call.api_key());
    let code = envelope.as_ref().map(|envelope| envelope.code.clone());
    let (message, details) = match envelope {
        Some(envelope) => (envelope.message, envelope.details),
        None if call.is_oversized() => (OVERSIZED.to_owned(), BTreeMap::new()),
        None => (not_json(body, call.status()), BTreeMap::new()),
    };
    unreadable(&message, call).with(|error| {
        if let Some(status) = call.status() {
            let is_ambiguous = details.contains_key("id") && !call.is_transient();
            error.kind = kind(status, code.as_ref(), is_ambiguous);
        }
        if error.kind == ErrorKind::IdempotencyKeyReused && code.is_some() {
            // The key belongs to another request: this one has not happened.
            error.retry = Retry::Never;
        }
        error.code = code;
        error.details = details;
    })
}

/// An answer whose body cannot be read, with what its headers say.
pub(crate) fn unreadable(message: &str, call: &Call) -> Error {
    with_call(Error::new(ErrorKind::UnexpectedResponse, message), call).with(|error| {
        error.status = call.status();
        error.rate_limit = call.rate_limit();
        error.request_id = call.request_id();
        error.retry_after = call.asked_wait();
        error.retry = retry(call, call.is_transient(), error.retry_after);
    })
}

/// An answer that is too large to be kept.
pub(crate) fn oversized(call: &Call) -> Error {
    unreadable(OVERSIZED, call)
}

/// A try that got no answer.
pub(crate) fn from_connection(error: reqwest::Error, call: &Call) -> Error {
    let error = error.without_url();
    let cause = sanitize(&root_cause(&error), call.api_key());
    if error.is_builder() {
        let message = format!("the request cannot be built: {cause}");
        return Error::new(ErrorKind::Validation, message)
            .with(|error| error.place = Some(call.place()));
    }
    let (kind, message) = if let Some(failure) = proxy::Failure::of(&error) {
        (ErrorKind::Proxy, proxy_message(failure, &cause, call))
    } else if error.is_timeout() {
        (
            ErrorKind::Timeout,
            "the server did not answer in time".to_owned(),
        )
    } else if error.is_connect() && tls::refused(&error) {
        (
            ErrorKind::Network,
            format!("there is no trusted connection to the server: {cause}"),
        )
    } else if error.is_connect() {
        (
            ErrorKind::Network,
            format!("the server cannot be reached: {cause}"),
        )
    } else {
        (ErrorKind::Network, format!("the connection broke: {cause}"))
    };
    with_call(Error::new(kind, message), call).with(|inner| {
        inner.retry = retry(call, !call::is_permanent(&error), None);
        inner.source = Some(error);
    })
}

/// A call that did not end within its deadline.
pub(crate) fn deadline_exceeded(call: &Call) -> Error {
    let within = call.deadline().unwrap_or_default();
    let message = match call.status() {
        Some(status) => format!(
            "the call did not end within {within:?}; the last answer was {}",
            status.as_u16()
        ),
        None => format!("the call did not end within {within:?}"),
    };
    with_call(Error::new(ErrorKind::DeadlineExceeded, message), call).with(|error| {
        error.request_id = call.request_id();
        error.retry_after = call.asked_wait();
        error.retry = retry(call, true, error.retry_after);
    })
}

fn with_call(error: Error, call: &Call) -> Error {
    error.with(|error| {
        error.place = Some(call.place());
        error.attempts = call.attempts();
        error.elapsed = call.elapsed();
        if let Idempotency::Key(key) = call.idempotency() {
            error.idempotency_key = Some(key.clone());
        }
    })
}

/// What to do about a call whose last try failed. `may_pass` tells whether another try may succeed. A call
/// that may have happened is never a permanent failure: a repeat under its key tells whether it did.
fn retry(call: &Call, may_pass: bool, asked: Option<Duration>) -> Retry {
    /// The wait when the server does not say one.
    const DEFAULT_WAIT: Duration = Duration::from_secs(1);

    let after = asked.unwrap_or(DEFAULT_WAIT);
    match call.idempotency() {
        Idempotency::Key(key) if call.may_have_happened() => Retry::WithKey(key.clone(), after),
        Idempotency::None if call.may_have_happened() => Retry::Never,
        _ if may_pass => Retry::Safe(after),
        _ => Retry::Never,
    }
}

fn proxy_message(failure: proxy::Failure, cause: &str, call: &Call) -> String {
    use proxy::Failure;

    let proxy = match call.proxy() {
        Some(proxy) => format!("the proxy {}", proxy.describe()),
        None => "the proxy".to_owned(),
    };
    match failure {
        Failure::Unauthorized => {
            format!("{proxy} asks for a user name and password, or other ones (407)")
        }
        Failure::Refused => format!("{proxy} does not connect to the server"),
        Failure::Unreachable => format!("{proxy} cannot be reached: {cause}"),
        Failure::Untrusted => format!("there is no trusted connection to {proxy}: {cause}"),
    }
}

fn kind(status: StatusCode, code: Option<&ErrorCode>, is_ambiguous: bool) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        407 => ErrorKind::Proxy,
        408 => ErrorKind::Timeout,
        409 if is_ambiguous => ErrorKind::AmbiguousHandle,
        409 => ErrorKind::Conflict,
        422 => ErrorKind::IdempotencyKeyReused,
        429 => ErrorKind::RateLimited,
        400 | 413 | 415 => ErrorKind::Validation,
        cdn if retry::is_from_a_cdn(cdn) && code.is_none() => ErrorKind::Gateway,
        425 | 500..=599 => ErrorKind::Server,
        _ if code == Some(&ErrorCode::ValidationError) => ErrorKind::Validation,
        _ => ErrorKind::UnexpectedResponse,
    }
}

/// Describes a body that is not the API's, without quoting it.
fn not_json(body: &[u8], status: Option<StatusCode>) -> String {
    let body = match body.trim_ascii_start().first() {
        None => "was empty",
        Some(b'<') => "was HTML",
        Some(b'{' | b'[') => "was JSON of another kind",
        Some(_) => "was not JSON",
    };
    if status.is_some_and(|status| status.is_redirection()) {
        return "the server redirects elsewhere, which is not followed: is the base URL right?"
            .to_owned();
    }
    match status.map(|status| status.as_u16()) {
        Some(404) => format!("the answer {body}, not the API's: is the base URL right?"),
        Some(407) => "a proxy asks for a user name and password, or other ones".to_owned(),
        Some(status) => match cdn_reason(status) {
            Some(reason) => format!("{reason} (reported by a proxy or CDN)"),
            None => format!("the answer {body}, not the API's"),
        },
        None => format!("the answer {body}, not the API's"),
    }
}

/// The meaning of a status that only CDNs use.
fn cdn_reason(status: u16) -> Option<&'static str> {
    Some(match status {
        520 => "the server sent something unexpected",
        521 => "the server is down",
        522 => "connecting to the server took too long",
        523 => "the server is unreachable",
        524 => "the server took too long to answer",
        525 | 526 => "the server's certificate is not trusted",
        527..=530 => "the server cannot be reached",
        _ => return None,
    })
}

/// Why a success cannot be read, and where. serde's own message would quote the body.
pub(crate) fn unreadable_because(body: &[u8], error: &serde_json::Error) -> String {
    use serde_json::error::Category;

    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

    let start = body.trim_ascii_start();
    if start.is_empty() {
        return "the answer is empty".to_owned();
    }
    if start.starts_with(b"<") {
        return "the answer is not JSON but HTML: is the base URL right, or does the network \
                answer with a login page?"
            .to_owned();
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        return "the answer is not JSON: it begins with a byte order mark".to_owned();
    }
    let what = match error.classify() {
        Category::Data => "the answer is not what the API describes",
        Category::Eof => "the answer ends too early",
        Category::Syntax | Category::Io => "the answer is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// The innermost source of an error, which does not mention the request.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
