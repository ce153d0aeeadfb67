//! The settings of a client.

use std::{fmt, net::IpAddr, sync::Arc, time::Duration};

use reqwest::redirect;
use url::{Host, Position, Url};

use crate::{
    api_key::ApiKey,
    client::{BASE_PATH, Client},
    environment::{Environment, Real},
    error::Error,
    limiter::Limiter,
    proxy::Proxy,
    retry::{Retries, Wait},
    tls,
    transport::{Transport, WaitListener},
};

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
    /// When there is no key, or the base URL is invalid.
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
    is_offline: bool,
    environment: Arc<dyn Environment>,
    on_wait: Option<WaitListener>,
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
            is_offline: false,
            environment: Arc::new(Real),
            on_wait: None,
        }
    }
}

const DEFAULT_BASE_URL: &str = "https://konektor.id";

impl ClientBuilder {
    /// Reads `KONEKTOR_API_KEY` and `KONEKTOR_BASE_URL` from the environment, if set and not empty.
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

    /// The URL of the server; by default `https://konektor.id`. `/api/v2/agent` is appended unless the URL
    /// ends with it.
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

    /// Calls a function before each wait, for the rate limit or before a retry, to show progress for
    /// example. It should return quickly.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder()
    ///     .on_wait(|wait| eprintln!("waiting {} s", wait.time.as_secs()));
    /// ```
    pub fn on_wait(mut self, listener: impl Fn(Wait) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(WaitListener(Arc::new(listener)));
        self
    }

    /// The value of `User-Agent`; by default `konektor-sdk/` and the version.
    ///
    /// ```
    /// let builder = konektor_sdk::Client::builder().user_agent("toko-budi/1.0");
    /// ```
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = name.into();
        self
    }

    /// Allows `http://` URLs of other machines, to which the key travels unencrypted.
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

    /// Builds a client that only prepares requests. It loads no certificates and uses no proxy, so that a
    /// request to an `https://` server fails when it is sent.
    ///
    /// ```
    /// let konektor = konektor_sdk::Client::builder().offline().build()?;
    /// let request = konektor.leads().get("CRM-1024").build()?;
    /// assert!(request.url().ends_with("/leads/CRM-1024"));
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn offline(mut self) -> Self {
        self.is_offline = true;
        self
    }

    #[cfg(test)]
    pub(crate) fn environment(mut self, environment: Arc<dyn Environment>) -> Self {
        self.environment = environment;
        self
    }

    /// Builds the client.
    ///
    /// # Proxies
    ///
    /// For an `https://` base URL, the first of `HTTPS_PROXY`, `https_proxy`, `ALL_PROXY` and `all_proxy`
    /// that is set names the proxy, unless `NO_PROXY` or `no_proxy` names the host. It is an `http://` or
    /// `https://` URL, with credentials if needed; SOCKS is not supported. `http://` base URLs never use a
    /// proxy, which would see the key.
    ///
    /// # Errors
    ///
    /// When the key or the base URL is not valid, the base URL would carry the key unencrypted, this
    /// machine has no trusted certificates, or the proxy cannot be used.
    ///
    /// ```
    /// let konektor = konektor_sdk::Client::builder().api_key("kna_3fJx_secret").build()?;
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn build(self) -> Result<Client, Error> {
        let key = self.api_key.as_deref().map(ApiKey::new).transpose()?;
        let base_url = base_url(&self.base_url, self.allow_insecure_http)?;
        let encrypted = base_url.scheme() == "https" && !self.is_offline;

        let proxy = if encrypted {
            Proxy::for_server(&base_url, |name| std::env::var_os(name))?
        } else {
            // Over http://, a proxy would see the key.
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
        Ok(Client::new(Transport {
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
        }))
    }
}

/// How long a connection may be idle in the pool. Servers and load balancers usually close it after a
/// minute.
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
            .field("is_offline", &self.is_offline)
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

/// Checks whether a client that does not allow insecure HTTP can be built for a base URL.
///
/// ```
/// assert!(konektor_sdk::check_base_url("https://konektor.id").is_ok());
/// assert!(konektor_sdk::check_base_url("https://name:password@konektor.id").is_err());
/// ```
///
/// # Errors
/// Why it cannot. The message does not hold the URL, which may contain a secret.
pub fn check_base_url(url: &str) -> Result<(), Error> {
    base_url(url, false).map(|_| ())
}

fn base_url(text: &str, allow_insecure_http: bool) -> Result<Url, Error> {
    let mut url = Url::parse(text.trim())
        .map_err(|error| Error::config(format!("invalid base URL: {error}")))?;
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
