//! What all clones of a client share.

use std::{fmt, sync::Arc};

use crate::{
    api_key::ApiKey,
    environment::Environment,
    limiter::Limiter,
    proxy::Proxy,
    retry::{Retries, Wait},
};

/// Connections, the key, the rate limit, and the settings of retries.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    /// The same without a pool: each request has a new connection.
    pub(crate) unpooled_http: reqwest::Client,
    /// The limit of the workspace.
    pub(crate) limiter: Limiter,
    /// For requests without a key, which no limit of the workspace counts.
    pub(crate) unlimited: Limiter,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) key: Option<ApiKey>,
    pub(crate) retries: Retries,
    pub(crate) environment: Arc<dyn Environment>,
    pub(crate) on_wait: Option<WaitListener>,
    /// Ends with the base path, without a slash.
    pub(crate) base_url: String,
    /// The base URL's host, with the port if it is an unusual one.
    pub(crate) host: String,
}

/// A function that is called before each wait.
#[derive(Clone)]
pub(crate) struct WaitListener(pub(crate) Arc<dyn Fn(Wait) + Send + Sync>);

impl WaitListener {
    pub(crate) fn notify(&self, wait: Wait) {
        (self.0)(wait);
    }
}

impl fmt::Debug for WaitListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaitListener")
    }
}
