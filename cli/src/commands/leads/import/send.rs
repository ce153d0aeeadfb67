//! Sends rows concurrently, as fast as the rate limit allows, and records each outcome.

use std::{
    collections::{BTreeMap, HashSet},
    time::{Duration, Instant},
};

use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use indicatif::ProgressBar;
use konektor_sdk::{
    Client, Error, ErrorKind, LeadChanges, LeadMatch, LeadMatchBy, NewLead, RateLimit, Retry,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    checkpoint::{Checkpoint, Done, Outcome, Plan},
    row::Request,
};
use crate::{
    error::Failure,
    session::{Call, interrupted, progress},
};

/// The maximum number of concurrent requests. More would not be faster.
pub(super) const MAX_CONCURRENT: usize = 8;

/// How long to wait for requests in flight after Ctrl-C or a failure. A row without an answer is sent again on resume,
/// with the same idempotency key.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How the sending ended.
pub(super) enum End {
    /// Every row was sent.
    Done,
    /// Ctrl-C stopped it after this row.
    Interrupted(u64),
    /// A failure of the server or network stopped it after this row.
    Failed(u64, Failure),
}

/// A row to send, with its number.
pub(super) type Row = (u64, Request);

type Sending<'a> = LocalBoxFuture<'a, (Row, Result<Answered, Error>)>;

/// The server's answer for a row, and the rate limit if the answer has it.
struct Answered {
    outcome: Outcome,
    rate_limit: Option<RateLimit>,
}

/// Sends all rows that are not done yet.
///
/// The client itself does not retry. A row that has to wait is sent again before any new one, with the same idempotency
/// key.
///
/// # Errors
/// When a row cannot be read or its outcome cannot be recorded.
pub(super) async fn all(
    call: &Call<'_>,
    plan: &Plan,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    checkpoint: &mut Checkpoint,
    bar: &ProgressBar,
) -> Result<End, Failure> {
    let mut rows = rows.peekable();
    let mut pace = Pace::default();
    let mut setbacks = Setbacks::new(call.context.max_wait());
    let mut waiting: BTreeMap<u64, Request> = BTreeMap::new();
    let mut under_way: FuturesUnordered<Sending<'_>> = FuturesUnordered::new();
    // The identities of rows that are in flight or wait.
    let mut identities: HashSet<String> = HashSet::new();
    let mut last = 0;
    let mut stop = Box::pin(interrupted());

    loop {
        let next_is_free = match rows.peek() {
            _ if !waiting.is_empty() => true,
            Some(Ok((_, request))) => request
                .identities()
                .iter()
                .all(|identity| !identities.contains(identity)),
            Some(Err(_)) => true,
            None => false,
        };
        if !next_is_free && under_way.is_empty() {
            return Ok(End::Done);
        }
        let may_send = next_is_free && under_way.len() < MAX_CONCURRENT;
        let pause = pace.until_free().max(setbacks.until_over());
        tokio::select! {
            biased;
            () = &mut stop => {
                let rest = finish(under_way, checkpoint, bar);
                let _ = tokio::time::timeout(LAST_ANSWERS, rest).await; // Unanswered rows are sent again on resume.
                return Ok(End::Interrupted(last));
            }
            Some(((row, request), answer)) = under_way.next(), if !under_way.is_empty() => {
                match classify(answer) {
                    Ok(Answered { outcome, rate_limit }) => {
                        for identity in request.identities() {
                            identities.remove(&identity);
                        }
                        call.context.log(|| log_line(row, rate_limit));
                        setbacks.end();
                        pace.learn(rate_limit, under_way.len());
                        record(checkpoint, bar, row, outcome)?;
                    }
                    Err(error) => {
                        call.context.log(|| format!("< row {row}, {}", error.message()));
                        if let Some(wait) = setbacks.wait(&error) {
                            let limit = error.rate_limit().map(|limit| limit.limit);
                            call.context.status_line.waiting(wait, error.status(), limit);
                            pace.set_back(error.rate_limit(), under_way.len());
                            waiting.insert(row, request);
                            continue;
                        }
                        // The other rows may be waiting for the rate limit.
                        let rest = finish(under_way, checkpoint, bar);
                        if let Ok(noted) = tokio::time::timeout(LAST_ANSWERS, rest).await {
                            noted?;
                        }
                        return Ok(End::Failed(last, call.explain(&error)));
                    }
                }
            }
            () = tokio::time::sleep(pause), if may_send => {
                let (number, request) = match waiting.pop_first() {
                    Some(row) => row,
                    None => match rows.next() {
                        Some(row) => row?,
                        None => continue,
                    },
                };
                last = last.max(number);
                pace.take();
                identities.extend(request.identities());
                call.context.log(|| format!("> row {number}"));
                let sending = send(&call.client, request.clone(), plan.idempotency_key(number))?;
                under_way.push(sending.map(move |answer| ((number, request), answer)).boxed_local());
            }
        }
    }
}

