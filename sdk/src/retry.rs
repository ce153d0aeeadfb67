//! When a request is sent again, and after which wait.
//!
//! No crate fits: backon has no full jitter, tokio-retry cannot choose a wait by the answer, and
//! reqwest-retry ignores `Retry-After`. [`call`](crate::call) has the loop, this module the arithmetic.

use std::{fmt, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use reqwest::{
    StatusCode,
    header::{DATE, HeaderMap, RETRY_AFTER},
};

use crate::rate_limit::number;

/// How often a request is tried, and how long it may wait between tries.
///
/// Every request is sent again after a network error, a timeout, and the statuses 408, 425, 429, 500,
/// 502, 503, 504 and 520 to 530. It is also sent again while an earlier try is still being carried out
/// (409 with `Retry-After`).
///
/// Every write (POST, PATCH) carries an `Idempotency-Key`, one for each call, and the server carries it
/// out once. So a retry of an update whose answer was lost overwrites nothing that was written since. It
/// is answered as the first try was, or with the lead as it is now if personal data of the lead was
/// changed meanwhile. The server keeps a key for [24 hours](crate::IDEMPOTENCY_KEY_TTL), which is longer
/// than any call waits.
///
/// A request of [`Client::request`](crate::Client::request) that writes without a key (PUT, DELETE)
/// is sent again only when the server has certainly not acted on it: it was not reached, or it
/// said so (408, 425, 429, its own 503).
///
/// Waits are random, from zero to a bound that doubles with every try ("full jitter"), so that many
/// clients do not come back at the same time. The time that the server asks for (`Retry-After`, or
/// `X-RateLimit-Reset` of a 429) is added. When it is longer than `max_wait`, the error is returned at
/// once, with [`Error::retry_after`](crate::Error::retry_after).
///
/// **The rate limit** is shared by all calls of a client and its clones. They count the remaining
/// requests that the answers tell, and a request that the server would refuse waits for its turn. A 429
/// is not a failed try. [`rate_limit_budget`](Self::rate_limit_budget) bounds how long one call waits for
/// the limit in all. The limit of new leads a day is never waited for: it is a 429 that asks for more than
/// a minute while `X-RateLimit-Remaining` is not zero.
///
/// ```
/// use std::time::Duration;
/// use konektor_sdk::{Client, Retries};
///
/// let client = Client::builder()
///     .retries(Retries::default().max_attempts(5).max_wait(Duration::from_secs(90)))
///     .build()?;
/// # Ok::<(), konektor_sdk::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    max_attempts: u32,
    base_delay: Duration,
    max_wait: Duration,
    rate_limit_budget: Duration,
}

impl Default for Retries {
    /// Three tries, a first wait of at most half a second, no wait longer than a minute, and a rate limit
    /// budget of two minutes.
    fn default() -> Self {
        Self {
            max_attempts: 3,
            base_delay: Duration::from_millis(500),
            max_wait: Duration::from_mins(1),
            rate_limit_budget: Duration::from_mins(2),
        }
    }
}

impl Retries {
    /// Every request is sent once, without a wait.
    ///
    /// ```
    /// use konektor_sdk::{Client, Retries};
    ///
    /// let client = Client::builder().retries(Retries::none()).build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn none() -> Self {
        Self::default()
            .max_attempts(1)
            .rate_limit_budget(Duration::ZERO)
    }

    /// The maximum number of tries, the first one included; 0 counts as 1. A 429 is not counted while the
    /// [`rate_limit_budget`](Self::rate_limit_budget) lasts.
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

    /// The longest wait before a try, for a failure or for the rate limit. When the server asks for a longer
    /// one, the error is returned at once.
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

    /// How long one call may wait in all for the rate limit; by default two minutes. Until it is used up, a
    /// 429 is not a failed try: the call continues after the wait that the server asks for.
    ///
    /// With zero, no call waits before its first try, and a 429 is a failed try like others.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let retries = konektor_sdk::Retries::default().rate_limit_budget(Duration::from_secs(300));
    /// ```
    #[must_use]
    pub fn rate_limit_budget(mut self, budget: Duration) -> Self {
        self.rate_limit_budget = budget;
        self
    }

    /// The wait after try number `attempt` (from 1) has failed, or `None` when it was the last one. `asked`
    /// is the wait that the server asked for; `random` is from 0 to 1.
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

