//! A server for one test.

use ipnet::IpNet;
use jiff::Timestamp;
use konektor_sdk::Client;
use konektor_server::{
    clock::Clock,
    domain::{
        api_key::ApiKey,
        id,
        workspace::{NameIndex, Workspace},
    },
    randomness::Randomness,
    server,
    settings::Settings,
    store::{Store, api_keys::StoredKey},
};
use konektor_spec::Spec;
use reqwest::{Method, Url};
use serde_json::Value;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

use crate::{Answer, Database, Engine};

/// A running server with a workspace and an API key with all scopes.
pub struct Server {
    /// The engine of its database.
    pub engine: Engine,
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// The API key of requests that do not state another.
    pub key: String,
    /// The workspace of that key.
    pub workspace: Workspace,
    /// The server's clock. Only the test moves it.
    pub clock: Clock,
    /// The store on its database.
    pub store: Store,
    /// The database.
    pub database: Database,
    spec: Spec,
    trusted_proxies: Vec<IpNet>,
    http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    running: Option<JoinHandle<()>>,
}

/// What tests can change about a server.
pub struct Options {
    /// The API document.
    pub spec: Spec,
    /// The plan of the first workspace.
    pub plan: String,
    /// Its requests per minute, or `None` for those of the plan.
    pub requests_per_minute: Option<u32>,
    /// Its new leads per day, or `None` for no limit.
    pub leads_per_day: Option<i64>,
    /// Its time zone.
    pub timezone: String,
    /// The proxies whose forwarding headers the server trusts.
    pub trusted_proxies: Vec<IpNet>,
    /// The time of its clock.
    pub now: Timestamp,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            spec: Spec::builtin().clone(),
            plan: "custom".into(),
            requests_per_minute: Some(1_000_000),
            leads_per_day: None,
            timezone: "Asia/Jakarta".into(),
            trusted_proxies: Vec::new(),
            // A Wednesday, 17:30 in Jakarta.
            now: Timestamp::constant(1_736_937_000, 0),
        }
    }
}

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a server that does not start or answer fails the test"
)]
impl Server {
    /// Starts a server with default options.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, Options::default()).await
    }

    /// Starts a server.
    pub async fn start_with(engine: Engine, options: Options) -> Self {
        let database = Database::new(engine).await;
        let clock = Clock::manual(options.now);
        let workspace = new_workspace(&options, clock.now());
        let mut server = Self::run(
            engine,
            database,
            options.spec,
            clock,
            workspace.clone(),
            String::new(),
            options.trusted_proxies,
        )
        .await;
        server
            .store
            .create_workspace(&workspace)
            .await
            .expect("a workspace");
        let all: Vec<_> = server
            .spec
            .scopes()
            .iter()
            .map(|scope| scope.name.clone())
            .collect();
        let all: Vec<_> = all.iter().map(String::as_str).collect();
        server.key = server.key_with(&workspace, &all, |_| ()).await;
        server
    }

    /// Starts a second server on the same database, with the same key and clock, like another process.
    pub async fn beside(&self) -> Self {
        self.beside_with(self.spec.clone()).await
    }

    /// Like [`Server::beside`], but with another document.
    pub async fn beside_with(&self, spec: Spec) -> Self {
        Self::run(
            self.engine,
            self.database.clone(),
            spec,
            self.clock.clone(),
            self.workspace.clone(),
            self.key.clone(),
            self.trusted_proxies.clone(),
        )
        .await
    }

    async fn run(
        engine: Engine,
        database: Database,
        spec: Spec,
        clock: Clock,
        workspace: Workspace,
        key: String,
        trusted_proxies: Vec<IpNet>,
    ) -> Self {
        let store = database.open().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = server::Server::new(
            Settings {
                trusted_proxies: trusted_proxies.clone(),
                ..Settings::default()
            },
            spec.clone(),
            store.clone(),
            clock.clone(),
            Randomness::system(),
            &url,
        )
        .expect("a server");
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(server.serve(listener, async {
            stopped.await.ok();
        }));
        Self {
            engine,
            url,
            key,
            workspace,
            clock,
            store,
            database,
            spec,
            trusted_proxies,
            http: reqwest_client(),
            stop: Some(stop),
            running: Some(running),
        }
    }

    /// Creates another workspace.
    pub async fn another_workspace(&self, options: &Options) -> Workspace {
        let workspace = new_workspace(options, self.clock.now());
        self.store
            .create_workspace(&workspace)
            .await
            .expect("a workspace");
        workspace
    }

    /// Creates an API key with these scopes. `change` can set other properties of the key.
    pub async fn key_with(
        &self,
        workspace: &Workspace,
        scopes: &[&str],
        change: impl FnOnce(&mut StoredKey),
    ) -> String {
        let key = ApiKey::generate(&mut rand::rng());
        let tenant = self.store.tenant(workspace).await.expect("keys that open");
        let mut stored = StoredKey {
            id: key.id().to_owned(),
            workspace_id: workspace.id.clone(),
            name: "test".into(),
            secret_hash: tenant.keys().api_key_hash(&key).to_vec(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            ip_allow: Vec::new(),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
            created_at: self.clock.now(),
        };
        change(&mut stored);
        self.store.create_api_key(&stored).await.expect("a key");
        key.text().to_string()
    }

    /// A client of the SDK with the server's key.
    #[must_use]
    pub fn sdk(&self) -> Client {
        Client::builder()
            .api_key(self.key.as_str())
            .base_url(self.url.as_str())
            .build()
            .expect("a client")
    }

    /// Sends a GET request to a path below the base path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Some(&self.key), None).await
    }

    /// Like [`Server::get`], with query parameters.
    pub async fn get_with(&self, path: &str, query: &[(&str, &str)]) -> Answer {
        let url = Url::parse_with_params("http://localhost", query).expect("a query");
        let query = url.query().unwrap_or_default();
        self.get(&format!("{path}?{query}")).await
    }

    /// Lists leads with these query parameters.
    pub async fn list(&self, query: &[(&str, &str)]) -> Answer {
        self.get_with("/leads", query).await
    }

    /// Reads the lead with this id, uniqueCode, externalRef or phone.
    pub async fn find(&self, reference: &str) -> Answer {
        self.get(&lead_path(reference)).await
    }

    /// Posts JSON.
    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(&self.key), Some(body)).await
    }

    /// Posts JSON under an `Idempotency-Key`.
    pub async fn post_under(&self, idempotency_key: &str, path: &str, body: &Value) -> Answer {
        self.send_under(idempotency_key, "POST", path, body).await
    }

    /// Patches with JSON under an `Idempotency-Key`.
    pub async fn patch_under(&self, idempotency_key: &str, path: &str, body: &Value) -> Answer {
        self.send_under(idempotency_key, "PATCH", path, body).await
    }

    /// Sends JSON under an `Idempotency-Key`.
    pub async fn send_under(
        &self,
        idempotency_key: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Answer {
        let request = self.request(method, path).bearer_auth(&self.key);
        let request = request.header("Idempotency-Key", idempotency_key);
        self.documented(method, path, request.json(body)).await
    }

    /// Patches with JSON.
    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(&self.key), Some(body)).await
    }

    /// Creates a lead and returns it.
    pub async fn lead(&self, body: Value) -> Value {
        let answer = self.post("/leads", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.data().clone()
    }

    /// Sends a request to an operation and compares the answer with the document.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.request(method, path);
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.documented(method, path, request).await
    }

    /// Sends a request that the test has built, and compares the answer with the document.
    pub async fn documented(
        &self,
        method: &str,
        path: &str,
        request: reqwest::RequestBuilder,
    ) -> Answer {
        let answer = self.finish(request).await;
        let plain = path.split('?').next().unwrap_or_default();
        if let Some(operation) = operation_at(&self.spec, method, plain) {
            answer.must_be_documented(&self.spec, operation);
        }
        answer
    }

    /// Builds a request without a key to a path below the base path.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method: Method = method.parse().expect("a method");
        self.http.request(
            method,
            format!("{}{}{path}", self.url, self.spec.base_path()),
        )
    }

    /// Sends a GET request without a key to a path of the server.
    pub async fn page(&self, path: &str) -> Answer {
        self.finish(self.http.get(format!("{}{path}", self.url)))
            .await
    }

    /// Sends a request and returns the answer.
    pub async fn finish(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::read(request.send().await.expect("an answer")).await
    }

    /// Stops the server and waits until it has ended.
    pub async fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(running) = self.running.take() {
            running.await.expect("no panic");
        }
    }
}

