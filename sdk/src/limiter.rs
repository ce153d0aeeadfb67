//! The workspace's rate limit on the client's side. All calls of a client share it, so that a request is
//! sent when the server will accept it instead of being refused first.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::rate_limit::RateLimit;

/// The longest wait for the limit of requests a minute. A longer one is for another limit.
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// Hands out the requests that the workspace may send.
///
/// It models the server's bucket from `X-RateLimit-Remaining` of the last answers and refills it evenly. A
/// request takes one token and waits when there is none; waiting requests queue. No request waits before an
/// answer has told the limit.
#[derive(Debug, Default)]
pub(crate) struct Limiter(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bucket: Option<Bucket>,
    /// The server refuses requests until then.
    blocked_until: Duration,
    /// Requests that have a token and wait.
    waiting: u32,
    /// Requests that are sent and not answered yet.
    in_flight: u32,
}

#[derive(Debug)]
struct Bucket {
    /// What is left. Negative when waiting requests have taken tokens in advance.
    tokens: f64,
    limit: u64,
    per_second: f64,
    /// When `tokens` was last updated.
    at: Duration,
}

/// The right to send one request after [`wait`](Self::wait). Dropped unsent, it returns its token.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    limiter: &'a Limiter,
    wait: Duration,
    is_sent: bool,
}

