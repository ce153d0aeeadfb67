//! The state of the rate limit in an answer.

use jiff::Timestamp;
use reqwest::header::HeaderMap;

/// How many requests the workspace may send.
///
/// It is a token bucket: all of `limit` may be sent at once, and it refills evenly over a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// Requests a minute.
    pub limit: u64,
    /// Requests that may be sent at once now.
    pub remaining: u64,
    /// When all of `limit` may be sent at once again.
    pub reset: Timestamp,
}

impl RateLimit {
    /// Reads the headers of an answer; `None` when one is missing or malformed.
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let reset = i64::try_from(number(headers, "x-ratelimit-reset")?).ok()?;
        Some(Self {
            limit: number(headers, "x-ratelimit-limit")?,
            remaining: number(headers, "x-ratelimit-remaining")?,
            reset: Timestamp::from_second(reset).ok()?,
        })
    }
}

/// The number in a header.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}