/// What to do about a failed call; see [`Error::retry`](crate::Error::retry).
///
/// ```no_run
/// use std::time::Duration;
/// use konektor_sdk::{Client, Error, Retry};
///
/// async fn pay(client: &Client, key: Option<String>) -> Result<(), Error> {
///     let mut update = client.leads().update("CRM-1024").actual_value(5_000_000);
///     if let Some(key) = key {
///         update = update.idempotency_key(key);
///     }
///     match update.await {
///         Ok(_) => Ok(()),
///         Err(error) => match error.retry() {
///             Retry::Never => Err(error),
///             Retry::Safe(after) => Ok(later(after, None)),
///             Retry::WithKey(key, after) => Ok(later(after, Some(key))),
///         },
///     }
/// }
/// # fn later(after: Duration, key: Option<String>) {}
/// ```
#[derive(Clone, PartialEq, Eq)]
pub enum Retry {
    /// Nothing has happened, and the same call would fail in the same way. Only a request of
    /// [`Client::request`](crate::Client::request) without a key may have happened.
    Never,
    /// Nothing has happened. The same call may succeed after this wait.
    Safe(Duration),
    /// The outcome is unknown. The same call under this `Idempotency-Key` may succeed after the wait, and
    /// happens once in all, as long as the server keeps the key: [24 hours](crate::IDEMPOTENCY_KEY_TTL)
    /// from the first try. Later, check first whether it happened.
    WithKey(String, Duration),
}

/// Without the key, which may be personal: a caller may use an email.
impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("Never"),
            Self::Safe(after) => f.debug_tuple("Safe").field(after).finish(),
            Self::WithKey(_, after) => f
                .debug_tuple("WithKey")
                .field(&format_args!("…"))
                .field(after)
                .finish(),
        }
    }
}

/// A wait before a try; see
/// [`ClientBuilder::on_wait`](crate::ClientBuilder::on_wait).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Wait {
    /// Its length.
    pub time: Duration,
    /// The status of the answer that is the reason; `None` when there was no answer. Also 429 when earlier
    /// answers have told that the limit is used up, so that nothing was sent.
    pub status: Option<u16>,
    /// How many requests a minute the workspace may send, if an answer told it.
    pub limit: Option<u64>,
}

/// The waits of one call.
#[derive(Debug)]
pub(crate) struct Waits {
    retries: Retries,
    failed: u32,
    budget: Duration,
}

/// The wait after a 429 when neither the server nor the settings say one.
const DEFAULT_LIMIT_WAIT: Duration = Duration::from_secs(1);

impl Waits {
    pub(crate) fn new(retries: Retries) -> Self {
        Self {
            retries,
            failed: 0,
            budget: retries.rate_limit_budget,
        }
    }

    /// The wait after a failed try, or `None` when it was the last one. `limited` tells that the rate limit
    /// was the reason.
    pub(crate) fn next(
        &mut self,
        limited: bool,
        asked: Option<Duration>,
        random: f64,
    ) -> Option<Duration> {
        let Retries {
            rate_limit_budget,
            max_wait,
            ..
        } = self.retries;
        if limited && !rate_limit_budget.is_zero() && !max_wait.is_zero() {
            return self.for_the_limit(asked, random);
        }
        self.failed += 1;
        self.retries.wait(self.failed, asked, random)
    }

    fn for_the_limit(&mut self, asked: Option<Duration>, random: f64) -> Option<Duration> {
        let Retries {
            base_delay,
            max_wait,
            ..
        } = self.retries;
        let unasked = if base_delay.is_zero() {
            DEFAULT_LIMIT_WAIT
        } else {
            base_delay
        };
        let most = max_wait.min(self.budget);
        let asked = match asked.filter(|wait| !wait.is_zero()) {
            Some(asked) => asked,
            None => unasked.min(max_wait),
        };
        if most.is_zero() || asked > most {
            return None;
        }
        let jitter = base_delay.min(asked).mul_f64(random.clamp(0.0, 1.0));
        let wait = asked.saturating_add(jitter).min(most);
        self.budget -= wait;
        Some(wait)
    }

    /// The part of a wait for the rate limit that the budget and `max_wait` allow. `anyway` is a wait for
    /// another reason at the same time, `waited` an earlier one before the same try.
    pub(crate) fn for_its_turn(
        &self,
        wait: Duration,
        anyway: Duration,
        waited: Duration,
    ) -> Duration {
        let most = self
            .retries
            .max_wait
            .saturating_sub(waited.saturating_add(anyway));
        wait.saturating_sub(anyway).min(most).min(self.budget)
    }

    /// Takes a wait from the rate limit budget.
    pub(crate) fn charge(&mut self, wait: Duration) {
        self.budget = self.budget.saturating_sub(wait);
    }
}

/// Whether a later try may get another answer.
pub(crate) fn is_transient(status: StatusCode, headers: &HeaderMap) -> bool {
    match status.as_u16() {
        408 | 425 | 429 | 500 | 502..=504 => true,
        code if is_from_a_cdn(code) => true,
        // An earlier try is being carried out. A permanent conflict has no Retry-After.
        409 => headers.contains_key(RETRY_AFTER),
        _ => false,
    }
}

