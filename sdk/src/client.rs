use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use progenitor_client::ResponseValue;
use reqwest::{header::HeaderValue, redirect};
use serde_json::{Map, Value};
use url::{Host, Position, Url};

use crate::{
    Error, Request, Response, Retries, Wait,
    analytics::Analytics,
    call::{Call, CallOptions, Idempotency, Outcome},
    conversions::Conversions,
    environment::{Environment, Real},
    generated::client::Client as Generated,
    leads::Leads,
    limiter::Limiter,
    proxy::Proxy,
    skill::Skill,
    support::Support,
    tls,
    workspace::WorkspaceInfo,
};

/// The way to a workspace.
///
/// It is cheap to clone, and all clones share one pool of connections and the workspace's rate limit:
/// make one for each key, and clone it.
///
/// ```no_run
/// # async fn example() -> Result<(), konektor_sdk::Error> {
/// let konektor = konektor_sdk::Client::from_env()?;
/// let workspace = konektor.workspace().show().send().await?;
/// println!("{}", workspace.display_name);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client(Arc<Shared>);

/// What all clones of a client share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) http: reqwest::Client,
    /// The same without a pool: each request has a new connection.
    pub(crate) unpooled_http: reqwest::Client,
    pub(crate) limiter: Limiter,
    /// What has no limit goes by this one.
    pub(crate) unlimited: Limiter,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) key: Option<ApiKey>,
    pub(crate) retries: Retries,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) on_wait: Option<Listener>,
    pub(crate) base_url: String,
    /// The base URL's host, with the port if it is an unusual one.
    pub(crate) host: String,
}

/// Somebody who is told of waits.
#[derive(Clone)]
pub(crate) struct Listener(Arc<dyn Fn(Wait) + Send + Sync>);

impl Listener {
    pub(crate) fn tell(&self, wait: Wait) {
        (self.0)(wait);
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// A key. What shows it shows nothing of it.
#[derive(Clone)]
pub(crate) struct ApiKey {
    header: HeaderValue,
    /// The key in each way that a server may write it.
    spellings: Vec<String>,
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

impl ApiKey {
    pub(crate) fn new(key: &str) -> Result<Self, Error> {
        let key = key.trim();
        if key.is_empty() {
            return Err(Error::config("the API key is empty"));
        }
        let mut header = HeaderValue::from_str(&format!("Bearer {key}"))
            .map_err(|_| Error::config("the API key has characters that no key has"))?;
        header.set_sensitive(true);
        let as_json = Value::from(key).to_string();
        let spellings = vec![
            key.to_owned(),
            as_json.trim_matches('"').to_owned(),
            utf8_percent_encode(key, NON_ALPHANUMERIC).to_string(),
            crate::wire::path_segment(key),
        ];
        Ok(Self { header, spellings })
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.header.clone()
    }

    /// Text with "…" where the key was.
    pub(crate) fn redact(&self, text: String) -> String {
        // One of a few letters is no key, and would be found in every word.
        const SHORTEST: usize = 8;

        let mut text = text;
        for spelling in &self.spellings {
            if spelling.len() >= SHORTEST && text.contains(spelling.as_str()) {
                text = text.replace(spelling.as_str(), "…");
            }
        }
        text
    }
}

impl Client {
    /// A client with settings of your own.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let konektor = konektor_sdk::Client::builder()
    ///     .api_key("kna_3fJx_secret")
    ///     .timeout(Duration::from_secs(10))
    ///     .build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A client with the key in `KONEKTOR_API_KEY` and, if it is set, the base URL in
    /// `KONEKTOR_BASE_URL`.
    ///
    /// # Errors
    ///
    /// When there is no key, or the base URL is not one.
    ///
    /// ```no_run
    /// let konektor = konektor_sdk::Client::from_env()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        let builder = ClientBuilder::from_env()?;
        if builder.api_key.is_none() {
            return Err(Error::config(
                "set KONEKTOR_API_KEY to an API key of the workspace",
            ));
        }
        builder.build()
    }

    /// Leads: list, read, create, update, upsert.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = client.leads().get("CRM-1024").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn leads(&self) -> Leads {
        Leads::new(self.clone())
    }

    /// Totals of a period.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let summary = client.analytics().summary().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn analytics(&self) -> Analytics {
        Analytics::new(self.clone())
    }

