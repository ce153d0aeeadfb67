//! Requests that the document has no operation for, or that somebody wants to write by hand.

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use reqwest::{
    Method,
    header::{CONTENT_TYPE, DATE, HeaderValue},
};
use serde_json::Value;

use crate::{
    Client, Error, Response,
    call::{Call, Effect},
    client::BASE_PATH,
    headers::{Headers, IDEMPOTENCY_KEY},
    retry,
};

/// A request that is to be sent as it is; made by [`Client::request`].
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct Request {
    client: Client,
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
}

/// What came back, as it came.
#[derive(Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status, a success.
    pub status: u16,
    /// What kind of body it is.
    pub content_type: String,
    /// When the server says it answered.
    pub date: Option<Timestamp>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(client: Client, method: String, path: String) -> Self {
        Self {
            client,
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
    /// let new = client.request("GET", "/leads").query("status", "new").send().await?;
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
    /// let answer = client.request("POST", "/leads").body(lead).send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The answer, if it is a success. The key is sent if there is one.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind).
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) -> Result<(), konektor_sdk::Error> {
    /// let answer = client.request("GET", "/workspace").send().await?;
    /// println!("{} {}", answer.status, answer.content_type);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn send(self) -> Result<Response<Answer>, Error> {
        let method: Method = self
            .method
            .parse()
            .map_err(|_| Error::config("the method is none"))?;
        let request = self.build(method)?;
        // A key made here is another one next time.
        let effect = if *request.method() != Method::POST && retry::is_repeatable(&request) {
            Effect::Repeatable
        } else {
            Effect::Adds
        };
        let call = Call::new(Arc::clone(self.client.shared()), effect);
        let answer = match call.exec(request).await {
            Ok(answer) => answer,
            Err(error) => return Err(Error::of_connection(error, &call)),
        };
        let status = answer.status();
        let header = |name| {
            answer
                .headers()
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
        let date = header(DATE).and_then(retry::http_date);
        let body = answer.bytes().await.unwrap_or_default();
        if !status.is_success() {
            return Err(Error::of_answer(&body, &call));
        }
        let answer = Answer {
            status: status.as_u16(),
            content_type,
            date,
            body: body.into(),
        };
        Ok(Response::new(answer, call.meta(), serde_json::Map::new()))
    }

    fn build(&self, method: Method) -> Result<reqwest::Request, Error> {
        let shared = self.client.shared();
        let path = self.path.strip_prefix(BASE_PATH).unwrap_or(&self.path);
        if !path.starts_with('/') {
            return Err(Error::config("the path has to begin with /"));
        }
        let is_post = method == Method::POST;
        let mut request = shared
            .http
            .request(method, format!("{}{path}", shared.base_url));
        if is_post {
            request = request.header(IDEMPOTENCY_KEY, Headers::default().idempotency_key()?);
        }
        if !self.query.is_empty() {
            request = request.query(&self.query);
        }
        if let Some(body) = &self.body {
            request = request
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(body.to_string());
        }
        request
            .build()
            .map_err(|_| Error::config("the path cannot be sent"))
    }
}

/// Without what is sent: it may be personal.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Without the body: it may be personal.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("content_type", &self.content_type)
            .finish_non_exhaustive()
    }
}