/// Whether a status is one that a CDN makes up when the server behind it does not answer.
/// <https://developers.cloudflare.com/support/troubleshooting/http-status-codes/cloudflare-5xx-errors/>
pub(crate) fn is_from_a_cdn(status: u16) -> bool {
    (520..=530).contains(&status)
}

/// The wait that the server asks for.
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

/// The time by the server's clock, so that a wrong clock on either side does no harm.
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
    fn waits_for_the_limit_are_not_failed_tries_and_end_with_the_budget() {
        let retries = Retries::default()
            .base_delay(SECOND)
            .max_attempts(2)
            .rate_limit_budget(10 * SECOND);
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

        assert_eq!(retries.wait(u32::MAX - 1, None, 1.0), Some(60 * SECOND));
        assert_eq!(retries.wait(1, Some(Duration::MAX), 1.0), None);
    }

    #[test]
    fn a_wait_for_the_limit_is_no_longer_than_the_longest_wait() {
        let retries = Retries::default()
            .max_wait(2 * SECOND)
            .rate_limit_budget(20 * SECOND);
        let mut waits = Waits::new(retries);

        assert_eq!(waits.next(true, Some(8 * SECOND), 1.0), None);
        assert_eq!(waits.next(true, Some(2 * SECOND), 1.0), Some(2 * SECOND));
        let zero = Duration::ZERO;
        assert_eq!(waits.for_its_turn(9 * SECOND, zero, zero), 2 * SECOND);
        assert_eq!(waits.for_its_turn(9 * SECOND, SECOND, zero), SECOND);
        assert_eq!(waits.for_its_turn(9 * SECOND, zero, SECOND), SECOND);
        assert_eq!(waits.for_its_turn(9 * SECOND, SECOND, SECOND), zero);
        assert_eq!(waits.for_its_turn(SECOND, 2 * SECOND, zero), zero);
    }

    #[test]
    fn the_budget_is_spent_on_what_is_waited_and_not_on_what_might_be() {
        let mut waits = Waits::new(Retries::default().rate_limit_budget(3 * SECOND));
        let zero = Duration::ZERO;

        assert_eq!(waits.for_its_turn(9 * SECOND, zero, zero), 3 * SECOND);
        assert_eq!(waits.for_its_turn(2 * SECOND, zero, zero), 2 * SECOND);
        waits.charge(2 * SECOND);
        assert_eq!(waits.for_its_turn(9 * SECOND, zero, zero), SECOND);
        waits.charge(2 * SECOND);
        assert_eq!(waits.for_its_turn(9 * SECOND, zero, zero), zero);
    }

    #[test]
    fn settings_of_zero_do_not_end_retries_over_the_limit() {
        let zero = Duration::ZERO;
        let without_delay = Retries::default().base_delay(zero);
        let mut waits = Waits::new(without_delay);
        assert_eq!(waits.next(true, None, 1.0), Some(SECOND));
        assert_eq!(waits.next(true, Some(zero), 1.0), Some(SECOND));

        let without_budget = Retries::default().rate_limit_budget(zero);
        let mut waits = Waits::new(without_budget);
        assert_eq!(waits.next(true, Some(SECOND), 0.0), Some(SECOND));
        assert_eq!(waits.next(true, Some(SECOND), 0.0), Some(SECOND));
        assert_eq!(waits.next(true, Some(SECOND), 0.0), None, "the third try");
        assert_eq!(waits.for_its_turn(SECOND, zero, zero), zero);

        let mut waits = Waits::new(without_delay.rate_limit_budget(zero));
        assert_eq!(waits.next(true, None, 1.0), Some(zero));
        assert_eq!(waits.next(true, None, 1.0), Some(zero));
        assert_eq!(waits.next(true, None, 1.0), None);

        let mut waits = Waits::new(Retries::default().max_wait(zero));
        assert_eq!(waits.next(true, None, 1.0), Some(zero));
        assert_eq!(
            waits.next(true, Some(SECOND), 1.0),
            None,
            "no wait is allowed"
        );
    }

    #[test]
    fn the_defaults_wait_for_a_minutes_limit_and_not_for_a_days() {
        let mut waits = Waits::new(Retries::default());

        assert!(waits.next(true, Some(60 * SECOND), 1.0).is_some());
        assert_eq!(waits.next(true, Some(3_600 * SECOND), 0.0), None);
    }

    #[test]
    fn without_retries_nothing_is_waited_for() {
        let mut waits = Waits::new(Retries::none());
        let zero = Duration::ZERO;

        assert_eq!(waits.for_its_turn(SECOND, zero, zero), zero);
        assert_eq!(waits.next(true, Some(SECOND), 0.0), None);
        assert_eq!(waits.next(false, None, 0.0), None);
    }

    #[test]
    fn the_key_of_a_retry_does_not_show() {
        let retry = Retry::WithKey("budi@example.com".to_owned(), SECOND);
        assert_eq!(format!("{retry:?}"), "WithKey(…, 1s)");
    }
}