    /// How conversions reach the ad platforms.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let status = client.conversions().status().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn conversions(&self) -> Conversions {
        Conversions::new(self.clone())
    }

    /// The workspace that the key belongs to.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let workspace = client.workspace().show().send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn workspace(&self) -> WorkspaceInfo {
        WorkspaceInfo::new(self.clone())
    }

    /// Konektor's support.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// client.support().create_ticket("A question", "How do I …?").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn support(&self) -> Support {
        Support::new(self.clone())
    }

    /// The guide for agents, which needs no key.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// println!("{}", client.skill().show().send().await?);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn skill(&self) -> Skill {
        Skill::new(self.clone())
    }

    /// A request that this library has no method for: any method, any path below the base path. A
    /// path that would lead out of it is an error.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let answer = client.request("GET", "/workspace").send().await?;
    /// println!("{}", String::from_utf8_lossy(&answer.body));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: impl Into<String>, path: impl Into<String>) -> Request {
        Request::new(self.clone(), method.into(), path.into())
    }

    /// The proxy on the way to the server and the environment variable that names it, without the
    /// user name and password: `proxy.example:3128 (HTTPS_PROXY)`. `None` when requests go to the
    /// server directly.
    ///
    /// [`ClientBuilder::build`] says which variables count. This sends nothing, and does not say
    /// whether the proxy can be reached.
    ///
    /// ```
    /// let konektor = konektor_sdk::Client::builder().api_key("kna_3fJx_secret").build()?;
    /// match konektor.proxy() {
    ///     Some(proxy) => println!("through {proxy}"),
    ///     None => println!("directly"),
    /// }
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn proxy(&self) -> Option<String> {
        self.0.proxy.as_ref().map(Proxy::describe)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0
    }

    /// Makes one call that needs a key; `open` takes the data out of the envelope.
    pub(crate) async fn call<E, T>(
        &self,
        options: CallOptions,
        idempotency: Idempotency,
        send: impl AsyncFnOnce(&Generated) -> Outcome<E>,
        open: impl FnOnce(E) -> (T, Map<String, Value>),
    ) -> Result<Response<T>, Error> {
        if self.0.key.is_none() {
            return Err(Error::no_key());
        }
        let (envelope, call) = self.send(options, idempotency, send).await?;
        let (value, extra) = open(envelope.into_inner());
        Ok(Response::new(value, call.meta(), extra))
    }

    /// Makes one call, whether there is a key or not.
    pub(crate) async fn send<E>(
        &self,
        options: CallOptions,
        idempotency: Idempotency,
        send: impl AsyncFnOnce(&Generated) -> Outcome<E>,
    ) -> Result<(ResponseValue<E>, Call), Error> {
        let call = Call::new(Arc::clone(&self.0), options, idempotency);
        let generated =
            Generated::new_with_client(&self.0.base_url, self.0.http.clone(), call.clone());
        // Callers keep the future in theirs, which should not grow by all that sending takes.
        match call.within_deadline(Box::pin(send(&generated))).await {
            Some(Ok(answer)) => Ok((answer, call)),
            Some(Err(error)) => Err(Error::from_call(error, &call).await),
            None => Err(Error::deadline_exceeded(&call)),
        }
    }
}

