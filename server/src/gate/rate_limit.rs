//! Buckets of requests: the whole limit at once, then evenly refilled.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc, time::Duration};

use governor::{
    Quota, RateLimiter,
    middleware::StateInformationMiddleware,
    state::{InMemoryState, NotKeyed},
};
use jiff::Timestamp;
use parking_lot::Mutex;

use crate::clock::Clock;

/// What the rate limit headers say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateState {
    /// Requests a minute.
    pub limit: u32,
    /// Requests that may be sent at once now.
    pub remaining: u32,
    /// When the whole limit may be sent at once again, in Unix seconds.
    pub reset: i64,
}

/// A request that was not admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// The bucket it was refused by.
    pub state: RateState,
    /// Whole seconds until the next one is admitted, at least 1.
    pub retry_after: u64,
}

/// One bucket for each workspace, or for each address.
pub struct Buckets<K> {
    clock: Clock,
    buckets: Mutex<HashMap<K, Arc<Bucket>>>,
}

/// Full buckets are forgotten when there are more than these: a new one is the same.
const MAX_BUCKETS: usize = 10_000;

impl<K: Eq + std::hash::Hash + Clone> Buckets<K> {
    /// No bucket yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            buckets: Mutex::default(),
        }
    }

    /// Takes one request out of the bucket of this key.
    pub fn take(&self, key: &K, limit: NonZeroU32) -> Result<RateState, Refused> {
        self.bucket(key, limit).take(&self.clock)
    }

    /// What the bucket of this key holds, nothing taken.
    pub fn peek(&self, key: &K, limit: NonZeroU32) -> RateState {
        let buckets = self.buckets.lock();
        match buckets.get(key) {
            Some(bucket) if bucket.limit == limit => bucket.peek(&self.clock),
            _ => state(limit, limit.get(), self.clock.now()),
        }
    }

    /// A bucket has one limit for life; another one replaces it, full.
    fn bucket(&self, key: &K, limit: NonZeroU32) -> Arc<Bucket> {
        let mut buckets = self.buckets.lock();
        if let Some(bucket) = buckets.get(key)
            && bucket.limit == limit
        {
            return Arc::clone(bucket);
        }
        if buckets.len() >= MAX_BUCKETS {
            buckets.retain(|_, bucket| bucket.peek(&self.clock).remaining < bucket.limit.get());
        }
        let bucket = Arc::new(Bucket::new(limit, &self.clock));
        buckets.insert(key.clone(), Arc::clone(&bucket));
        bucket
    }
}

struct Bucket {
    limit: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, Clock, StateInformationMiddleware>,
    /// What was left at the last take and when that was: governor has no way to look without taking.
    last: Mutex<(u32, Duration)>,
}

impl Bucket {
    fn new(limit: NonZeroU32, clock: &Clock) -> Self {
        let limiter = RateLimiter::direct_with_clock(Quota::per_minute(limit), clock.clone())
            .with_middleware::<StateInformationMiddleware>();
        Self {
            limit,
            limiter,
            last: Mutex::new((limit.get(), clock.elapsed())),
        }
    }

    fn take(&self, clock: &Clock) -> Result<RateState, Refused> {
        let (remaining, wait) = match self.limiter.check() {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(until) => (
                0,
                Some(until.wait_time_from(governor::clock::Clock::now(clock))),
            ),
        };
        *self.last.lock() = (remaining, clock.elapsed());
        let state = state(self.limit, remaining, clock.now());
        match wait {
            None => Ok(state),
            Some(wait) => Err(Refused {
                state,
                retry_after: whole_seconds(wait).max(1),
            }),
        }
    }

    fn peek(&self, clock: &Clock) -> RateState {
        let (remaining, at) = *self.last.lock();
        let passed =
            clock.elapsed().saturating_sub(at).as_nanos() / interval(self.limit).as_nanos().max(1);
        let refilled = u32::try_from(passed).unwrap_or(u32::MAX);
        let remaining = remaining.saturating_add(refilled).min(self.limit.get());
        state(self.limit, remaining, clock.now())
    }
}

fn state(limit: NonZeroU32, remaining: u32, now: Timestamp) -> RateState {
    let missing = limit.get().saturating_sub(remaining);
    let full = now.saturating_add(interval(limit) * missing).unwrap_or(now);
    RateState {
        limit: limit.get(),
        remaining,
        reset: full.as_second() + i64::from(full.subsec_nanosecond() > 0),
    }
}

fn interval(limit: NonZeroU32) -> Duration {
    Duration::from_mins(1) / limit.get()
}

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets() -> (Clock, Buckets<&'static str>) {
        let clock = Clock::manual(Timestamp::UNIX_EPOCH);
        (clock.clone(), Buckets::new(clock))
    }

    const SIXTY: NonZeroU32 = NonZeroU32::new(60).unwrap();

    #[test]
    fn the_whole_limit_may_be_sent_at_once_and_then_one_each_interval() {
        let (clock, buckets) = buckets();
        for left in (0..60).rev() {
            assert_eq!(buckets.take(&"a", SIXTY).unwrap().remaining, left);
        }
        let refused = buckets.take(&"a", SIXTY).unwrap_err();
        assert_eq!(refused.retry_after, 1);
        assert_eq!(
            refused.state,
            RateState {
                limit: 60,
                remaining: 0,
                reset: 60
            }
        );
        clock.advance(Duration::from_secs(1));
        assert!(buckets.take(&"a", SIXTY).is_ok());
        assert!(buckets.take(&"a", SIXTY).is_err());
    }

    #[test]
    fn looking_takes_nothing_and_sees_the_refill() {
        let (clock, buckets) = buckets();
        assert_eq!(buckets.peek(&"a", SIXTY).remaining, 60);
        for _ in 0..10 {
            buckets.take(&"a", SIXTY).unwrap();
        }
        assert_eq!(buckets.peek(&"a", SIXTY).remaining, 50);
        clock.advance(Duration::from_secs(4));
        assert_eq!(buckets.peek(&"a", SIXTY).remaining, 54);
        clock.advance(Duration::from_mins(10));
        assert_eq!(buckets.peek(&"a", SIXTY).remaining, 60);
    }

    #[test]
    fn a_new_limit_replaces_the_bucket() {
        let (_, buckets) = buckets();
        buckets.take(&"a", SIXTY).unwrap();
        let two_hundred = NonZeroU32::new(200).unwrap();
        assert_eq!(buckets.take(&"a", two_hundred).unwrap().remaining, 199);
    }
}
