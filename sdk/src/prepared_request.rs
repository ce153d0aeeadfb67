//! A request that is built and not sent.

use std::fmt;

/// An HTTP request as it would be sent, with the API key; `build` of every request returns it.
///
/// ```
/// let client = konektor_sdk::Client::builder().api_key("kna_3fJx_secret").build()?;
/// let request = client.leads().update("CRM-1024").notes("Call back").build()?;
/// println!("{} {}", request.method(), request.url());
/// for (name, value) in request.headers().filter(|(name, _)| *name != "authorization") {
///     println!("{name}: {value}");
/// }
/// println!("{}", request.body().unwrap_or_default());
/// # Ok::<(), konektor_sdk::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct PreparedRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

impl PreparedRequest {
    pub(crate) fn new(request: &reqwest::Request) -> Self {
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        let headers = request.headers().iter();
        Self {
            method: request.method().to_string(),
            url: request.url().to_string(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: request.body().and_then(reqwest::Body::as_bytes).map(text),
        }
    }

    /// The method.
    ///
    /// ```
    /// let client = konektor_sdk::Client::builder().build()?;
    /// assert_eq!(client.workspace().show().build()?.method(), "GET");
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The URL, with the query.
    ///
    /// ```
    /// let client = konektor_sdk::Client::builder().build()?;
    /// let request = client.leads().list().search("budi santoso").build()?;
    /// assert_eq!(request.url(), "https://konektor.id/api/v2/agent/leads?search=budi+santoso");
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The headers, by their names in lower case. `authorization` holds the API key: do not print it.
    ///
    /// ```
    /// let client = konektor_sdk::Client::builder().build()?;
    /// let request = client.leads().create("Budi").idempotency_key("order-1024").build()?;
    /// assert!(request.headers().any(|header| header == ("idempotency-key", "order-1024")));
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    pub fn headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.headers.iter();
        headers.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The body, which is JSON; `None` when there is none.
    ///
    /// ```
    /// let client = konektor_sdk::Client::builder().build()?;
    /// let request = client.leads().update("CRM-1024").clear_email().build()?;
    /// assert_eq!(request.body(), Some(r#"{"email":null}"#));
    /// # Ok::<(), konektor_sdk::Error>(())
    /// ```
    #[must_use]
    pub fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }
}

/// Without the URL, the headers' values and the body: they hold the key, or may be personal.
impl fmt::Debug for PreparedRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = self.headers().map(|(name, _)| name).collect();
        f.debug_struct("PreparedRequest")
            .field("method", &self.method)
            .field("headers", &headers)
            .finish_non_exhaustive()
    }
}