fn log_line(row: u64, limit: Option<RateLimit>) -> String {
    match limit {
        Some(limit) => format!("< row {row}, {} of {} left", limit.remaining, limit.limit),
        None => format!("< row {row}"),
    }
}

/// Waits for the requests in flight. A row that fails is sent again on resume.
async fn finish(
    mut under_way: FuturesUnordered<Sending<'_>>,
    checkpoint: &mut Checkpoint,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    while let Some(((row, _), answer)) = under_way.next().await {
        if let Ok(Answered { outcome, .. }) = classify(answer) {
            record(checkpoint, bar, row, outcome)?;
        }
    }
    Ok(())
}

fn record(
    checkpoint: &mut Checkpoint,
    bar: &ProgressBar,
    row: u64,
    outcome: Outcome,
) -> Result<(), Failure> {
    checkpoint.note(row, outcome)?;
    let Done {
        created,
        updated,
        rejected,
        ..
    } = &checkpoint.done;
    progress::tally(bar, created + updated, rejected.len() as u64);
    bar.inc(1);
    Ok(())
}

/// Distinguishes a rejected row, which is an outcome, from a failure that stops the import. Only the API's own errors
/// have a code; those of a proxy before it have none.
fn classify(answer: Result<Answered, Error>) -> Result<Answered, Error> {
    let error = match answer {
        Ok(answered) => return Ok(answered),
        Err(error) => error,
    };
    let is_the_rows = matches!(
        error.kind(),
        ErrorKind::Validation
            | ErrorKind::NotFound
            | ErrorKind::IdempotencyKeyReused
            | ErrorKind::AmbiguousHandle
    );
    if is_the_rows && error.code().is_some() {
        return Ok(Answered {
            outcome: Outcome::Rejected(reasons(&error)),
            rate_limit: error.rate_limit(),
        });
    }
    Err(error)
}

fn reasons(error: &Error) -> String {
    let bad = error.details().iter();
    let reasons: Vec<_> = bad
        .map(|(field, why)| format!("{}: {why}", field.trim_start_matches("lead.")))
        .collect();
    if reasons.is_empty() {
        error.message().to_owned()
    } else {
        reasons.join("; ")
    }
}

fn send(
    client: &Client,
    request: Request,
    idempotency_key: String,
) -> Result<LocalBoxFuture<'static, Result<Answered, Error>>, Failure> {
    let leads = client.leads();
    let may_create = request.may_create();
    Ok(match request {
        Request::Create(lead) => {
            let lead: NewLead = typed(lead)?;
            let create = leads
                .create("")
                .fields(lead)
                .idempotency_key(idempotency_key);
            async move {
                let (_, meta) = create.send_with_meta().await?;
                Ok(Answered {
                    outcome: Outcome::Created,
                    rate_limit: meta.rate_limit,
                })
            }
            .boxed_local()
        }
        Request::Upsert {
            by, value, lead, ..
        } => {
            let changes: LeadChanges = typed(lead)?;
            let upsert = leads
                .upsert(LeadMatch::new(LeadMatchBy::from(by), value))
                .changes(changes)
                .create_if_missing(may_create)
                .idempotency_key(idempotency_key);
            async move {
                let (upserted, meta) = upsert.send_with_meta().await?;
                Ok(Answered {
                    outcome: if upserted.created {
                        Outcome::Created
                    } else {
                        Outcome::Updated
                    },
                    rate_limit: meta.rate_limit,
                })
            }
            .boxed_local()
        }
    })
}

fn typed<T: DeserializeOwned>(lead: Map<String, Value>) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(lead)).map_err(|_| {
        Failure::other("this konektor cannot send one of these fields: is there a newer one?")
    })
}

/// Temporary failures in a row: the rate limit, the network, a restarting server.
#[derive(Debug)]
struct Setbacks {
    max_wait: Duration,
    /// The time of the first one.
    since: Option<Instant>,
    /// Their number.
    count: u32,
    until: Instant,
}

impl Setbacks {
    fn new(max_wait: Duration) -> Self {
        Self {
            max_wait,
            since: None,
            count: 0,
            until: Instant::now(),
        }
    }

