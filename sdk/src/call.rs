//! How every request is sent: with the key, to one host, again when that may help.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap, RETRY_AFTER},
};
use tokio::time::Instant;

use crate::{
    Wait,
    client::{ApiKey, Shared},
    error,
    generated::client::Client as Generated,
    limiter::{Limiter, MINUTE, Permit},
    proxy,
    response::{Meta, RateLimit, number},
    retry::{self, Waits},
    tls,
};

/// The most bytes of an answer. A page of leads with notes of full length has less than a tenth.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// What the generated client's methods return.
pub(crate) type Outcome<T> =
    Result<progenitor_client::ResponseValue<T>, progenitor_client::Error<()>>;

/// What a caller may ask of one call.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CallOptions {
    /// The longest that it may take in all.
    pub(crate) deadline: Option<Duration>,
    /// Whether it needs no key, and so counts for no workspace's limit.
    pub(crate) is_public: bool,
    /// Whether it goes to a path of the caller's choice. What is there, SKILL.md for example, may have
    /// no limit, which says nothing of the workspace's.
    pub(crate) is_custom: bool,
}

/// Gives a request the setters of [`CallOptions`].
macro_rules! call_options {
    ($request:ty) => {
        impl $request {
            /// The longest that the call may take in all, with every try and every wait between
            /// them. A call that takes longer fails with
            /// [`DeadlineExceeded`](crate::ErrorKind::DeadlineExceeded); a wait that would not end in
            /// time is not begun, and what made it necessary is returned at once. Of a stream it is
            /// the deadline of each page.
            ///
            /// Prefer it to `tokio::time::timeout` around a write: that drops the call together with
            /// its `Idempotency-Key`, so that nobody can make it again safely. The error of a deadline
            /// still has the key, in [`Error::retry`](crate::Error::retry).
            ///
            /// ```
            /// use std::time::Duration;
            ///
            /// # use konektor_sdk::*;
            /// # fn example(client: Client) {
            /// let request = client.leads().update("CRM-1024").deadline(Duration::from_secs(10));
            /// # }
            /// ```
            pub fn deadline(mut self, deadline: ::std::time::Duration) -> Self {
                self.options.deadline = Some(deadline);
                self
            }
        }
    };
}
pub(crate) use call_options;

/// Why a request may be sent again, after one that may have been acted on.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// It changes nothing.
    ReadOnly,
    /// The server does it once under this key.
    Key(String),
    /// It may not: a repeat does it a second time.
    None,
}

/// Without the key: callers make it of whatever they have, an email for example.
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
#[derive(Clone, Debug)]
pub(crate) struct Call(Arc<State>);

#[derive(Debug)]
struct State {
    client: Arc<Shared>,
    idempotency: Idempotency,
    operation: OnceLock<String>,
    started: Instant,
    deadline: Option<Duration>,
    is_public: bool,
    is_custom: bool,
    attempts: AtomicU32,
    /// Whether a try is under way.
    in_flight: AtomicBool,
    /// Whether the server may have acted on any of the tries.
    acted: AtomicBool,
    /// Whether the last answer was larger than [`MAX_ANSWER`].
    oversized: AtomicBool,
    last: Mutex<Option<(StatusCode, HeaderMap)>>,
}

impl Call {
    pub(crate) fn new(client: Arc<Shared>, options: CallOptions, idempotency: Idempotency) -> Self {
        Self(Arc::new(State {
            client,
            idempotency,
            operation: OnceLock::new(),
            started: Instant::now(),
            deadline: options.deadline,
            is_public: options.is_public,
            is_custom: options.is_custom,
            attempts: AtomicU32::new(0),
            in_flight: AtomicBool::new(false),
            acted: AtomicBool::new(false),
            oversized: AtomicBool::new(false),
            last: Mutex::new(None),
        }))
    }

    /// Says what the call is named in errors, if it has no name.
    pub(crate) fn name(&self, operation: impl FnOnce() -> String) {
        self.0.operation.get_or_init(operation);
    }

    /// `leads.create`
    pub(crate) fn operation(&self) -> Option<&str> {
        self.0.operation.get().map(String::as_str)
    }

    /// `konektor.id`, with the port if it is an unusual one.
    pub(crate) fn host(&self) -> &str {
        &self.0.client.host
    }

    /// The API key, which no text may hold.
    pub(crate) fn api_key(&self) -> Option<&ApiKey> {
        self.0.client.key.as_ref()
    }

    /// The proxy on the way to the server.
    pub(crate) fn proxy(&self) -> Option<&proxy::Proxy> {
        self.0.client.proxy.as_ref()
    }

    pub(crate) fn idempotency(&self) -> &Idempotency {
        &self.0.idempotency
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.0.deadline
    }

    /// How long it has taken.
    pub(crate) fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// Whether something may have come of it.
    pub(crate) fn may_have_happened(&self) -> bool {
        self.0.acted.load(Ordering::Relaxed) || self.0.in_flight.load(Ordering::Relaxed)
    }

