use std::sync::Arc;

use crate::{proxy::Proxy, transport::Transport};

/// The path of the API below the base URL.
pub(crate) const BASE_PATH: &str = "/api/v2/agent";

/// A client for one workspace.
///
/// It is cheap to clone. All clones share one connection pool and the workspace's rate limit: build one for
/// each key, and clone it.
///
/// ```no_run
/// # async fn example() -> Result<(), konektor_sdk::Error> {
/// let konektor = konektor_sdk::Client::from_env()?;
/// let workspace = konektor.workspace().show().await?;
/// println!("{}", workspace.display_name);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client(Arc<Transport>);

impl Client {
    pub(crate) fn new(transport: Transport) -> Self {
        Self(Arc::new(transport))
    }

    pub(crate) fn transport(&self) -> &Arc<Transport> {
        &self.0
    }

    /// The proxy that requests go through and the environment variable that names it, without
    /// credentials: `proxy.example:3128 (HTTPS_PROXY)`. `None` when requests go to the server directly.
    ///
    /// [`ClientBuilder::build`](crate::ClientBuilder::build) says which variables count. It sends nothing, and does not tell
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
}
