//! One request, from its arrival to its answer, in a straight line: request id → the key's form → limits on size and
//! time → gate → scope → input → operation → envelope. Nothing goes back up.

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
use http_body_util::BodyExt;
use hyper::body::Body as _;
use serde_json::{Map, Value};
use tokio::{
    sync::SemaphorePermit,
    time::{Instant, timeout, timeout_at},
};
use uuid::Uuid;

use super::{
    body_budget::BufferedBody,
    context::HttpContext,
    documents::Document,
    peer::{Peer, ReceivedAt},
    router::{Endpoint, Route},
};
use crate::{
    api::{Action, call::Call},
    domain::forwarded::Origin,
    error::Error,
    gate::{Caller, RateState},
    panics::{self, Panicked},
    store::WriteProgress,
    validation::NO_BODY,
};

/// What the log calls an operation that there is none of.
const UNKNOWN_OPERATION: &str = "unknown";

/// How long the database may take for one request: it is as good as away then, and whoever asked had better come back.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest body of a public operation that is read to find out that it says nothing.
const MAX_PUBLIC_BODY_BYTES: usize = 256;

/// How long a client that was refused may go on sending.
const DISCARD_TIMEOUT: Duration = Duration::from_secs(5);

/// Answers an operation of the document.
pub(crate) async fn operation(
    context: Arc<HttpContext>,
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
        let exchange = Exchange::begin(&context, &operation.id, None);
        let result = panics::catch(async {
            public(&context, &operation.id, &parts, body).await?;
            Ok(context.documents.guide())
        });
        return exchange.end(result.await, &Seen::default());
    }
    let name = endpoint.map_or(UNKNOWN_OPERATION, |endpoint| endpoint.operation.id.as_str());
    let exchange = Exchange::begin(&context, name, Some(origin(&context, &parts)));
    let mut seen = Seen::default();
    let result = panics::catch(async {
        let admitted = admit(&context, &parts, body, exchange.deadline, &mut seen).await?;
        let progress = admitted.caller.tenant.progress().clone();
        let answer = answer(
            &context,
            route,
            &parts,
            parameters,
            &admitted.body,
            admitted.caller,
        );
        within(admitted.until, Some(&progress), answer).await
    });
    let result = result.await;
    exchange.end(result, &seen)
}

/// Answers a page beside the operations.
pub(crate) async fn document(
    context: Arc<HttpContext>,
    document: Document,
    request: Request,
) -> Response<Body> {
    let exchange = Exchange::begin(&context, document.name(), None);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let result = panics::catch(async {
        if reads {
            within(
                exchange.deadline,
                None,
                context.documents.answer(document, &context.state),
            )
            .await
        } else {
            Err(Error::MethodNotAllowed("GET, HEAD".into()))
        }
    });
    let result = result.await;
    exchange.end(result, &Seen::default())
}

/// Answers what is nowhere. Below the base path a key comes first, so that nobody without one can look around.
pub(crate) async fn unknown_route(
    context: Arc<HttpContext>,
    below_base: bool,
    request: Request,
) -> Response<Body> {
    let nowhere = Err(Error::NotFound("There is nothing at this path"));
    if !below_base {
        return Exchange::begin(&context, UNKNOWN_OPERATION, None)
            .end(Ok(nowhere), &Seen::default());
    }
    let (parts, body) = request.into_parts();
    let exchange = Exchange::begin(&context, UNKNOWN_OPERATION, Some(origin(&context, &parts)));
    let mut seen = Seen::default();
    let result = panics::catch(async {
        admit(&context, &parts, body, exchange.deadline, &mut seen).await?;
        nowhere
    });
    let result = result.await;
    exchange.end(result, &seen)
}

/// A request that may be carried out, and its turn.
struct Admitted<'a> {
    caller: Caller,
    body: BufferedBody<'a>,
    /// How long its work is waited for.
    until: Instant,
    _turn: SemaphorePermit<'a>,
}