impl Limiter {
    /// Takes a token. `now` is from a monotonic clock.
    pub(crate) fn reserve(&self, now: Duration) -> Permit<'_> {
        let mut state = self.state();
        state.waiting += 1;
        let blocked = state.blocked_until.saturating_sub(now);
        let missing = state.bucket.as_mut().map_or(Duration::ZERO, |bucket| {
            bucket.refill(now);
            bucket.tokens -= 1.0;
            let seconds = (-bucket.tokens).max(0.0) / bucket.per_second;
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
        });
        Permit {
            limiter: self,
            wait: blocked.max(missing),
            is_sent: false,
        }
    }

    /// How many requests a minute the server accepts, if known.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.state().bucket.as_ref().map(|bucket| bucket.limit)
    }

    /// The rest of a wait that the server has asked for.
    pub(crate) fn blocked(&self, now: Duration) -> Duration {
        self.state().blocked_until.saturating_sub(now)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit<'_> {
    /// How long to wait before sending.
    pub(crate) fn wait(&self) -> Duration {
        self.wait
    }

    /// Marks the request as sent.
    pub(crate) fn sent(&mut self) {
        let mut state = self.limiter.state();
        state.waiting -= 1;
        state.in_flight += 1;
        self.is_sent = true;
    }

    /// Learns from the answer. `refused` is the wait that a refusal for the limit asks for.
    pub(crate) fn answered(
        self,
        now: Duration,
        rate_limit: Option<RateLimit>,
        refused: Option<Duration>,
    ) {
        let mut state = self.limiter.state();
        let limit = rate_limit.filter(|limit| limit.limit > 0);
        if let Some(asked) = refused
            && asked <= MINUTE
            && limit.is_none_or(|limit| limit.remaining == 0)
        {
            state.blocked_until = state.blocked_until.max(now.saturating_add(asked));
        }
        match limit {
            Some(limit) => state.learn(now, limit),
            // The server tells no limit: forget the bucket.
            None if refused.is_none() => state.bucket = None,
            None => {}
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.state();
        if self.is_sent {
            state.in_flight -= 1;
            return;
        }
        state.waiting -= 1;
        if let Some(bucket) = &mut state.bucket {
            bucket.tokens += 1.0;
        }
    }
}

impl State {
    /// Clamps the bucket to what an answer allows. `remaining` may or may not count the other requests in
    /// flight, and never counts waiting ones.
    fn learn(&mut self, now: Duration, limit: RateLimit) {
        let most = number(limit.remaining) - f64::from(self.waiting);
        // `in_flight` still counts the answered request.
        let least = most - f64::from(self.in_flight.saturating_sub(1));
        let known = self.bucket.take().map(|mut bucket| {
            bucket.refill(now);
            bucket.tokens
        });
        self.bucket = Some(Bucket {
            tokens: known.map_or(least, |tokens| tokens.clamp(least, most)),
            limit: limit.limit,
            per_second: number(limit.limit) / MINUTE.as_secs_f64(),
            at: now,
        });
    }
}

impl Bucket {
    fn refill(&mut self, now: Duration) {
        let since = now.saturating_sub(self.at).as_secs_f64();
        self.tokens = (self.tokens + since * self.per_second).min(number(self.limit));
        self.at = now.max(self.at);
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are small")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(limit: u64, remaining: u64) -> RateLimit {
        RateLimit {
            limit,
            remaining,
            reset: Timestamp::UNIX_EPOCH,
        }
    }

    fn waits(limiter: &Limiter, now: Duration, count: usize) -> Vec<Duration> {
        let permits: Vec<_> = (0..count).map(|_| limiter.reserve(now)).collect();
        permits.iter().map(Permit::wait).collect()
    }

    fn answered(limiter: &Limiter, now: Duration, limit: RateLimit, refused: Option<Duration>) {
        let mut permit = limiter.reserve(now);
        permit.sent();
        permit.answered(now, Some(limit), refused);
    }

    #[test]
    fn nobody_waits_for_a_limit_that_nobody_knows() {
        assert_eq!(waits(&Limiter::default(), SECOND, 3), [Duration::ZERO; 3]);
    }

    #[test]
    fn what_is_left_may_be_sent_at_once_and_the_rest_lines_up() {
        let limiter = Limiter::default();
        answered(&limiter, SECOND, left(60, 2), None);

        let zero = Duration::ZERO;
        assert_eq!(
            waits(&limiter, SECOND, 4),
            [zero, zero, SECOND, 2 * SECOND],
            "one comes in a second"
        );
        assert_eq!(
            waits(&limiter, SECOND, 3),
            [zero, zero, SECOND],
            "permits that were not used are given back"
        );
        assert_eq!(
            waits(&limiter, 3 * SECOND, 5),
            [zero, zero, zero, zero, SECOND]
        );
    }

    #[test]
    fn a_refusal_is_a_wait_for_everybody_who_comes_after_it() {
        let limiter = Limiter::default();
        answered(&limiter, SECOND, left(60, 0), Some(5 * SECOND));

        assert_eq!(limiter.blocked(2 * SECOND), 4 * SECOND);
        assert_eq!(limiter.blocked(6 * SECOND), Duration::ZERO);
        assert_eq!(
            waits(&limiter, SECOND, 7),
            [5, 5, 5, 5, 5, 6, 7].map(Duration::from_secs)
        );
    }

    #[test]
    fn a_refusal_for_something_else_is_no_wait_for_others() {
        let limiter = Limiter::default();
        let hour = Duration::from_hours(1);

        answered(&limiter, SECOND, left(60, 10), Some(5 * SECOND));
        answered(&limiter, SECOND, left(60, 10), Some(hour));

        assert_eq!(waits(&limiter, SECOND, 3), [Duration::ZERO; 3]);
    }

    #[test]
    fn requests_under_way_count_until_they_are_answered() {
        let limiter = Limiter::default();
        let mut one = limiter.reserve(SECOND);
        one.sent();
        let mut other = limiter.reserve(SECOND);
        other.sent();

        one.answered(SECOND, Some(left(60, 1)), None);

        assert_eq!(
            waits(&limiter, SECOND, 1),
            [SECOND],
            "the other may be the last one"
        );
        other.answered(SECOND, Some(left(60, 1)), None);
        assert_eq!(waits(&limiter, SECOND, 1), [Duration::ZERO]);
    }

    #[test]
    fn a_server_that_stops_telling_its_limit_is_not_waited_for() {
        let limiter = Limiter::default();
        answered(&limiter, SECOND, left(60, 0), None);
        let mut permit = limiter.reserve(SECOND);
        permit.sent();
        permit.answered(SECOND, None, None);

        assert_eq!(waits(&limiter, SECOND, 9), [Duration::ZERO; 9]);
    }

    #[test]
    fn senseless_limits_do_no_harm() {
        let limiter = Limiter::default();
        for (limit, remaining) in [(0, 0), (u64::MAX, u64::MAX), (0, u64::MAX), (u64::MAX, 0)] {
            answered(
                &limiter,
                Duration::MAX,
                left(limit, remaining),
                Some(Duration::MAX),
            );
            let _ = limiter.reserve(SECOND).wait();
        }
    }

    /// A bucket as the server has it.
    struct Server {
        tokens: f64,
        at: Duration,
        limit: u32,
    }

    impl Server {
        fn take(&mut self, now: Duration) -> Result<RateLimit, RateLimit> {
            let capacity = f64::from(self.limit);
            let since = now.saturating_sub(self.at).as_secs_f64();
            self.tokens = (self.tokens + since * capacity / 60.0).min(capacity);
            self.at = now;
            let admitted = self.tokens >= 1.0;
            if admitted {
                self.tokens -= 1.0;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small"
            )]
            let state = left(u64::from(self.limit), self.tokens.floor() as u64);
            if admitted { Ok(state) } else { Err(state) }
        }
    }

    /// The next step of a simulated caller.
    enum Step<'a> {
        Start,
        Send(Permit<'a>),
        Answer(Permit<'a>, Result<RateLimit, RateLimit>),
    }

    /// Simulates concurrent callers that send this many requests in all, each answered after 50 ms. Returns
    /// the number of refusals and the time it took.
    fn run(callers: usize, requests: usize, limit: u32) -> (usize, Duration) {
        const LATENCY: Duration = Duration::from_millis(50);

        let limiter = Limiter::default();
        let mut server = Server {
            tokens: f64::from(limit),
            at: Duration::ZERO,
            limit,
        };
        let mut events: Vec<(Duration, Step<'_>)> = (0..callers)
            .map(|_| (Duration::ZERO, Step::Start))
            .collect();
        let (mut begun, mut done, mut refused) = (0, 0, 0);
        while done < requests {
            let next = (0..events.len())
                .min_by_key(|&event| events[event].0)
                .unwrap();
            let (now, step) = events.swap_remove(next);
            match step {
                Step::Start if begun == requests => {}
                Step::Start => {
                    begun += 1;
                    let permit = limiter.reserve(now);
                    events.push((now + permit.wait(), Step::Send(permit)));
                }
                Step::Send(permit) if !limiter.blocked(now).is_zero() => {
                    events.push((now + limiter.blocked(now), Step::Send(permit)));
                }
                Step::Send(mut permit) => {
                    permit.sent();
                    let answer = server.take(now + LATENCY / 2);
                    events.push((now + LATENCY, Step::Answer(permit, answer)));
                }
                Step::Answer(permit, Ok(limit)) => {
                    permit.answered(now, Some(limit), None);
                    done += 1;
                    events.push((now, Step::Start));
                }
                Step::Answer(permit, Err(limit)) => {
                    refused += 1;
                    permit.answered(now, Some(limit), Some(SECOND));
                    let permit = limiter.reserve(now);
                    events.push((now + permit.wait(), Step::Send(permit)));
                }
            }
        }
        (refused, server.at)
    }

    #[test]
    fn four_hundred_calls_on_a_plan_of_two_hundred_are_hardly_ever_refused() {
        let (refused, time) = run(8, 400, 200);
        assert!(refused <= 8, "{refused} refused");
        assert!((55..=70).contains(&time.as_secs()), "{time:?}");
    }

    #[test]
    fn a_crowd_that_comes_at_once_lines_up_after_its_first_refusals() {
        let (refused, time) = run(400, 400, 200);
        assert!(refused <= 220, "{refused} refused");
        assert!((55..=70).contains(&time.as_secs()), "{time:?}");
    }
}
