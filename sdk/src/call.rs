//! How every request is sent: with the key, to one host, and again when that may help.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use reqwest::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER},
};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    api_key::ApiKey,
    error_envelope::ErrorEnvelope,
    headers::IDEMPOTENCY_KEY,
    limiter::{Limiter, MINUTE, Permit},
    meta::{Meta, request_id},
    proxy,
    rate_limit::{RateLimit, number},
    retry::{self, Wait, Waits},
    tls,
    transport::Transport,
};

/// The largest answer, in bytes. A page of leads with notes of full length has less than a tenth.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A whole answer.
pub(crate) type Answer = http::Response<Bytes>;

/// How one call is made.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    /// The longest time that it may take in all.
    pub(crate) deadline: Option<Duration>,
    /// Whether it needs no key, so that no workspace's rate limit counts it.
    pub(crate) is_public: bool,
    /// Whether the caller chose the path. An answer without a rate limit, SKILL.md for example, says
    /// nothing about the workspace's limit then.
    pub(crate) is_custom: bool,
}

/// Why a request may be sent again after a try that the server may have acted on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It changes nothing.
    ReadOnly,
    /// The server carries it out once under this key.
    Key(String),
    /// Not idempotent: a repeat happens a second time.
    None,
}

/// Without the key, which may be personal: a caller may use an email.
impl std::fmt::Debug for Idempotency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReadOnly => "ReadOnly",
            Self::Key(_) => "Key",
            Self::None => "None",
        })
    }
}

/// One call of an operation: what all its tries share.
#[derive(Debug)]
pub(crate) struct Call {
    transport: Arc<Transport>,
    operation: String,
    options: CallOptions,
    idempotency: Idempotency,
    started: Instant,
    attempts: u32,
    /// Whether a try is under way. A deadline may end the call meanwhile.
    in_flight: bool,
    /// Whether the server may have acted on any of the tries.
    acted: bool,
    /// Whether the last answer was larger than [`MAX_ANSWER`].
    oversized: bool,
    last_answer: Option<(StatusCode, HeaderMap)>,
}

impl Call {
    /// A call that errors name like `leads.create`.
    pub(crate) fn new(
        transport: Arc<Transport>,
        operation: String,
        options: CallOptions,
        idempotency: Idempotency,
    ) -> Self {
        Self {
            transport,
            operation,
            options,
            idempotency,
            started: Instant::now(),
            attempts: 0,
            in_flight: false,
            acted: false,
            oversized: false,
            last_answer: None,
        }
    }

    /// `leads.create at konektor.id`
    pub(crate) fn place(&self) -> String {
        format!("{} at {}", self.operation, self.transport.host)
    }

    /// The API key, which no text may hold.
    pub(crate) fn api_key(&self) -> Option<&ApiKey> {
        self.transport.key.as_ref()
    }

