//! Sends rows: several at once, as many as the rate limit lets through, each noted when the server has answered.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use futures::{FutureExt as _, StreamExt as _, future::LocalBoxFuture, stream::FuturesUnordered};
use indicatif::ProgressBar;
use konektor_sdk::{
    Client, Error, ErrorKind, LeadChanges, LeadMatch, LeadMatchBy, NewLead, RateLimit,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{
    checkpoint::{Checkpoint, Done, Outcome, Plan},
    row::Request,
};
use crate::{call::Call, desk::interrupted, error::Failure, progress};

/// The most requests under way; more would not make the server faster.
pub(super) const MOST: usize = 8;

/// How long requests under way may still take after Ctrl-C or a failure. What they do is not lost in any case: it is sent again
/// with the same idempotency key.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// How the sending ended.
pub(super) enum End {
    /// There is no row left.
    Done,
    /// Ctrl-C, after this row.
    Interrupted(u64),
    /// The server or the network does not go on, after this row.
    Failed(u64, Failure),
}

/// A row that is to be sent, by its number.
pub(super) type Row = (u64, Request);

type Sending<'a> = LocalBoxFuture<'a, (u64, Vec<String>, Result<Answered, Error>)>;

/// What the server made of a row, and what it says of the rate limit.
struct Answered {
    outcome: Outcome,
    rate_limit: RateLimit,
}

/// Sends all rows that are not done yet.
///
/// # Errors
/// When a row cannot be read or noted.
pub(super) async fn all(
    call: &Call<'_>,
    plan: &Plan,
    rows: impl Iterator<Item = Result<Row, Failure>>,
    checkpoint: &mut Checkpoint,
    bar: &ProgressBar,
) -> Result<End, Failure> {
    let mut rows = rows.peekable();
    let mut pace = Pace::default();
    let mut under_way: FuturesUnordered<Sending<'_>> = FuturesUnordered::new();
    let mut identities: HashSet<String> = HashSet::new();
    let mut last = 0;
    let mut stop = Box::pin(interrupted());

    loop {
        let next_is_free = match rows.peek() {
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
        let may_send = next_is_free && under_way.len() < MOST;
        let until_free = pace.until_free();
        tokio::select! {
            biased;
            () = &mut stop => {
                let rest = finish(under_way, checkpoint, bar);
                let _unanswered = tokio::time::timeout(LAST_ANSWERS, rest).await;
                return Ok(End::Interrupted(last));
            }
            Some((row, answered, answer)) = under_way.next(), if !under_way.is_empty() => {
                for identity in &answered {
                    identities.remove(identity);
                }
                match judged(answer) {
                    Ok(Answered { outcome, rate_limit }) => {
                        call.desk.log(|| format!("< row {row}, {} of {} left", rate_limit.remaining, rate_limit.limit));
                        pace.learn(rate_limit, under_way.len());
                        noted(checkpoint, bar, row, outcome)?;
                    }
                    Err(error) => {
                        // The others may be waiting for the rate limit.
                        let rest = finish(under_way, checkpoint, bar);
                        if let Ok(noted) = tokio::time::timeout(LAST_ANSWERS, rest).await {
                            noted?;
                        }
                        return Ok(End::Failed(last, call.failed(&error)));
                    }
                }
            }
            () = tokio::time::sleep(until_free), if may_send => {
                let Some(row) = rows.next() else { continue };
                let (number, request) = row?;
                last = number;
                pace.take();
                let its = request.identities();
                identities.extend(its.iter().cloned());
                call.desk.log(|| format!("> row {number}"));
                let sending = send(&call.client, request, plan.idempotency_key(number))?;
                under_way.push(sending.map(move |answer| (number, its, answer)).boxed_local());
            }
        }
    }
}

/// Waits for the requests under way; one that fails is sent again when the import goes on.
async fn finish(
    mut under_way: FuturesUnordered<Sending<'_>>,
    checkpoint: &mut Checkpoint,
    bar: &ProgressBar,
) -> Result<(), Failure> {
    while let Some((row, _, answer)) = under_way.next().await {
        if let Ok(Answered { outcome, .. }) = judged(answer) {
            noted(checkpoint, bar, row, outcome)?;
        }
    }
    Ok(())
}

fn noted(
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

/// A row that the server refuses is an outcome; a server that refuses everything is an error.
fn judged(answer: Result<Answered, Error>) -> Result<Answered, Error> {
    let error = match answer {
        Ok(answered) => return Ok(answered),
        Err(error) => error,
    };
    let is_the_rows = match error.kind() {
        ErrorKind::Validation => true,
        ErrorKind::NotFound => error.code().is_some(),
        _ => false,
    };
    match error.rate_limit() {
        Some(rate_limit) if is_the_rows => Ok(Answered {
            outcome: Outcome::Rejected(reasons(&error)),
            rate_limit,
        }),
        _ => Err(error),
    }
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
                let created = create.send().await?;
                Ok(Answered {
                    outcome: Outcome::Created,
                    rate_limit: created.rate_limit(),
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
                let upserted = upsert.send().await?;
                Ok(Answered {
                    outcome: if upserted.created() {
                        Outcome::Created
                    } else {
                        Outcome::Updated
                    },
                    rate_limit: upserted.rate_limit(),
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

/// How fast rows may be sent: what the last answer said is left of the limit, and what comes in by the minute.
#[derive(Debug)]
struct Pace {
    /// Requests that may be sent now; None when the server does not say.
    free: Option<f64>,
    /// Requests that come in each second.
    refill: f64,
    at: Instant,
}

impl Default for Pace {
    /// One, to learn what there is.
    fn default() -> Self {
        Self {
            free: Some(1.0),
            refill: 0.0,
            at: Instant::now(),
        }
    }
}

impl Pace {
    /// Takes over what an answer says; requests under way may not be counted in it.
    fn learn(&mut self, limit: RateLimit, under_way: usize) {
        self.at = Instant::now();
        if !limit.is_known() {
            self.free = None;
            return;
        }
        let left = limit.remaining.saturating_sub(under_way as u64);
        self.free = Some(number(left));
        self.refill = number(limit.limit) / 60.0;
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

    /// How long until one may be sent.
    fn until_free(&self) -> Duration {
        let missing = 1.0 - self.now();
        if self.free.is_none() || missing <= 0.0 {
            return Duration::ZERO;
        }
        // Without any idea it waits for an answer.
        let seconds = missing / self.refill.max(0.001);
        Duration::from_secs_f64(seconds)
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are small")]
fn number(count: u64) -> f64 {
    count as f64
}
