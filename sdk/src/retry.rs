//! When a request is sent again, and after how long.
//!
//! No crate is used: of the usual ones backon has no full jitter, tokio-retry no say in the wait,
//! and reqwest-retry ignores `Retry-After`. What is left is the loop in [`call`](crate::call) and
//! the sums here.

use std::time::Duration;

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    Method, Request, StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::{headers::IDEMPOTENCY_KEY, response::number};

/// How often a request is tried, and how long it may wait in between.
///
/// Every request is sent again after a network error, a timeout and the statuses 408, 429, 500, 502,
/// 503 and 504: reads, updates (PATCH: setting the same fields twice changes nothing more), and what
/// creates something (POST), because each such call carries an `Idempotency-Key` of its own, under
/// which the server does it once. While an earlier try of it is still being carried out (409 with
/// `Retry-After`), it is asked for again too.
///
/// Waits are random, between nothing and a bound that doubles with every try ("full jitter"), so
/// that many clients do not come back at once. `Retry-After`, and `X-RateLimit-Reset` of a 429
/// without it, are waited for on top; when that is longer than `max_wait`, the error is returned at
/// once, with [`Error::retry_after`](crate::Error::retry_after).
///
/// ```
/// use std::time::Duration;
/// use konektor_sdk::{Client, Retries};
///
/// let client = Client::builder()
///     .retries(Retries::default().max_attempts(5).max_wait(Duration::from_secs(60)))
///     .build()?;
/// # Ok::<(), konektor_sdk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    max_attempts: u32,
    base_delay: Duration,
    max_wait: Duration,
    patience: Duration,
}

impl Default for Retries {
    /// Three tries, the first wait under half a second, none longer than 30 seconds.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(500),
            max_wait: Duration::from_secs(30),
            patience: Duration::ZERO,
        }
    }
}

impl Retries {
    /// Every request is sent once.
    ///
    /// ```
    /// use konektor_sdk::{Client, Retries};
    ///
    /// let client = Client::builder().retries(Retries::none()).build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn none() -> Self {
        Self::default().max_attempts(1)
    }

    /// The most times that a request is sent, the first one included; 0 is taken for 1.
    ///
    /// ```
    /// let retries = konektor_sdk::Retries::default().max_attempts(5);
    /// ```
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// The bound of the first random wait; it doubles with every try.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retries = konektor_sdk::Retries::default().base_delay(Duration::from_millis(100));
    /// ```
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// The longest wait between two tries, whoever asks for it.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retries = konektor_sdk::Retries::default().max_wait(Duration::from_secs(5));
    /// ```
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// How long one call may wait in all for the rate limit. Answers 429 are no failed tries then: the
    /// call goes on after each wait that the server asks for, until the patience is used up.
    ///
    /// By default there is none, and a 429 is a failed try like others.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retries = konektor_sdk::Retries::default().patience(Duration::from_secs(300));
    /// ```
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How long to wait after try number `attempt` (from 1) has failed for now, or `None` when
    /// that was the last one. `asked` is what the server asked for, `random` lies in 0 to 1.
    pub(crate) fn wait(
        &self,
        attempt: u32,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let asked = asked.unwrap_or_default();
        if attempt >= self.max_attempts || asked > self.max_wait {
            return None;
        }
        let doubled = 2_u32.saturating_pow(attempt.saturating_sub(1));
        let bound = self.base_delay.saturating_mul(doubled).min(self.max_wait);
        Some(
            asked
                .saturating_add(bound.mul_f64(random.clamp(0.0, 1.0)))
                .min(self.max_wait),
        )
    }
}

/// A wait before a request is sent again; see
/// [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// How long it is.
    pub time: Duration,
    /// The status of the answer that made it necessary; `None` when there was no answer.
    pub status: Option<u16>,
    /// How many requests a minute the workspace may send, when the answer said it.
    pub limit: Option<u64>,
}

/// The waits of one call.
#[derive(Debug)]
pub(crate) struct Waits {
    retries: Retries,
    failed: u32,
    patience: Duration,
}

impl Waits {
    pub(crate) fn new(retries: Retries) -> Self {
        Self {
            retries,
            failed: 0,
            patience: retries.patience,
        }
    }

    /// How long to wait after a try that failed for now, or `None` when that was the last one.
    /// `limited` says that it failed for the rate limit.
    pub(crate) fn next(
        &mut self,
        limited: bool,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        if limited && !self.patience.is_zero() {
            return self.for_the_limit(asked, random);
        }
        self.failed += 1;
        self.retries.wait(self.failed, asked, random)
    }

    fn for_the_limit(&mut self, asked: Option<Duration>, random: f64) -> Option<Duration> {
        let base = self.retries.base_delay;
        let asked = asked.filter(|wait| !wait.is_zero()).unwrap_or(base);
        if asked.is_zero() || asked > self.patience {
            return None;
        }
        let jitter = base.min(asked).mul_f64(random.clamp(0.0, 1.0));
        let wait = asked.saturating_add(jitter).min(self.patience);
        self.patience -= wait;
        Some(wait)
    }
}

