//! How every request is sent: with the key, to one host, again when that may help.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use jiff::Timestamp;
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, HeaderMap},
};

use crate::{
    Retries, Wait,
    client::Shared,
    generated::client::Client as Generated,
    response::{Meta, number},
    retry::{self, Waits},
    tls,
};

/// What the generated client's methods return.
pub(crate) type Outcome<T> =
    Result<progenitor_client::ResponseValue<T>, progenitor_client::Error<()>>;

/// One call of an operation: what all its tries share.
#[derive(Clone, Debug)]
pub(crate) struct Call(Arc<State>);

#[derive(Debug)]
struct State {
    client: Arc<Shared>,
    effect: Effect,
    attempts: AtomicU32,
    /// Whether the server may have acted on any of the tries.
    acted: AtomicBool,
    last: OnceLock<(StatusCode, HeaderMap)>,
}

/// What becomes of a call that the caller makes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Done twice, it changes nothing more.
    Repeatable,
    /// Done twice, there are two.
    Adds,
}

impl Call {
    pub(crate) fn new(client: Arc<Shared>, effect: Effect) -> Self {
        let attempts = AtomicU32::new(0);
        Self(Arc::new(State {
            client,
            effect,
            attempts,
            acted: AtomicBool::new(false),
            last: OnceLock::new(),
        }))
    }

    /// Whether the caller may make it again without harm: nothing more comes of it, or nothing has come of it yet.
    pub(crate) fn is_safe_again(&self) -> bool {
        self.0.effect == Effect::Repeatable || !self.0.acted.load(Ordering::Relaxed)
    }

    /// How many times the request was sent.
    pub(crate) fn attempts(&self) -> u32 {
        self.0.attempts.load(Ordering::Relaxed)
    }

    /// The status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        self.0.last.get().map(|(status, _)| *status)
    }

    /// Whether the last answer may be another one soon.
    pub(crate) fn is_transient(&self) -> bool {
        let last = self.0.last.get();
        last.is_some_and(|(status, headers)| retry::is_transient(*status, headers))
    }

    /// How long the last answer asks to wait.
    pub(crate) fn asked_wait(&self) -> Option<Duration> {
        let (status, headers) = self.0.last.get()?;
        retry::asked_wait(*status, headers, self.0.client.environment.now())
    }

    /// What came beside the answer.
    pub(crate) fn meta(&self) -> Meta {
        let headers = self.0.last.get().map(|(_, headers)| headers);
        Meta::new(
            self.status(),
            headers.unwrap_or(&HeaderMap::new()),
            self.attempts(),
        )
    }
}

impl State {
    /// Sends the request once, and remembers whether something may have come of it.
    async fn send(&self, request: Request) -> reqwest::Result<Response> {
        let outcome = send(&self.client.http, request).await;
        self.acted
            .fetch_or(may_have_acted(&outcome), Ordering::Relaxed);
        outcome
    }
}

impl ClientHooks<Call> for Generated {
    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        self.inner().exec(request).await
    }
}

impl Call {
    /// Sends the request of this call until there is an answer to keep.
    pub(crate) async fn exec(&self, mut request: Request) -> reqwest::Result<Response> {
        let state = &*self.0;
        let State {
            client,
            attempts,
            last,
            ..
        } = state;
        let environment = &client.environment;
        prepare(&mut request, client);
        let tries = if retry::is_repeatable(&request) {
            client.retries
        } else {
            Retries::none()
        };

        let mut waits = Waits::new(tries);
        let mut attempt = 1;
        let outcome = loop {
            attempts.store(attempt, Ordering::Relaxed);
            let Some(copy) = request.try_clone() else {
                break state.send(request).await;
            };
            let outcome = state.send(copy).await;
            let Some(time) = failed_for_now(&outcome, environment.now())
                .and_then(|asked| waits.next(is_limited(&outcome), asked, environment.random()))
            else {
                break outcome;
            };
            if let Some(told) = &client.on_wait {
                told.tell(wait(time, &outcome));
            }
            environment.sleep(time).await;
            attempt += 1;
        };
        if let Ok(answer) = &outcome {
            // Set once, because a call is executed once.
            let _ = last.set((answer.status(), answer.headers().clone()));
        }
        outcome
    }
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

/// Adds the key, and takes away a header of progenitor's that the API does not know.
fn prepare(request: &mut Request, client: &Shared) {
    request.headers_mut().remove("api-version");
    if let Some(key) = &client.key {
        request.headers_mut().insert(AUTHORIZATION, key.header());
    }
}

/// Sends a request once and reads the whole answer, so that one that breaks off is a failed try.
async fn send(http: &reqwest::Client, request: Request) -> reqwest::Result<Response> {
    let mut answer = http.execute(request).await?;
    let status = answer.status();
    let headers = std::mem::take(answer.headers_mut());
    let body = match answer.bytes().await {
        Ok(body) => body,
        // The status says more than that its explanation broke off.
        Err(_) if !status.is_success() => Bytes::new(),
        Err(error) => return Err(error),
    };
    let mut whole = http::Response::new(body);
    *whole.status_mut() = status;
    *whole.headers_mut() = headers;
    Ok(whole.into())
}

/// For a try that failed but may succeed later: how long the server asks to wait, if it does.
#[expect(
    clippy::option_option,
    reason = "two questions: whether to wait, and what was asked for"
)]
fn failed_for_now(outcome: &reqwest::Result<Response>, now: Timestamp) -> Option<Option<Duration>> {
    match outcome {
        Err(error) => (!error.is_builder() && !tls::refused(error)).then_some(None),
        Ok(answer) => retry::is_transient(answer.status(), answer.headers())
            .then(|| retry::asked_wait(answer.status(), answer.headers(), now)),
    }
}

/// Whether the server may have acted on a try: not when it was never reached, and not when it says that it did not
/// take the request in.
fn may_have_acted(outcome: &reqwest::Result<Response>) -> bool {
    match outcome {
        Err(error) => !error.is_connect(),
        Ok(answer) => !matches!(
            answer.status(),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        ),
    }
}

#[cfg(test)]
mod tests;
