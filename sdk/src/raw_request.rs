//! Requests without a method of their own in this library.

use std::fmt;

use jiff::Timestamp;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, DATE, HeaderValue},
};
use serde_json::{Map, Value};
use url::Url;

use crate::{
    call::{Answer, CallOptions, Idempotency},
    client::{BASE_PATH, Client},
    endpoint::{BuildError, Endpoint, request_methods},
    error::Error,
    generated::client::Requests,
    headers::Headers,
    retry,
    sanitize::sanitize,
};

/// A request with any method and path; made by [`Client::request`].
///
/// POST and PATCH carry an `Idempotency-Key`, and are sent again under it; GET and HEAD change nothing.
/// Other methods carry a key only if you give one. Without a key they are sent again only when the server
/// has certainly not acted on them.
#[derive(Clone)]
#[must_use = "nothing is sent before it is awaited"]
pub struct RawRequest {
    client: Client,
    options: CallOptions,
    headers: Headers,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

/// An answer with its body unread.
#[derive(Clone)]
#[non_exhaustive]
pub struct RawResponse {
    /// The HTTP status, a success.
    pub status: u16,
    /// The media type of the body.
    pub content_type: String,
    /// The `Date` of the answer.
    pub date: Option<Timestamp>,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A request that this library has no method for, with any method and any path below the base path. A
    /// path that leads out of it is an error.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let answer = client.request("GET", "/workspace").await?;
    /// println!("{}", String::from_utf8_lossy(&answer.body));
    /// # Ok(())
    /// # }
    /// ```
    pub fn request(&self, method: impl Into<String>, path: impl Into<String>) -> RawRequest {
        RawRequest::new(self.clone(), method.into(), path.into())
    }
}

impl RawRequest {
    pub(crate) fn new(client: Client, method: String, path: String) -> Self {
        Self {
            client,
            options: CallOptions {
                is_custom: true,
                ..CallOptions::default()
            },
            headers: Headers::default(),
            method,
            path,
            query: Vec::new(),
            body: None,
        }
    }

    /// Adds a query parameter.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let new = client.request("GET", "/leads").query("status", "new").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The JSON to send.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = serde_json::json!({"firstName": "Budi"});
    /// let answer = client.request("POST", "/leads").body(lead).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// A key of your own for a write, which the server keeps for
    /// [24 hours](crate::IDEMPOTENCY_KEY_TTL); see
    /// [`Create::idempotency_key`](crate::leads::Create::idempotency_key).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let lead = serde_json::json!({"firstName": "Budi"});
    /// let request = client.request("POST", "/leads").body(lead).idempotency_key("order-1024");
    /// let answer = request.await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.headers.idempotency_key = Some(key.into());
        self
    }

    /// Sends the request, with the API key if the client has one.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let answer = client.request("GET", "/workspace").await?;
    /// println!("{} {}", answer.status, answer.content_type);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<RawResponse, Error> {
        Ok(self.send_with_meta().await?.0)
    }

    fn method(&self) -> Result<Method, Error> {
        let method = self.method.parse();
        method.map_err(|_| Error::config("invalid HTTP method"))
    }
}

request_methods!(RawRequest -> RawResponse);

impl Endpoint for RawRequest {
    type Output = RawResponse;

    fn operation(&self) -> String {
        format!("{} request", self.method)
    }

    fn options(&self) -> CallOptions {
        self.options
    }

    fn idempotency(&self) -> Result<Idempotency, Error> {
        let method = self.method()?;
        let is_keyed = matches!(method, Method::POST | Method::PATCH);
        Ok(match method {
            Method::GET | Method::HEAD => Idempotency::ReadOnly,
            _ if is_keyed || self.headers.idempotency_key.is_some() => {
                Idempotency::Key(self.headers.idempotency_key()?)
            }
            _ => Idempotency::None,
        })
    }

