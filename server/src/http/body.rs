//! Receives the body of a request within its limits of size and time.

use std::time::Duration;

use axum::{
    body::Body,
    http::{header::CONTENT_LENGTH, request::Parts},
};
use http_body_util::BodyExt;
use hyper::body::Body as _;
use tokio::time::{Instant, timeout, timeout_at};

use super::{body_budget::BufferedBody, context::HttpContext, error::HttpError, peer::ReceivedAt};
use crate::error::Error;

/// How long the rest of a refused body is read.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Receives the whole body, up to `limit` bytes. A request takes its permit of the concurrency limit only afterwards.
pub(super) async fn receive<'a>(
    context: &'a HttpContext,
    parts: &Parts,
    mut body: Body,
    limit: usize,
) -> Result<BufferedBody<'a>, HttpError> {
    if body.is_end_stream() {
        return Ok(context.bodies.none());
    }
    let (mut received, given_up) = context.bodies.begin();
    let expected = content_length(parts).unwrap_or(limit).min(limit);
    let all = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| HttpError::Malformed("The body broke off"))?;
            // Trailers are not part of the body.
            if let Ok(bytes) = frame.into_data() {
                if received.len() + bytes.len() > limit {
                    return Err(HttpError::TooLarge(limit));
                }
                received.push(&bytes, expected).await;
            }
        }
        Ok(())
    };
    let time_limit = context.arrival_timeout();
    let result = tokio::select! {
        result = timeout_at(received_at(parts) + time_limit, all) => {
            result.unwrap_or(Err(HttpError::RequestTimeout(time_limit)))
        }
        () = given_up.notified() => Err(Error::Overloaded.into()),
    };
    match result {
        Ok(()) => {
            received.complete();
            Ok(received)
        }
        Err(error) => {
            if let HttpError::TooLarge(_) | HttpError::Call(Error::Overloaded) = error {
                discard(body);
            }
            Err(error)
        }
    }
}

/// The length of the body that the client declares.
pub(super) fn content_length(parts: &Parts) -> Option<usize> {
    let length = parts.headers.get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// Reads and discards the rest of a refused body for a while. Closing a connection with unread bytes resets it, and the
/// client may lose the response (RFC 9112, 9.6).
pub(super) fn discard(mut body: Body) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(DISCARD_TIMEOUT, async move {
        while let Some(Ok(_)) = body.frame().await {}
    }));
}

/// When the first byte of the request arrived, or now if the transport did not record it.
fn received_at(parts: &Parts) -> Instant {
    parts
        .extensions
        .get::<ReceivedAt>()
        .map_or_else(Instant::now, |received| received.0)
}