    /// Whether the answer was too large to be kept.
    pub(crate) fn is_oversized(&self) -> bool {
        self.0.oversized.load(Ordering::Relaxed)
    }

    /// How many times the request was sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// The status of the latest answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.0.last_answer(|status, _| status)
    }

    /// Whether the latest answer may be another one soon.
    pub(crate) fn is_transient(&self) -> bool {
        self.0.last_answer(retry::is_transient).unwrap_or_default()
    }

    /// How long the latest answer asks to wait.
    pub(crate) fn asked_wait(&self) -> Option<Duration> {
        let now = self.0.client.environment.now();
        self.0
            .last_answer(|status, headers| retry::asked_wait(status, headers, now))?
    }

    /// What came beside the latest answer.
    pub(crate) fn meta(&self) -> Meta {
        let attempts = self.attempts();
        let key = self.api_key();
        self.0
            .last_answer(|status, headers| Meta::new(Some(status), headers, attempts, key))
            .unwrap_or_else(|| Meta::new(None, &HeaderMap::new(), attempts, key))
    }

    /// Runs the call to its end, or to its deadline; `None` then.
    pub(crate) async fn within_deadline<T>(&self, call: impl Future<Output = T>) -> Option<T> {
        match self.0.deadline {
            Some(deadline) => tokio::time::timeout(deadline, call).await.ok(),
            None => Some(call.await),
        }
    }
}

impl ClientHooks<Call> for Generated {
    async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        let call = self.inner();
        call.name(|| dotted(info.operation_id));
        call.exec(request).await
    }
}

/// `support_ticket_create` as the method is called: `support.create_ticket`.
fn dotted(operation_id: &str) -> String {
    match operation_id.split_once('_') {
        Some((noun, verb)) => {
            let verb: Vec<_> = verb.rsplit('_').collect();
            format!("{noun}.{}", verb.join("_"))
        }
        None => operation_id.to_owned(),
    }
}

impl Call {
    /// Sends the request of this call until there is an answer to keep.
    pub(crate) async fn exec(&self, mut request: Request) -> reqwest::Result<Response> {
        let state = &*self.0;
        let environment = &state.client.environment;
        prepare(&mut request, &state.client);

        let mut waits = Waits::new(state.client.retries);
        let mut failure = None;
        // A connection that broke may have been an idle one that the server had closed, and others
        // like it may be in the pool.
        let mut on_a_new_connection = false;
        loop {
            let mut permit = state.wait_for_its_turn(&mut waits, failure.take()).await;
            permit.sent();
            state.attempts.fetch_add(1, Ordering::Relaxed);
            let Some(copy) = request.try_clone() else {
                return state.send(request, on_a_new_connection).await;
            };
            let outcome = state.send(copy, on_a_new_connection).await;
            state.tell_the_limiter(permit, &outcome);

            let next = failed_for_now(&outcome, environment.now())
                .filter(|_| state.may_be_sent_again())
                .filter(|asked| !is_over_the_limit_of_a_day(&outcome, *asked))
                .and_then(|asked| waits.next(is_limited(&outcome), asked, environment.random()))
                .filter(|time| state.has_time_for(*time));
            let Some(time) = next else {
                return outcome;
            };
            failure = Some(wait(time, &outcome));
            on_a_new_connection = outcome.is_err();
        }
    }
}