/// Whether a request may be sent again by itself. PATCH is not idempotent in general, but here it
/// sets fields to values.
pub(crate) fn is_repeatable(request: &Request) -> bool {
    matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::PATCH
    ) || request.headers().contains_key(IDEMPOTENCY_KEY)
}

/// Whether an answer may be another one soon.
pub(crate) fn is_transient(status: StatusCode, headers: &HeaderMap) -> bool {
    match status.as_u16() {
        408 | 429 | 500 | 502 | 503 | 504 => true,
        // An earlier try is being carried out; a conflict that stays has no time to it.
        409 => headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// How long the server asks to wait.
pub(crate) fn asked_wait(
    status: StatusCode,
    headers: &HeaderMap,
    now: Timestamp,
) -> Option<Duration> {
    if let Some(wait) = retry_after(headers, now) {
        return Some(wait);
    }
    if status != StatusCode::TOO_MANY_REQUESTS {
        return None;
    }
    let reset = i64::try_from(number(headers, "x-ratelimit-reset")?).ok()?;
    Some(until(
        Timestamp::from_second(reset).ok()?,
        server_time(headers, now),
    ))
}

/// `Retry-After`: seconds or a date.
/// <https://www.rfc-editor.org/rfc/rfc9110.html#name-retry-after>
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(until(http_date(value)?, server_time(headers, now)))
}

/// The server's idea of now, so that a clock that is wrong here or there does no harm.
fn server_time(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    let date = headers
        .get(DATE)
        .and_then(|date| http_date(date.to_str().ok()?));
    date.unwrap_or(now)
}

/// The one form of a date that may be sent today; RFC 2822 reads it.
/// <https://www.rfc-editor.org/rfc/rfc9110.html#name-date-time-formats>
pub(crate) fn http_date(value: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(value).ok()
}

fn until(later: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(later.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wait_lies_between_nothing_and_a_bound_that_doubles() {
        let retries = Retries::default()
            .base_delay(SECOND)
            .max_attempts(9)
            .max_wait(5 * SECOND);

        let bounds = (1..6).map(|attempt| retries.wait(attempt, None, 1.0).unwrap());
        assert_eq!(
            bounds.collect::<Vec<_>>(),
            [SECOND, 2 * SECOND, 4 * SECOND, 5 * SECOND, 5 * SECOND]
        );
        assert_eq!(retries.wait(3, None, 0.0), Some(Duration::ZERO));
        assert_eq!(retries.wait(3, None, 0.5), Some(2 * SECOND));
    }

    #[test]
    fn the_last_try_is_not_followed_by_a_wait() {
        let retries = Retries::default().max_attempts(3);

        assert!(retries.wait(2, None, 0.5).is_some());
        assert_eq!(retries.wait(3, None, 0.5), None);
        assert_eq!(Retries::none().wait(1, None, 0.5), None);
        assert_eq!(Retries::default().max_attempts(0).wait(1, None, 0.5), None);
    }

    #[test]
    fn what_the_server_asks_for_is_waited_for_in_full_or_not_at_all() {
        let retries = Retries::default().base_delay(SECOND).max_wait(10 * SECOND);

        assert_eq!(retries.wait(1, Some(7 * SECOND), 0.0), Some(7 * SECOND));
        assert_eq!(retries.wait(1, Some(7 * SECOND), 1.0), Some(8 * SECOND));
        assert_eq!(retries.wait(1, Some(10 * SECOND), 1.0), Some(10 * SECOND));
        assert_eq!(retries.wait(1, Some(11 * SECOND), 0.0), None);
    }

    #[test]
    fn waits_for_the_limit_are_no_failed_tries_and_end_with_the_patience() {
        let retries = Retries::default()
            .base_delay(SECOND)
            .max_attempts(2)
            .patience(10 * SECOND);
        let mut waits = Waits::new(retries);

        for _ in 0..3 {
            assert_eq!(waits.next(true, Some(3 * SECOND), 0.0), Some(3 * SECOND));
        }
        assert_eq!(waits.next(false, None, 1.0), Some(SECOND));
        assert_eq!(waits.next(false, None, 1.0), None);
        assert_eq!(waits.next(true, Some(3 * SECOND), 0.0), None);
        assert_eq!(waits.next(true, Some(Duration::ZERO), 1.0), Some(SECOND));
        assert_eq!(waits.next(true, None, 0.0), None);
    }

    #[test]
    fn enormous_numbers_are_waits_too_long_and_no_overflow() {
        let retries = Retries::default()
            .base_delay(Duration::MAX)
            .max_attempts(u32::MAX);

        assert_eq!(retries.wait(u32::MAX - 1, None, 1.0), Some(30 * SECOND));
        assert_eq!(retries.wait(1, Some(Duration::MAX), 1.0), None);
    }
}