    /// The proxy on the way to the server.
    pub(crate) fn proxy(&self) -> Option<&proxy::Proxy> {
        self.transport.proxy.as_ref()
    }

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.idempotency
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.options.deadline
    }

    /// How long it has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether the server may have acted on it.
    pub(crate) fn may_have_happened(&self) -> bool {
        self.acted || self.in_flight
    }

    /// Whether the answer was too large to be kept.
    pub(crate) fn is_oversized(&self) -> bool {
        self.oversized
    }

    /// How many times the request was sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The status of the last answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.last_answer.as_ref().map(|(status, _)| *status)
    }

    /// Whether the last answer may be another one soon.
    pub(crate) fn is_transient(&self) -> bool {
        self.last_answer
            .as_ref()
            .is_some_and(|(status, headers)| retry::is_transient(*status, headers))
    }

    /// How long the last answer asks to wait.
    pub(crate) fn asked_wait(&self) -> Option<Duration> {
        let (status, headers) = self.last_answer.as_ref()?;
        retry::asked_wait(*status, headers, self.transport.environment.now())
    }

    /// The id that the server gave the last answer.
    pub(crate) fn request_id(&self) -> Option<String> {
        let (_, headers) = self.last_answer.as_ref()?;
        request_id(headers, self.api_key())
    }

    /// The rate limit that the last answer tells.
    pub(crate) fn rate_limit(&self) -> Option<RateLimit> {
        let (_, headers) = self.last_answer.as_ref()?;
        RateLimit::read(headers)
    }

    /// What came beside the value of an answer, with what the body has of that.
    pub(crate) fn meta(&self, answer: &Answer, extra: Map<String, Value>) -> Meta {
        Meta::new(
            answer.status(),
            answer.headers(),
            self.attempts,
            self.api_key(),
            extra,
        )
    }

    /// Adds what every try carries: the API key, and the idempotency key of a write.
    pub(crate) fn authorize(&self, request: &mut Request) {
        let headers = request.headers_mut();
        if let Some(key) = self.api_key() {
            headers.insert(AUTHORIZATION, key.header());
        }
        if let Idempotency::Key(key) = &self.idempotency
            && let Ok(key) = HeaderValue::from_str(key)
        {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
    }

    /// Sends the request until there is an answer to keep, or until the deadline; `None` then.
    pub(crate) async fn send(&mut self, request: Request) -> Option<reqwest::Result<Answer>> {
        match self.options.deadline {
            Some(deadline) => tokio::time::timeout(deadline, self.retry(request))
                .await
                .ok(),
            None => Some(self.retry(request).await),
        }
    }

    /// Sends the request until there is an answer to keep.
    async fn retry(&mut self, request: Request) -> reqwest::Result<Answer> {
        let transport = Arc::clone(&self.transport);
        let environment = &transport.environment;
        let limiter = if self.options.is_public {
            &transport.unlimited
        } else {
            &transport.limiter
        };

        let mut waits = Waits::new(transport.retries);
        let mut failure = None;
        // A broken connection may have been an idle one that the server had closed. The pool may have
        // more of them.
        let mut on_a_new_connection = false;
        loop {
            let mut permit = self
                .wait_for_its_turn(limiter, &mut waits, failure.take())
                .await;
            permit.sent();
            self.attempts += 1;
            let Some(copy) = request.try_clone() else {
                return self.try_once(request, on_a_new_connection).await;
            };
            let outcome = self.try_once(copy, on_a_new_connection).await;
            self.update_limiter(permit, &outcome);

            let next = failed_for_now(&outcome, environment.now())
                .filter(|_| self.may_be_sent_again())
                .filter(|asked| !is_over_the_limit_of_a_day(&outcome, *asked))
                .and_then(|asked| waits.next(is_limited(&outcome), asked, environment.random()))
                .filter(|time| self.has_time_for(*time));
            let Some(time) = next else {
                return outcome;
            };
            failure = Some(wait(time, &outcome));
            on_a_new_connection = outcome.is_err();
        }
    }

    /// Waits after a failure, and until the rate limit has a request for this call.
    async fn wait_for_its_turn<'l>(
        &self,
        limiter: &'l Limiter,
        waits: &mut Waits,
        failure: Option<Wait>,
    ) -> Permit<'l> {
        let Transport {
            environment,
            on_wait,
            ..
        } = &*self.transport;
        let mut failure = failure;
        // Keeps its place in the queue, however often it has to wait.
        let permit = limiter.reserve(environment.elapsed());
        let mut left = permit.wait();
        let mut waited = Duration::ZERO;
        loop {
            let after_failure = failure.map(|failure| failure.time).unwrap_or_default();
            let mut for_the_limit = waits.for_its_turn(left, after_failure, waited);
            if !self.has_time_for(after_failure.saturating_add(for_the_limit)) {
                for_the_limit = Duration::ZERO;
            }
            waits.charge(for_the_limit);
            let time = after_failure.saturating_add(for_the_limit);
            if time.is_zero() {
                return permit;
            }
            let wait = Wait {
                time,
                ..failure.take().unwrap_or(Wait {
                    time,
                    status: Some(StatusCode::TOO_MANY_REQUESTS.as_u16()),
                    limit: limiter.limit(),
                })
            };
            if let Some(listener) = on_wait {
                listener.notify(wait);
            }
            environment.sleep(time).await;
            // A call that may not wait longer is sent anyway.
            if left > time {
                return permit;
            }
            waited = waited.saturating_add(time);
            // Another call may have been told to wait meanwhile.
            left = limiter.blocked(environment.elapsed());
        }
    }

    /// Sends the request once and reads the whole answer: an answer that breaks off is a failed try.
    /// Remembers whether the server may have acted on it.
    async fn try_once(
        &mut self,
        request: Request,
        on_a_new_connection: bool,
    ) -> reqwest::Result<Answer> {
        self.in_flight = true;
        let outcome = self.exchange(request, on_a_new_connection).await;
        self.acted |= match &outcome {
            Err(error) => !error.is_connect() && !error.is_builder(),
            Ok(answer) => may_have_acted(answer),
        };
        self.in_flight = false;
        outcome
    }

    async fn exchange(
        &mut self,
        request: Request,
        on_a_new_connection: bool,
    ) -> reqwest::Result<Answer> {
        let http = if on_a_new_connection {
            &self.transport.unpooled_http
        } else {
            &self.transport.http
        };
        let mut answer = http.execute(request).await?;
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        self.last_answer = Some((status, headers.clone()));
        let body = match read_whole(answer).await {
            Ok(body) => body,
            // The status matters more than the incomplete body.
            Err(_) if !status.is_success() => Some(Bytes::new()),
            Err(error) => return Err(error),
        };
        self.oversized = body.is_none();
        let mut whole = Answer::new(body.unwrap_or_default());
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    /// A write without a key is sent again only when the server has not acted on it.
    fn may_be_sent_again(&self) -> bool {
        self.idempotency != Idempotency::None || !self.acted
    }

    /// Whether a wait ends before the deadline.
    fn has_time_for(&self, wait: Duration) -> bool {
        self.options
            .deadline
            .is_none_or(|deadline| self.elapsed().saturating_add(wait) < deadline)
    }

    /// Tells the limiter what an answer says of the limit.
    fn update_limiter(&self, permit: Permit<'_>, outcome: &reqwest::Result<Answer>) {
        let Ok(answer) = outcome else { return };
        let (status, headers) = (answer.status(), answer.headers());
        let environment = &self.transport.environment;
        let rate_limit = RateLimit::read(headers);
        let refused = is_limited(outcome)
            .then(|| retry::asked_wait(status, headers, environment.now()))
            .flatten();
        let says_that_there_is_no_limit = status.is_success() && !self.options.is_custom;
        let says_something =
            rate_limit.is_some() || refused.is_some() || says_that_there_is_no_limit;
        // These may count for the client's address instead of the workspace.
        let is_of_the_workspace =
            !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        if says_something && is_of_the_workspace {
            permit.answered(environment.elapsed(), rate_limit, refused);
        }
    }
}