/// The settings of a [`Client`].
#[derive(Clone)]
#[must_use = "nothing happens before `build`"]
pub struct ClientBuilder {
    api_key: Option<String>,
    base_url: String,
    timeout: Duration,
    connect_timeout: Duration,
    retries: Retries,
    user_agent: String,
    allow_insecure_http: bool,
    environment: Arc<dyn Environment>,
    on_wait: Option<Listener>,
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            api_key: None,
            base_url: DEFAULT_BASE_URL.to_owned(),
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            retries: Retries::default(),
            user_agent: concat!("konektor-sdk/", env!("CARGO_PKG_VERSION")).to_owned(),
            allow_insecure_http: false,
            environment: Arc::new(Real),
            on_wait: None,
        }
    }
}

const DEFAULT_BASE_URL: &str = "https://konektor.id";

/// Where the API begins below the base URL.
pub(crate) const BASE_PATH: &str = "/api/v2/agent";

impl ClientBuilder {
    /// Settings from the environment: `KONEKTOR_API_KEY` and `KONEKTOR_BASE_URL`, where they are
    /// set and not empty.
    ///
    /// # Errors
    ///
    /// When one of them is not Unicode.
    ///
    /// ```no_run
    /// use konektor_sdk::{ClientBuilder, Retries};
    ///
    /// let konektor = ClientBuilder::from_env()?.retries(Retries::none()).build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn from_env() -> Result<Self, Error> {
        let mut builder = Self {
            api_key: variable("KONEKTOR_API_KEY")?,
            ..Self::default()
        };
        if let Some(base_url) = variable("KONEKTOR_BASE_URL")? {
            builder.base_url = base_url;
        }
        Ok(builder)
    }

    /// The API key. Without one only [`Client::skill`] can be used.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder().api_key("kna_3fJx_secret");
    /// ```
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// Where the server is; by default `https://konektor.id`. `/api/v2/agent` is added when the URL
    /// does not end with it.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder().base_url("http://127.0.0.1:8080");
    /// ```
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.base_url = url.into();
        self
    }

    /// How long one try may take, from connecting to the last byte; by default 30 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = konektor_sdk::Client::builder().timeout(Duration::from_secs(5));
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long connecting may take, as a part of a try; by default 10 seconds.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let builder = konektor_sdk::Client::builder().connect_timeout(Duration::from_secs(2));
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How often a request is tried.
    ///
    /// ```
    /// use konektor_sdk::{Client, Retries};
    ///
    /// let builder = Client::builder().retries(Retries::default().max_attempts(5));
    /// ```
    pub fn retries(mut self, retries: Retries) -> Self {
        self.retries = retries;
        self
    }

    /// Who is told before a request waits, for its turn or to be sent again, and for how long. This is
    /// for people who look on; it should not take long.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder()
    ///     .on_wait(|wait| eprintln!("waiting {} s", wait.time.as_secs()));
    /// ```
    pub fn on_wait(mut self, told: impl Fn(Wait) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Listener(Arc::new(told)));
        self
    }

    /// What the program calls itself; by default `konektor-sdk/` and the version.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder().user_agent("toko-budi/1.0");
    /// ```
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Lets the key travel unencrypted to another machine: `http://` to anything but this machine
    /// is refused otherwise.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder()
    ///     .base_url("http://konektor.internal:8080")
    ///     .allow_insecure_http(true);
    /// ```
    pub fn allow_insecure_http(mut self, allow: bool) -> Self {
        self.allow_insecure_http = allow;
        self
    }

    #[cfg(test)]
    pub(crate) fn environment(mut self, environment: Arc<dyn Environment>) -> Self {
        self.environment = environment;
        self
    }

    /// The client.
    ///
    /// # Errors
    ///
    /// When the key cannot be one, the base URL is none or would carry the key unencrypted, this
    /// machine has no certificates to trust, or an environment variable names a proxy that cannot be
    /// used: for an `https://` base URL the first one that is set of `HTTPS_PROXY`, `https_proxy`,
    /// `ALL_PROXY` and `all_proxy` counts, unless `NO_PROXY` or `no_proxy` names the host. It is an
    /// `http://` or `https://` URL, with a user name and password if need be; SOCKS is not supported.
    /// `http://` base URLs never use a proxy, which would see the key.
    ///
    /// ```
    /// let konektor = konektor_sdk::Client::builder().api_key("kna_3fJx_secret").build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn build(self) -> Result<Client, Error> {
        let key = self.api_key.as_deref().map(ApiKey::new).transpose()?;
        let base_url = base_url(&self.base_url, self.allow_insecure_http)?;
        let encrypted = base_url.scheme() == "https";

        let proxy = if encrypted {
            Proxy::for_server(&base_url, |name| std::env::var_os(name))?
        } else {
            // A proxy would see the key.
            None
        };

        let tls = tls::config(encrypted)?;
        let http = || {
            let http = reqwest::Client::builder()
                .tls_backend_preconfigured(tls.clone())
                .redirect(redirect::Policy::none())
                .timeout(self.timeout)
                .connect_timeout(self.connect_timeout)
                .pool_idle_timeout(IDLE_CONNECTIONS)
                .user_agent(&self.user_agent)
                .no_proxy();
            Ok(match &proxy {
                Some(proxy) => http.proxy(proxy.to_reqwest()?),
                None => http,
            })
        };
        let built = |http: reqwest::ClientBuilder| {
            http.build()
                .map_err(|_| Error::config("the user agent cannot be sent"))
        };
        let unpooled_http = built(http()?.pool_max_idle_per_host(0))?;
        let http = built(http()?)?;
        let host = base_url[Position::BeforeHost..Position::AfterPort].to_owned();
        let base_url = base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Client(Arc::new(Shared {
            http,
            unpooled_http,
            limiter: Limiter::default(),
            unlimited: Limiter::default(),
            proxy,
            key,
            retries: self.retries,
            environment: self.environment,
            on_wait: self.on_wait,
            base_url,
            host,
        })))
    }
}