/// From the key to the turn. Nothing is read for whoever has no well-formed key. A key that was good a moment ago takes
/// a turn at once; any other one is looked up first, and takes a turn when it is good.
async fn admit<'a>(
    context: &'a HttpContext,
    parts: &Parts,
    body: Body,
    deadline: Instant,
    seen: &mut Seen,
) -> Result<Admitted<'a>, Error> {
    let (gate, load, origin) = (
        context.state.gate(),
        context.state.concurrency(),
        origin(context, parts),
    );
    if announced(parts).is_some_and(|length| length > context.state.limits().body_bytes) {
        discard(body);
        return Err(Error::TooLarge(context.state.limits().body_bytes));
    }
    let key = match gate.presented_key(&parts.headers, origin) {
        Ok(key) => key,
        Err(refused) => {
            discard(body);
            return Err(refused);
        }
    };
    if let Err(overloaded) = load.check() {
        discard(body);
        return Err(overloaded);
    }
    let body = receive(context, parts, body, context.state.limits().body_bytes).await?;
    let recognised = gate.recognises(&key);
    let permit = if recognised {
        load.acquire().await?
    } else {
        load.acquire_look_up(gate.is_suspect(origin)).await?
    };
    let until = deadline.min(Instant::now() + DATABASE_TIMEOUT);
    let authenticated = within(
        until,
        None,
        gate.authenticate(context.state.store(), &key, origin),
    )
    .await?;
    seen.workspace = Some(authenticated.workspace_id().to_owned());
    seen.scopes = Some(authenticated.scopes());
    let caller = gate.admit(context.state.spec(), authenticated, origin, &mut seen.rate)?;
    let turn = if recognised {
        permit
    } else {
        drop(permit);
        load.acquire().await?
    };
    Ok(Admitted {
        caller,
        body,
        until,
        _turn: turn,
    })
}

/// What needs the database, as long as that is worth waiting for. `progress` is how far the write has come, if there
/// is one: when it may have happened, that is told.
async fn within<T>(
    until: Instant,
    progress: Option<&WriteProgress>,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    if let Ok(result) = timeout_at(until, work).await {
        return result;
    }
    let cause = anyhow::anyhow!("the database did not answer in time");
    if progress.is_none_or(WriteProgress::give_up) {
        Err(Error::Unavailable(cause))
    } else {
        Err(Error::OutcomeUnknown(cause))
    }
}

/// Scope, input, operation.
async fn answer(
    context: &Arc<HttpContext>,
    route: &Route,
    parts: &Parts,
    parameters: Option<Vec<(String, String)>>,
    body: &[u8],
    caller: Caller,
) -> Result<Response<Body>, Error> {
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
    let query = parts.uri.query();
    let input = context
        .state
        .rules()
        .read(&operation.id, path, query, &parts.headers, body)?;
    let call = Call {
        state: Arc::clone(&context.state),
        operation: Arc::clone(operation),
        caller,
        input,
        now: context.state.clock().now(),
    };
    Ok(handler(call).await?.into_response())
}

/// A public operation takes its query parameters, and no body, as strictly as the others.
async fn public(
    context: &HttpContext,
    operation: &str,
    parts: &Parts,
    body: Body,
) -> Result<(), Error> {
    let body = match receive(context, parts, body, MAX_PUBLIC_BODY_BYTES).await {
        Err(Error::TooLarge(_)) => return Err(Error::field("body", NO_BODY)),
        body => body?,
    };
    let query = parts.uri.query();
    let input = context
        .state
        .rules()
        .read(operation, Map::new(), query, &parts.headers, &body)?;
    input.check()
}

/// Reads the whole body, up to its limits. A slow one takes nobody's turn.
async fn receive<'a>(
    context: &'a HttpContext,
    parts: &Parts,
    mut body: Body,
    most: usize,
) -> Result<BufferedBody<'a>, Error> {
    if body.is_end_stream() {
        return Ok(context.bodies.none());
    }
    let (mut received, given_up) = context.bodies.begin();
    let most_to_come = announced(parts).unwrap_or(most).min(most);
    let all = async {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Error::Malformed("The body broke off"))?;
            // Trailers are no part of it.
            if let Ok(bytes) = frame.into_data() {
                if received.len() + bytes.len() > most {
                    return Err(Error::TooLarge(most));
                }
                received.push(&bytes, most_to_come).await;
            }
        }
        Ok(())
    };
    let limit = context.arrival_timeout();
    let result = tokio::select! {
        result = timeout_at(began(parts) + limit, all) => {
            result.unwrap_or(Err(Error::RequestTimeout(limit)))
        }
        () = given_up.notified() => Err(Error::Overloaded),
    };
    match result {
        Ok(()) => {
            received.complete();
            Ok(received)
        }
        Err(error) => {
            if let Error::TooLarge(_) | Error::Overloaded = error {
                discard(body);
            }
            Err(error)
        }
    }
}

