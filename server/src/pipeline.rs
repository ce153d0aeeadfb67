//! One request, from its arrival to its answer, in a straight line: request id → limits on size, time and load → gate
//! → scope → input → operation → envelope. Nothing goes back up.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, Response,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
        request::Parts,
    },
};
use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use crate::{
    api::{Action, Call},
    app::{App, Endpoint, Route},
    connection::{Began, Peer},
    domain::forwarded::Origin,
    gate::{Caller, RateState},
    pages::Page,
    reply::Error,
};

/// What the log calls an operation that there is none of.
const UNKNOWN: &str = "unknown";

/// How long the database may take for one request: it is as good as away then, and whoever asked had better come back.
const DATABASE: Duration = Duration::from_secs(5);

/// How long a client that was refused may go on sending.
const LINGER: Duration = Duration::from_secs(5);

/// Answers an operation of the document.
pub(crate) async fn operation(
    app: Arc<App>,
    route: &Route,
    parts: Parts,
    parameters: Option<Vec<(String, String)>>,
    body: Body,
) -> Response<Body> {
    let endpoint = route.endpoint(parts.method.as_str());
    if let Some(Endpoint {
        operation,
        action: Action::Guide,
    }) = endpoint
    {
        let exchange = Exchange::begin(&app, &operation.id, None);
        return exchange.end(public(&app, &operation.id, &parts).map(|()| app.pages().guide()));
    }
    let name = endpoint.map_or(UNKNOWN, |endpoint| endpoint.operation.id.as_str());
    let mut exchange = Exchange::begin(&app, name, Some(origin(&app, &parts)));
    let result = match receive(&app, &parts, body).await {
        Ok(body) => {
            let answer = answer(&app, route, &parts, parameters, body, &mut exchange.seen);
            in_turn(&app, exchange.deadline, answer).await
        }
        Err(error) => Err(error),
    };
    exchange.end(result)
}

/// Answers a page beside the operations.
pub(crate) async fn page(app: Arc<App>, page: Page, request: Request) -> Response<Body> {
    let exchange = Exchange::begin(&app, page.name(), None);
    let result = if matches!(*request.method(), Method::GET | Method::HEAD) {
        timeout_at(exchange.deadline, app.pages().answer(page, &app))
            .await
            .unwrap_or(Err(Error::TimedOut))
    } else {
        Err(Error::MethodNotAllowed("GET, HEAD".into()))
    };
    exchange.end(result)
}

/// Answers what is nowhere. Below the base path a key comes first, so that nobody without one can look around.
pub(crate) async fn unknown_route(
    app: Arc<App>,
    below_base: bool,
    request: Request,
) -> Response<Body> {
    let nowhere = Err(Error::NotFound("There is nothing at this path"));
    if !below_base {
        return Exchange::begin(&app, UNKNOWN, None).end(nowhere);
    }
    let (parts, body) = request.into_parts();
    let mut exchange = Exchange::begin(&app, UNKNOWN, Some(origin(&app, &parts)));
    let result = match receive(&app, &parts, body).await {
        Ok(_) => {
            let admitted = admit(&app, &parts, &mut exchange.seen);
            in_turn(&app, exchange.deadline, admitted)
                .await
                .and(nowhere)
        }
        Err(error) => Err(error),
    };
    exchange.end(result)
}

/// What is carried out only with so many others at once.
async fn in_turn<T>(
    app: &App,
    deadline: Instant,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let _turn = app.load().turn().await?;
    within(deadline, answer).await
}

/// What needs the database, as long as that is worth waiting for.
async fn within<T>(
    deadline: Instant,
    answer: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let patience = Instant::now() + DATABASE;
    match timeout_at(deadline.min(patience), answer).await {
        Ok(result) => result,
        Err(_) if deadline <= patience => Err(Error::TimedOut),
        Err(_) => Err(Error::Unavailable(anyhow::anyhow!(
            "the database did not answer within {} seconds",
            DATABASE.as_secs()
        ))),
    }
}

/// Gate, scope, input, operation.
async fn answer(
    app: &Arc<App>,
    route: &Route,
    parts: &Parts,
    parameters: Option<Vec<(String, String)>>,
    body: Bytes,
    seen: &mut Seen,
) -> Result<Response<Body>, Error> {
    let caller = admit(app, parts, seen).await?;
    let Some(Endpoint {
        operation,
        action: Action::Handler(handler),
    }) = route.endpoint(parts.method.as_str())
    else {
        return Err(Error::MethodNotAllowed(route.methods()));
    };
    if let Some(scope) = operation.scope() {
        caller.check_scope(scope)?;
    }
    if operation.body.is_some() && !is_json(&parts.headers) {
        return Err(Error::UnsupportedMediaType);
    }
    let path: Map<String, Value> = parameters
        .ok_or(Error::Malformed("The path is not valid UTF-8"))?
        .into_iter()
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    let input = app.rules().read(
        &operation.id,
        path,
        parts.uri.query(),
        &parts.headers,
        &body,
    )?;
    let call = Call {
        app: Arc::clone(app),
        operation: Arc::clone(operation),
        caller,
        input,
        now: app.clock().now(),
    };
    Ok(handler(call).await?.into_response())
}