impl State {
    fn last_answer<T>(&self, read: impl FnOnce(StatusCode, &HeaderMap) -> T) -> Option<T> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref()
            .map(|(status, headers)| read(*status, headers))
    }

    /// Waits after a failure, and until the rate limit has a request for this call.
    async fn wait_for_its_turn(&self, waits: &mut Waits, failure: Option<Wait>) -> Permit<'_> {
        let Shared {
            environment,
            on_wait,
            ..
        } = &*self.client;
        let limiter = self.limiter();
        let mut failure = failure;
        // Its place in the line, which it keeps however often it has to wait.
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
            if let Some(told) = on_wait {
                told.tell(wait);
            }
            environment.sleep(time).await;
            // One that may wait no longer asks the server.
            if left > time {
                return permit;
            }
            waited = waited.saturating_add(time);
            // Another call may have been told to wait meanwhile.
            left = limiter.blocked(environment.elapsed());
        }
    }

    /// Sends the request once and reads the whole answer, so that one that breaks off is a failed
    /// try; and remembers whether something may have come of it.
    async fn send(&self, request: Request, on_a_new_connection: bool) -> reqwest::Result<Response> {
        let http = if on_a_new_connection {
            &self.client.unpooled_http
        } else {
            &self.client.http
        };
        self.in_flight.store(true, Ordering::Relaxed);
        let outcome = self.exchange(http, request).await;
        let acted = match &outcome {
            Err(error) => !error.is_connect() && !error.is_builder(),
            Ok(answer) => may_have_acted(answer),
        };
        self.acted.fetch_or(acted, Ordering::Relaxed);
        self.in_flight.store(false, Ordering::Relaxed);
        outcome.map(Response::from)
    }

    async fn exchange(
        &self,
        http: &reqwest::Client,
        request: Request,
    ) -> reqwest::Result<http::Response<Bytes>> {
        let mut answer = http.execute(request).await?;
        let status = answer.status();
        let headers = std::mem::take(answer.headers_mut());
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((status, headers.clone()));
        let body = match read_whole(answer).await {
            Ok(body) => body,
            // The status says more than that its explanation broke off.
            Err(_) if !status.is_success() => Some(Bytes::new()),
            Err(error) => return Err(error),
        };
        self.oversized.store(body.is_none(), Ordering::Relaxed);
        let mut whole = http::Response::new(body.unwrap_or_default());
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok(whole)
    }

    fn limiter(&self) -> &Limiter {
        if self.is_public {
            &self.client.unlimited
        } else {
            &self.client.limiter
        }
    }

    /// A write without a key is sent again only when the server has not acted on it.
    fn may_be_sent_again(&self) -> bool {
        self.idempotency != Idempotency::None || !self.acted.load(Ordering::Relaxed)
    }

    /// Whether a wait ends before the deadline.
    fn has_time_for(&self, wait: Duration) -> bool {
        self.deadline
            .is_none_or(|deadline| self.started.elapsed().saturating_add(wait) < deadline)
    }

    fn tell_the_limiter(&self, permit: Permit<'_>, outcome: &reqwest::Result<Response>) {
        let Ok(answer) = outcome else { return };
        let (status, headers) = (answer.status(), answer.headers());
        let environment = &self.client.environment;
        let rate_limit = RateLimit::read(headers);
        let refused = is_limited(outcome)
            .then(|| retry::asked_wait(status, headers, environment.now()))
            .flatten();
        let says_that_there_is_no_limit = status.is_success() && !self.is_custom;
        let says_something =
            rate_limit.is_some() || refused.is_some() || says_that_there_is_no_limit;
        // These may be counted for the client's address, and not for the workspace.
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

/// What there is to know of a wait.
fn wait(time: Duration, outcome: &reqwest::Result<Response>) -> Wait {
    let answer = outcome.as_ref().ok();
    Wait {
        time,
        status: answer.map(|answer| answer.status().as_u16()),
        limit: answer.and_then(|answer| number(answer.headers(), "x-ratelimit-limit")),
    }
}

fn is_limited(outcome: &reqwest::Result<Response>) -> bool {
    outcome
        .as_ref()
        .is_ok_and(|answer| answer.status() == StatusCode::TOO_MANY_REQUESTS)
}

/// Whether an answer refuses a request for the workspace's limit of new leads a day, and not for its
/// limit of requests a minute, of which something is left.
fn is_over_the_limit_of_a_day(
    outcome: &reqwest::Result<Response>,
    asked: Option<Duration>,
) -> bool {
    let is_left = outcome.as_ref().is_ok_and(|answer| {
        number(answer.headers(), "x-ratelimit-remaining").is_some_and(|remaining| remaining > 0)
    });
    is_limited(outcome) && is_left && asked.is_some_and(|asked| asked > MINUTE)
}

/// Adds the key, and takes away a header of progenitor's that the API does not know.
fn prepare(request: &mut Request, client: &Shared) {
    request.headers_mut().remove("api-version");
    if let Some(key) = &client.key {
        request.headers_mut().insert(AUTHORIZATION, key.header());
    }
}

/// For a try that failed but may succeed later: how long the server asks to wait, if it does.
#[expect(
    clippy::option_option,
    reason = "two questions: whether to wait, and what was asked for"
)]
fn failed_for_now(outcome: &reqwest::Result<Response>, now: Timestamp) -> Option<Option<Duration>> {
    match outcome {
        Err(error) => (!is_permanent(error)).then_some(None),
        Ok(answer) => retry::is_transient(answer.status(), answer.headers())
            .then(|| retry::asked_wait(answer.status(), answer.headers(), now)),
    }
}

/// Whether a request that got no answer would get none again.
pub(crate) fn is_permanent(error: &reqwest::Error) -> bool {
    error.is_builder()
        // Past the handshake an alert is a connection that broke, like any other.
        || (error.is_connect() && tls::refused(error))
        || proxy::Failure::of(error).is_some_and(proxy::Failure::is_permanent)
}

/// Whether the server may have acted on a try that was answered like this. Whoever refuses or
/// redirects a request has not passed it on, or has not acted on it.
fn may_have_acted(answer: &http::Response<Bytes>) -> bool {
    let status = answer.status();
    match status.as_u16() {
        // An earlier request under the same key is being carried out.
        409 => answer.headers().contains_key(RETRY_AFTER),
        501 | 505 => false,
        // Proxies send one after they have passed the request on.
        503 => !error::is_from_the_api(answer.body()),
        _ => !status.is_client_error() && !status.is_redirection(),
    }
}

#[cfg(test)]
mod tests;