    fn request(&self, requests: &Requests<'_>) -> Result<reqwest::Request, BuildError> {
        let url = url(requests.baseurl, &self.path)?;
        let mut request = requests.client.request(self.method()?, url);
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        if let Some(body) = &self.body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string());
        }
        Ok(request
            .build()
            .map_err(|_| Error::config("the path cannot be sent"))?)
    }

    fn read(&self, answer: &Answer) -> Result<(Self::Output, Map<String, Value>), String> {
        let key = self.client.transport().key.as_ref();
        let header = |name| {
            let value = answer.headers().get(name)?;
            value.to_str().ok()
        };
        let raw = RawResponse {
            status: answer.status().as_u16(),
            content_type: sanitize(header(CONTENT_TYPE).unwrap_or_default(), key),
            date: header(DATE).and_then(retry::http_date),
            body: answer.body().to_vec(),
        };
        Ok((raw, Map::new()))
    }
}

/// The URL of a path below the base URL. The path may have a query.
fn url(base_url: &str, path: &str) -> Result<Url, Error> {
    let path = path.strip_prefix(BASE_PATH).unwrap_or(path);
    if !path.starts_with('/') {
        return Err(Error::config("the path has to begin with /"));
    }
    if path.contains('#') {
        return Err(Error::config(
            "the path may not have a fragment, which is never sent: write # as %23",
        ));
    }
    let (segments, _) = path.split_once('?').unwrap_or((path, ""));
    if segments.contains(|letter: char| letter == '\\' || letter.is_control()) {
        return Err(Error::config(
            "the path may not have backslashes or control characters: percent-encode them",
        ));
    }
    if segments.split('/').any(is_dots) {
        return Err(Error::config("the path must not contain . or .. segments"));
    }
    let base = Url::parse(base_url).map_err(|_| Error::config("invalid base URL"))?;
    let url = Url::parse(&format!("{base_url}{path}"))
        .map_err(|_| Error::config("the path cannot be sent"))?;
    let is_below = url.origin() == base.origin()
        && url
            .path()
            .strip_prefix(base.path())
            .is_some_and(|rest| rest.starts_with('/'));
    if is_below {
        Ok(url)
    } else {
        Err(Error::config("the path leads out of the API"))
    }
}

/// Whether a segment is `.` or `..`, which URL libraries resolve, also when written as `%2e`.
/// <https://url.spec.whatwg.org/#double-dot-path-segment>
fn is_dots(segment: &str) -> bool {
    matches!(
        segment.to_ascii_lowercase().replace("%2e", ".").as_str(),
        "." | ".."
    )
}

/// Without the path, the query and the body, which may be personal.
impl fmt::Debug for RawRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawRequest")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Without the body, which may be personal.
impl fmt::Debug for RawResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawResponse")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://konektor.id/api/v2/agent";

    #[test]
    fn a_path_stays_below_the_base_path() {
        for (path, whole) in [
            ("/leads", "/leads"),
            ("/api/v2/agent/leads", "/leads"),
            ("/leads?status=new&limit=5", "/leads?status=new&limit=5"),
            ("/leads/a%2Fb", "/leads/a%2Fb"),
            ("/leads/a%23b", "/leads/a%23b"),
            ("/leads/...", "/leads/..."),
            ("/leads/..a", "/leads/..a"),
            ("/leads?search=../x", "/leads?search=../x"),
            ("//leads", "//leads"),
            ("/@evil.example/", "/@evil.example/"),
        ] {
            let url = url(BASE, path).unwrap();
            assert_eq!(url.as_str(), format!("{BASE}{whole}"));
        }
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_an_error() {
        for path in [
            "",
            "leads",
            "https://evil.example/",
            "@evil.example/",
            "/../../../healthz",
            "/leads/../../../../healthz",
            "/leads/..",
            "/./leads",
            "/leads/%2e%2E/%2e./x",
            "/leads/.%2e",
            "/leads\\..\\..\\..\\healthz",
            "/leads#x",
            "/leads/a\tb/",
            "/.\t./x",
            "/\n../x",
        ] {
            let error = url(BASE, path).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Config, "{path}");
        }
    }
}