/// Reads a body to its end; `None` when it is too large.
async fn read_whole(mut answer: Response) -> reqwest::Result<Option<Bytes>> {
    let announced = answer.content_length().unwrap_or_default();
    if announced > MAX_ANSWER as u64 {
        return Ok(None);
    }
    let mut body = BytesMut::new();
    while let Some(part) = answer.chunk().await? {
        if body.len() + part.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&part);
    }
    Ok(Some(body.freeze()))
}

/// Describes a wait.
fn wait(time: Duration, outcome: &reqwest::Result<Answer>) -> Wait {
    let answer = outcome.as_ref().ok();
    Wait {
        time,
        status: answer.map(|answer| answer.status().as_u16()),
        limit: answer.and_then(|answer| number(answer.headers(), "x-ratelimit-limit")),
    }
}

fn is_limited(outcome: &reqwest::Result<Answer>) -> bool {
    outcome
        .as_ref()
        .is_ok_and(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
}

/// Whether an answer refuses a request for the workspace's limit of new leads a day: the limit of requests
/// a minute is not used up.
fn is_over_the_limit_of_a_day(outcome: &reqwest::Result<Answer>, asked: Option<Duration>) -> bool {
    let is_left = outcome.as_ref().is_ok_and(|answer| {
        number(answer.headers(), "x-ratelimit-remaining").is_some_and(|remaining| remaining > 0)
    });
    is_limited(outcome) && is_left && asked.is_some_and(|asked| asked > MINUTE)
}

/// The wait that the server asks for, if it does, after a failure that may pass.
#[expect(
    clippy::option_option,
    reason = "two questions: whether to wait, and what was asked for"
)]
fn failed_for_now(outcome: &reqwest::Result<Answer>, now: Timestamp) -> Option<Option<Duration>> {
    match outcome {
        Err(error) => (!is_permanent(error)).then_some(None),
        Ok(answer) => retry::is_transient(answer.status(), answer.headers())
            .then(|| retry::asked_wait(answer.status(), answer.headers(), now)),
    }
}

/// Whether a retry of a request without an answer would fail in the same way.
pub(crate) fn is_permanent(error: &reqwest::Error) -> bool {
    error.is_builder()
        // After the handshake, an alert is a broken connection like any other.
        || (error.is_connect() && tls::refused(error))
        || proxy::Failure::of(error).is_some_and(proxy::Failure::is_permanent)
}

/// Whether the server may have acted on a try with this answer. A refused or redirected request was not
/// acted on.
fn may_have_acted(answer: &Answer) -> bool {
    let status = answer.status();
    match status.as_u16() {
        // An earlier request under the same key is being carried out.
        409 => answer.headers().contains_key(RETRY_AFTER),
        501 | 505 => false,
        // A proxy may send one after it has forwarded the request.
        503 => ErrorEnvelope::read(answer.body(), None).is_none(),
        _ => !status.is_client_error() && !status.is_redirection(),
    }
}

#[cfg(test)]
mod tests;
