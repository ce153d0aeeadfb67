//! An HTTP client without retries, redirects or a connection pool. Every call is exactly one request
//! on the wire, which fault injection and benchmarks depend on.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::deployment::Deployment;

/// The server's timeout of a request, plus a margin for a busy machine.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_millis(15_500);

/// A client with one keep-alive connection.
pub(crate) struct Client {
    address: SocketAddr,
    api_key: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

/// An HTTP request.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// The path and query.
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// An HTTP response.
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The status line and headers, in lower case.
    head: String,
    pub(crate) body: String,
}

/// Why there is no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The connection was refused; nothing was sent.
    Unreachable,
    /// The connection broke before the response was complete.
    Broken,
    /// There was no response within [`REQUEST_TIMEOUT`].
    TimedOut,
}

impl Request {
    /// A GET request.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            ..Self::default()
        }
    }

    /// Creates a lead that its notes identify. They are the `Idempotency-Key` too, so that a retry does
    /// not create a second lead.
    pub(crate) fn create(notes: &str) -> Self {
        Self {
            method: "POST",
            path: "/api/v2/agent/leads".into(),
            body: Some(serde_json::json!({"firstName": "Budi", "notes": notes}).to_string()),
            idempotency_key: Some(notes.into()),
        }
    }

    /// Serializes the request.
    fn serialize(&self, api_key: Option<&str>) -> String {
        let mut head = vec![
            format!("{} {} HTTP/1.1", self.method, self.path),
            "host: localhost".to_owned(),
        ];
        head.extend(api_key.map(|key| format!("authorization: Bearer {key}")));
        let key = self.idempotency_key.iter();
        head.extend(key.map(|key| format!("idempotency-key: {key}")));
        if let Some(body) = &self.body {
            head.push("content-type: application/json".to_owned());
            head.push(format!("content-length: {}", body.len()));
        }
        let body = self.body.as_deref().unwrap_or_default();
        format!("{}\r\n\r\n{body}", head.join("\r\n"))
    }
}

impl Client {
    /// A client with the API key of the deployment.
    pub(crate) fn new(deployment: &Deployment) -> Self {
        Self {
            address: deployment.server.address(),
            api_key: Some(deployment.api_key.clone()),
            connection: None,
        }
    }

    /// A client without an API key.
    pub(crate) fn without_key(deployment: &Deployment) -> Self {
        Self {
            api_key: None,
            ..Self::new(deployment)
        }
    }

    /// Sends a request and waits for the response.
    pub(crate) fn call(&mut self, request: &Request) -> Result<Response, Failure> {
        let text = request.serialize(self.api_key.as_deref());
        self.send(&[text.as_bytes()], Duration::ZERO)
    }

    /// Sends a request in two parts, with a pause in between.
    pub(crate) fn call_slowly(
        &mut self,
        request: &Request,
        pause: Duration,
    ) -> Result<Response, Failure> {
        let text = request.serialize(self.api_key.as_deref());
        // Splits the body, or the headers if there is no body.
        let (first, second) = text.as_bytes().split_at(text.len() - 10);
        self.send(&[first, second], pause)
    }

    fn send(&mut self, parts: &[&[u8]], pause: Duration) -> Result<Response, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|_| Failure::Unreachable)?,
        };
        let started = Instant::now();
        let response = exchange(&mut connection, parts, pause).map_err(|error| {
            let timed_out = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            if timed_out || started.elapsed() > REQUEST_TIMEOUT {
                Failure::TimedOut
            } else {
                Failure::Broken
            }
        })?;
        if response.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(response)
    }

    fn connect(&self) -> std::io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, REQUEST_TIMEOUT)?;
        stream.set_read_timeout(Some(REQUEST_TIMEOUT))?;
        stream.set_write_timeout(Some(REQUEST_TIMEOUT))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

impl Response {
    /// Returns the value of a header, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key == name).then(|| value.trim())
        })
    }

    /// Parses the body. Returns null if it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whether the status is 503 or 504 with a `Retry-After` of at most a minute.
    pub(crate) fn is_retryable(&self) -> bool {
        let seconds = self
            .header("retry-after")
            .and_then(|value| value.parse::<u32>().ok());
        [503, 504].contains(&self.status)
            && seconds.is_some_and(|seconds| (1..=60).contains(&seconds))
    }
}

/// Sends the parts of a request with a pause between them, and reads the response.
fn exchange(
    connection: &mut BufReader<TcpStream>,
    parts: &[&[u8]],
    pause: Duration,
) -> std::io::Result<Response> {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            std::thread::sleep(pause);
        }
        connection.get_mut().write_all(part)?;
    }
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
    }
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let mut response = Response {
        status: status.ok_or(ErrorKind::InvalidData)?,
        head: head.to_ascii_lowercase(),
        body: String::new(),
    };
    let length = response
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body)?;
    response.body = String::from_utf8_lossy(&body).into_owned();
    Ok(response)
}