    /// Returns how long a row waits before it is sent again; `None` if a retry is not safe, or not possible within the
    /// longest wait.
    fn wait(&mut self, error: &Error) -> Option<Duration> {
        self.next(error.retry() != Retry::Never, error.retry_after())
    }

    fn next(&mut self, is_retryable: bool, asked: Option<Duration>) -> Option<Duration> {
        const FIRST: Duration = Duration::from_millis(250);
        const LONGEST: Duration = Duration::from_secs(5);

        if !is_retryable {
            return None;
        }
        let now = Instant::now();
        let since = *self.since.get_or_insert(now);
        // Concurrent rows fail together for one reason, which counts once.
        if now >= self.until {
            self.count += 1;
        }
        let doubled = 2_u32.saturating_pow(self.count.saturating_sub(1));
        let own = FIRST.saturating_mul(doubled).min(LONGEST);
        let wait = asked.filter(|asked| *asked >= FIRST).unwrap_or(own);
        if (now - since).saturating_add(wait) > self.max_wait {
            return None;
        }
        self.until = self.until.max(now + wait);
        Some(wait)
    }

    /// Resets after a success.
    fn end(&mut self) {
        self.since = None;
        self.count = 0;
    }

    fn until_over(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }
}

/// The pace of sending: a token bucket that follows the rate limit in the answers.
#[derive(Debug)]
struct Pace {
    /// Requests that may be sent now; `None` if the server does not say.
    free: Option<f64>,
    /// Requests that are refilled each second.
    refill: f64,
    at: Instant,
}

impl Default for Pace {
    /// Allows one request, whose answer tells the limit.
    fn default() -> Self {
        Self {
            free: Some(1.0),
            refill: 0.0,
            at: Instant::now(),
        }
    }
}

impl Pace {
    /// Takes over the limit of an answer, which may not count the requests in flight.
    fn learn(&mut self, limit: Option<RateLimit>, under_way: usize) {
        self.at = Instant::now();
        let Some(limit) = limit else {
            self.free = None;
            return;
        };
        let left = limit.remaining.saturating_sub(under_way as u64);
        self.free = Some(number(left));
        self.refill = number(limit.limit) / 60.0;
    }

    /// Adjusts after a row that has to wait. If the answer does not tell the limit, one request is sent to learn it.
    fn set_back(&mut self, limit: Option<RateLimit>, under_way: usize) {
        match limit {
            // The answer already tells the wait.
            Some(limit) => {
                self.learn(Some(limit), under_way);
                self.free = self.free.map(|free| free.max(1.0));
            }
            None => *self = Self::default(),
        }
    }

    fn take(&mut self) {
        let now = self.now();
        if let Some(free) = &mut self.free {
            *free = now - 1.0;
        }
        self.at = Instant::now();
    }

    fn now(&self) -> f64 {
        let come_in = self.at.elapsed().as_secs_f64() * self.refill;
        self.free.unwrap_or_default() + come_in
    }

    /// The time until a request may be sent.
    fn until_free(&self) -> Duration {
        let missing = 1.0 - self.now();
        if self.free.is_none() || missing <= 0.0 {
            return Duration::ZERO;
        }
        // No limit is known yet: wait for the first response.
        let seconds = missing / self.refill.max(0.001);
        Duration::from_secs_f64(seconds)
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are small")]
fn number(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_wait_is_as_long_as_the_server_asks_and_no_longer_than_allowed() {
        let mut setbacks = Setbacks::new(30 * SECOND);
        assert_eq!(setbacks.next(true, Some(2 * SECOND)), Some(2 * SECOND));
        assert!(setbacks.until_over() > SECOND);
        assert_eq!(setbacks.next(true, Some(31 * SECOND)), None);
        assert_eq!(setbacks.next(false, None), None);
        assert_eq!(Setbacks::new(Duration::ZERO).next(true, None), None);
    }

    #[test]
    fn failures_of_rows_under_way_together_count_once() {
        let mut setbacks = Setbacks::new(30 * SECOND);
        for _ in 0..8 {
            assert_eq!(setbacks.next(true, None), Some(SECOND / 4));
        }
        setbacks.until = Instant::now();
        assert_eq!(setbacks.next(true, None), Some(SECOND / 2));
        setbacks.end();
        setbacks.until = Instant::now();
        assert_eq!(setbacks.next(true, None), Some(SECOND / 4));
    }

    #[test]
    fn what_never_gets_through_ends() {
        let mut setbacks = Setbacks::new(30 * SECOND);
        setbacks.next(true, None).unwrap();
        setbacks.since = Instant::now().checked_sub(29 * SECOND);
        assert_eq!(setbacks.next(true, Some(2 * SECOND)), None);
    }
}