/// The path, below the base path, of the lead with this id, uniqueCode, externalRef or phone.
///
/// # Panics
/// Never: the base it starts from is a URL.
#[must_use]
#[expect(clippy::expect_used, reason = "the base is a URL")]
pub fn lead_path(reference: &str) -> String {
    let mut url = Url::parse("http://localhost/leads").expect("a URL");
    url.path_segments_mut().expect("a base").push(reference);
    url.path().to_owned()
}

fn new_workspace(options: &Options, now: Timestamp) -> Workspace {
    Workspace {
        id: id::workspace(now, &mut rand::rng()),
        name: "Toko Uji".into(),
        plan: options.plan.clone(),
        requests_per_minute: options.requests_per_minute,
        leads_per_day: options.leads_per_day,
        timezone: options.timezone.clone(),
        currency: "IDR".into(),
        language: "id".into(),
        date_format: "DD/MM/YYYY".into(),
        tracking_code: id::tracking_code(&mut rand::rng()),
        name_index: NameIndex::On,
        created_at: now,
    }
}

#[expect(
    clippy::expect_used,
    reason = "a client that cannot be made fails the test"
)]
fn reqwest_client() -> reqwest::Client {
    // reqwest is built without a TLS provider. A second call changes nothing.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("a client")
}

/// The operation that handles a request. HEAD is handled as GET.
fn operation_at<'a>(
    spec: &'a Spec,
    method: &str,
    path: &str,
) -> Option<&'a konektor_spec::Operation> {
    let method = if method == "HEAD" { "GET" } else { method };
    spec.operation_at(method, path)
}
