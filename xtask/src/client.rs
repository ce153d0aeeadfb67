//! An HTTP client that does nothing by itself: no retry, no redirect, no pool. So it is known what
//! was sent and what came back, which is what these runs are about.

use std::{
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::deployment::Deployment;

/// How long a request may take, by the document, and a little more for a busy machine.
pub(crate) const HANG: Duration = Duration::from_millis(15_500);

/// A caller with one connection, which it keeps as long as the server does.
pub(crate) struct Client {
    address: SocketAddr,
    api_key: Option<String>,
    connection: Option<BufReader<TcpStream>>,
}

/// What is asked for.
#[derive(Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: &'static str,
    /// The whole path.
    pub(crate) path: String,
    pub(crate) body: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// In lower case.
    head: String,
    pub(crate) body: String,
}

/// Why nothing came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Nothing was sent: nobody listens.
    Unreachable,
    /// It was sent, at least in part, and there is no whole answer.
    Broken,
    /// There is no answer after the longest time a request may take.
    Hanging,
}

impl Request {
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET",
            path: path.into(),
            ..Self::default()
        }
    }

    /// A lead that is told apart by its notes; nothing else keeps it from being made twice.
    pub(crate) fn create(notes: &str) -> Self {
        Self {
            method: "POST",
            path: "/api/v2/agent/leads".into(),
            body: Some(serde_json::json!({"firstName": "Budi", "notes": notes}).to_string()),
            idempotency_key: Some(notes.into()),
        }
    }

    /// The bytes of the request as this client sends them.
    pub(crate) fn bytes(&self, api_key: Option<&str>) -> String {
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
    pub(crate) fn of(deployment: &Deployment) -> Self {
        Self {
            address: deployment.server.address(),
            api_key: Some(deployment.api_key.clone()),
            connection: None,
        }
    }

    /// A caller without a key.
    pub(crate) fn without_key(deployment: &Deployment) -> Self {
        Self {
            api_key: None,
            ..Self::of(deployment)
        }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn call(&mut self, request: &Request) -> Result<Answer, Failure> {
        let text = request.bytes(self.api_key.as_deref());
        self.send(&[text.as_bytes()], Duration::ZERO)
    }

    /// Sends a request in two parts, so that it is under way for a while.
    pub(crate) fn call_slowly(
        &mut self,
        request: &Request,
        pause: Duration,
    ) -> Result<Answer, Failure> {
        let text = request.bytes(self.api_key.as_deref());
        // Within the body, or within the header if there is none.
        let (first, second) = text.as_bytes().split_at(text.len() - 10);
        self.send(&[first, second], pause)
    }

    fn send(&mut self, parts: &[&[u8]], pause: Duration) -> Result<Answer, Failure> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().map_err(|_| Failure::Unreachable)?,
        };
        let started = Instant::now();
        let answer = exchange(&mut connection, parts, pause).map_err(|error| {
            let waited = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            if waited || started.elapsed() > HANG {
                Failure::Hanging
            } else {
                Failure::Broken
            }
        })?;
        if answer.header("connection") != Some("close") {
            self.connection = Some(connection);
        }
        Ok(answer)
    }

    fn connect(&self) -> std::io::Result<BufReader<TcpStream>> {
        let stream = TcpStream::connect_timeout(&self.address, HANG)?;
        stream.set_read_timeout(Some(HANG))?;
        stream.set_write_timeout(Some(HANG))?;
        stream.set_nodelay(true)?;
        Ok(BufReader::new(stream))
    }
}

impl Answer {
    /// The value of a header, in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (own, value) = line.split_once(':')?;
            (own == name).then(|| value.trim())
        })
    }

    /// The body, null when it is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// Whether it says that it is worth trying again within a minute.
    pub(crate) fn asks_to_come_back(&self) -> bool {
        let seconds = self
            .header("retry-after")
            .and_then(|value| value.parse::<u32>().ok());
        [503, 504].contains(&self.status)
            && seconds.is_some_and(|seconds| (1..=60).contains(&seconds))
    }
}

fn exchange(
    connection: &mut BufReader<TcpStream>,
    parts: &[&[u8]],
    pause: Duration,
) -> std::io::Result<Answer> {
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
    let mut answer = Answer {
        status: status.ok_or(ErrorKind::InvalidData)?,
        head: head.to_ascii_lowercase(),
        body: String::new(),
    };
    let length = answer
        .header("content-length")
        .and_then(|length| length.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    connection.read_exact(&mut body)?;
    answer.body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer)
}