/// How long a connection may be idle in the pool: less than what servers and load balancers keep them,
/// which is usually a minute.
const IDLE_CONNECTIONS: Duration = Duration::from_secs(50);

/// Without the key.
impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("api_key", &self.api_key.as_ref().map(|_| format_args!("…")))
            .field("timeout", &self.timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("retries", &self.retries)
            .field("user_agent", &self.user_agent)
            .field("allow_insecure_http", &self.allow_insecure_http)
            .finish_non_exhaustive()
    }
}

fn variable(name: &str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) if value.trim().is_empty() => Ok(None),
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(Error::config(format!("{name} is not Unicode text")))
        }
    }
}

/// Whether a client can be built for a base URL, unless it allows insecure HTTP.
///
/// ```
/// assert!(konektor_sdk::check_base_url("https://konektor.id").is_ok());
/// assert!(konektor_sdk::check_base_url("https://name:password@konektor.id").is_err());
/// ```
///
/// # Errors
/// Why it cannot, without a word of the URL, which may hold a secret.
pub fn check_base_url(url: &str) -> Result<(), Error> {
    base_url(url, false).map(|_| ())
}

fn base_url(text: &str, allow_insecure_http: bool) -> Result<Url, Error> {
    let mut url = Url::parse(text.trim())
        .map_err(|error| Error::config(format!("the base URL is not one: {error}")))?;
    match url.scheme() {
        "https" => {}
        "http" if allow_insecure_http || is_this_machine(&url) => {}
        "http" => {
            return Err(Error::config(
                "the base URL is http:// and would send the key unencrypted: use https://; \
                 http:// is for a server on this machine, or a client built with allow_insecure_http",
            ));
        }
        _ => return Err(Error::config("the base URL has to begin with https://")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config(
            "the base URL may not hold a user name or password: the API takes a key alone",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::config(
            "the base URL may not have a query or fragment",
        ));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with(BASE_PATH) {
        url.set_path(&path);
    } else {
        url.set_path(&format!("{path}{BASE_PATH}"));
    }
    Ok(url)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}