/// How long the body is, by what its sender says.
fn announced(parts: &Parts) -> Option<usize> {
    let length = parts.headers.get(CONTENT_LENGTH)?;
    length.to_str().ok()?.parse().ok()
}

/// A connection that is closed while bytes are on their way is reset, and the client may never see its answer (RFC
/// 9112, 9.6): they are read and thrown away for a while, beside the answer.
fn discard(mut body: Body) {
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(timeout(DISCARD_TIMEOUT, async move {
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
fn origin(context: &HttpContext, parts: &Parts) -> Origin {
    let peer = parts
        .extensions
        .get::<Peer>()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    context.state.gate().origin(peer, &parts.headers)
}

/// When the request began to arrive; now, when the server did not say.
fn began(parts: &Parts) -> Instant {
    parts
        .extensions
        .get::<ReceivedAt>()
        .map_or_else(Instant::now, |began| began.0)
}

/// From the request id to the log line.
struct Exchange<'a> {
    context: &'a HttpContext,
    operation: &'a str,
    /// Where it comes from, when the gate stands before what is asked for.
    gated: Option<Origin>,
    request_id: Uuid,
    began: Instant,
    deadline: Instant,
}

/// What became known of a request while it was answered.
#[derive(Default)]
struct Seen {
    workspace: Option<String>,
    /// What the key may do, separated by spaces.
    scopes: Option<String>,
    rate: Option<RateState>,
}

impl<'a> Exchange<'a> {
    fn begin(context: &'a HttpContext, operation: &'a str, gated: Option<Origin>) -> Self {
        let began = Instant::now();
        Self {
            context,
            operation,
            gated,
            request_id: context.state.randomness().uuid(),
            began,
            deadline: began + context.state.request_timeout(),
        }
    }

    /// A panic is a failure like others, and the connection goes on.
    fn end(
        self,
        result: Result<Result<Response<Body>, Error>, Panicked>,
        seen: &Seen,
    ) -> Response<Body> {
        let result = result.unwrap_or_else(|panicked| Err(Error::Internal(panicked.into())));
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
            let rate = seen
                .rate
                .unwrap_or_else(|| self.context.state.gate().throttle(origin));
            set_rate_headers(response.headers_mut(), rate);
        }
        if let Some(scopes) = &seen.scopes
            && let Ok(value) = HeaderValue::from_str(scopes)
        {
            let name = HeaderName::from_static("x-konektor-scopes");
            response.headers_mut().insert(name, value);
        }
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response
                .headers_mut()
                .insert(HeaderName::from_static("x-request-id"), value);
        }
        tracing::info!(
            request_id,
            workspace = seen.workspace,
            operation = self.operation,
            status = response.status().as_u16(),
            ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            "answered"
        );
        response
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io, panic,
        sync::{Mutex, PoisonError},
    };

    use jiff::Timestamp;
    use konektor_spec::Spec;
    use serde_json::json;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::oneshot,
    };
    use tracing::subscriber::set_default;

    use super::*;
    use crate::{
        clock::Clock,
        domain::{
            api_key::ApiKey,
            id,
            workspace::{NameIndex, Workspace},
        },
        randomness::Randomness,
        server::Server,
        store::{SchemaPolicy, Store, api_keys::StoredKey},
        vault::{MasterKey, MasterKeys, Vault},
    };

    /// The document with an operation whose code panics.
    fn with_a_panic() -> Spec {
        let mut document = Spec::builtin().document().clone();
        document["paths"]["/workspace"]["get"]["description"] = json!("panics");
        Spec::from_value(document).expect("a document")
    }

    /// A key that may read the workspace.
    async fn key(store: &Store) -> String {
        let now = Timestamp::constant(1_736_937_000, 0);
        let workspace = Workspace {
            id: id::workspace(now, &mut rand::rng()),
            name: "Toko Uji".into(),
            plan: "pro".into(),
            requests_per_minute: None,
            leads_per_day: None,
            timezone: "Asia/Jakarta".into(),
            currency: "IDR".into(),
            language: "id".into(),
            date_format: "DD/MM/YYYY".into(),
            tracking_code: id::tracking_code(&mut rand::rng()),
            name_index: NameIndex::On,
            created_at: now,
        };
        store.create_workspace(&workspace).await.expect("made");
        let tenant = store.tenant(&workspace).await.expect("opened");
        let key = ApiKey::generate(&mut rand::rng());
        let stored = StoredKey {
            id: key.id().to_owned(),
            workspace_id: workspace.id,
            name: "test".into(),
            secret_hash: tenant.keys().api_key_hash(&key).to_vec(),
            scopes: vec!["agent.workspace.read".into()],
            ip_allow: Vec::new(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            created_at: now,
        };
        store.create_api_key(&stored).await.expect("made");
        key.text().to_string()
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Log {
        fn text(&self) -> String {
            let log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            String::from_utf8_lossy(&log).into_owned()
        }
    }

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut log = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            io::Write::write(&mut *log, bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The status, the request id and the body of the answer to a request on this connection.
    async fn get(connection: &mut TcpStream, path: &str, key: &str) -> (u16, String, Value) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n"
        );
        connection
            .write_all(request.as_bytes())
            .await
            .expect("sent");
        let mut bytes = vec![0; 65_536];
        let length = connection.read(&mut bytes).await.expect("an answer");
        let answer = String::from_utf8_lossy(&bytes[..length]).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("a whole answer");
        let id = head
            .lines()
            .find_map(|line| line.strip_prefix("x-request-id: "));
        (
            head.split(' ')
                .nth(1)
                .and_then(|status| status.parse().ok())
                .expect("a status"),
            id.expect("a request id").to_owned(),
            serde_json::from_str(body).expect("JSON"),
        )
    }

    #[tokio::test]
    async fn a_panic_is_500_with_a_log_line_without_its_words_and_the_connection_goes_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let store = Store::open(&url, vault, SchemaPolicy::Migrate)
            .await
            .expect("a database");
        let key = key(&store).await;
        let proxies = crate::domain::forwarded::TrustedProxies::default();
        let server = Server::new(
            with_a_panic(),
            store,
            Clock::system(),
            Randomness::system(),
            "http://localhost",
            proxies,
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel::<()>();

        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().json().flatten_event(true);
        let _logging = set_default(subscriber.with_writer(move || writer.clone()).finish());
        let hook = panic::take_hook();
        panics::log_places();

        let serving = tokio::spawn(server.expect("a server").serve(listener, async {
            stopped.await.ok();
        }));
        let mut connection = TcpStream::connect(address).await.expect("connected");
        for path in ["/api/v2/agent/workspace", "/panic"] {
            let (status, id, body) = get(&mut connection, path, &key).await;
            assert_eq!(
                (status, &body["error"]["code"]),
                (500, &json!("INTERNAL_ERROR"))
            );
            assert_eq!(body["error"]["message"], "Something went wrong on our side");
            let lines = log.text();
            let lines: Vec<_> = lines.lines().filter(|line| line.contains(&id)).collect();
            let failed = lines
                .iter()
                .find(|line| line.contains("\"failed\""))
                .expect("a cause");
            assert!(
                failed.contains("panicked at ") && failed.contains(".rs:"),
                "{failed}"
            );
            assert!(
                lines
                    .iter()
                    .any(|line| line.contains("\"answered\"") && line.contains("500"))
            );
        }
        assert_eq!(get(&mut connection, "/healthz", &key).await.0, 200);
        panic::set_hook(hook);
        assert!(!log.text().contains("budi@example.com"), "{}", log.text());
        drop(stop);
        serving.await.expect("no panic");
    }
}