async fn admit(app: &App, parts: &Parts, seen: &mut Seen) -> Result<Caller, Error> {
    let caller = app
        .gate()
        .admit(
            app.store(),
            app.spec(),
            &parts.headers,
            origin(app, parts),
            &mut seen.rate,
        )
        .await?;
    seen.workspace = Some(caller.workspace.id.clone());
    Ok(caller)
}

/// A public operation takes its query parameters as strictly as the others.
fn public(app: &App, operation: &str, parts: &Parts) -> Result<(), Error> {
    app.rules()
        .read(
            operation,
            Map::new(),
            parts.uri.query(),
            &parts.headers,
            &[],
        )?
        .check()
}

/// Reads the whole body, up to its limits; who sends more, or too slowly, is told before the key is looked at. A slow
/// body takes nobody's turn.
async fn receive(app: &App, parts: &Parts, mut body: Body) -> Result<Bytes, Error> {
    if let Err(overloaded) = app.load().check() {
        discard(body);
        return Err(overloaded);
    }
    let limits = app.limits();
    let limit = app.arrival_limit();
    let deadline = began(parts) + limit;
    let announced = parts
        .headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limits.body_bytes) {
        discard(body);
        return Err(Error::TooLarge(limits.body_bytes));
    }
    let whole = Limited::new(&mut body, limits.body_bytes).collect();
    match timeout_at(deadline, whole).await {
        Err(_) => Err(Error::RequestTimeout(limit)),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            discard(body);
            Err(Error::TooLarge(limits.body_bytes))
        }
        Ok(Err(_)) => Err(Error::Malformed("The body broke off")),
    }
}

/// A connection that is closed while bytes are on their way is reset, and the client may never see its answer (RFC
/// 9112, 9.6): they are read and thrown away for a while, beside the answer.
fn discard(mut body: Body) {
    tokio::spawn(timeout(LINGER, async move {
        while let Some(Ok(_)) = body.frame().await {}
    }));
}

/// The state of the limit that a gated answer carries goes into its headers.
fn set_rate_headers(headers: &mut HeaderMap, rate: RateState) {
    headers.insert(
        HeaderName::from_static("x-ratelimit-limit"),
        rate.limit.into(),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-remaining"),
        rate.remaining.into(),
    );
    headers.insert(
        HeaderName::from_static("x-ratelimit-reset"),
        rate.reset.into(),
    );
}

/// Media types are case-insensitive and may have parameters (RFC 9110, 8.3.1).
fn is_json(headers: &HeaderMap) -> bool {
    let media_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    media_type
        .split(';')
        .next()
        .is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// Where a request comes from; unspecified, which no allowlist permits, when the server did not say.
fn origin(app: &App, parts: &Parts) -> Origin {
    let peer = parts
        .extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    app.gate().origin(peer, &parts.headers)
}

/// When the request began to arrive; now, when the server did not say.
fn began(parts: &Parts) -> Instant {
    parts
        .extensions
        .get::<Began>()
        .map_or_else(Instant::now, |began| began.0)
}

/// From the request id to the log line.
struct Exchange<'a> {
    app: &'a App,
    operation: &'a str,
    /// Where it comes from, when the gate stands before what is asked for.
    gated: Option<Origin>,
    request_id: Uuid,
    began: Instant,
    deadline: Instant,
    seen: Seen,
}

/// What became known of a request while it was answered.
#[derive(Default)]
struct Seen {
    workspace: Option<String>,
    rate: Option<RateState>,
}

impl<'a> Exchange<'a> {
    fn begin(app: &'a App, operation: &'a str, gated: Option<Origin>) -> Self {
        let began = Instant::now();
        Self {
            app,
            operation,
            gated,
            request_id: Uuid::new_v4(),
            began,
            deadline: began + app.time_limit(),
            seen: Seen::default(),
        }
    }

    fn end(self, result: Result<Response<Body>, Error>) -> Response<Body> {
        let request_id = self.request_id.to_string();
        let mut response = result.unwrap_or_else(|error| {
            if let Some(cause) = error.cause() {
                tracing::error!(
                    request_id,
                    operation = self.operation,
                    cause = format!("{cause:#}"),
                    "failed"
                );
            }
            error.into_response()
        });
        if let Some(origin) = self.gated {
            let rate = self
                .seen
                .rate
                .unwrap_or_else(|| self.app.gate().throttle(origin));
            set_rate_headers(response.headers_mut(), rate);
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-request-id"), value);
        }
        tracing::info!(
            request_id,
            workspace = self.seen.workspace,
            operation = self.operation,
            status = response.status().as_u16(),
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
}
