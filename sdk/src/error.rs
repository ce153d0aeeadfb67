use std::{collections::BTreeMap, fmt, time::Duration};

use reqwest::StatusCode;

use crate::{generated::enums::ErrorCode, rate_limit::RateLimit, retry::Retry};

/// Why a call failed.
///
/// Its text is for people and logs: it names the operation and the host, and never holds the key, a path,
/// a header, or data of a lead. The server's message is part of it, without control characters, and without
/// the key if the server repeats it.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) {
/// match client.leads().create("Andi").email("not-an-address").await {
///     Ok(lead) => println!("{}", lead.id),
///     Err(error) if error.is_validation() => {
///         for (field, why) in error.details() {
///             eprintln!("{field}: {why}");
///         }
///     }
///     // leads.create at konektor.id: 403 FORBIDDEN: The key lacks the scope agent.leads.write
///     // (request 5f0c1d2e-…, 1 attempt, 34 ms)
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
pub struct Error(Box<Inner>);

/// The fields of an [`Error`].
pub(crate) struct Inner {
    pub(crate) kind: ErrorKind,
    /// `leads.create at konektor.id`
    pub(crate) place: Option<String>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) code: Option<ErrorCode>,
    pub(crate) message: String,
    pub(crate) details: BTreeMap<String, String>,
    pub(crate) rate_limit: Option<RateLimit>,
    pub(crate) request_id: Option<String>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) elapsed: Duration,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) retry: Retry,
    pub(crate) source: Option<reqwest::Error>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be built like this: base URL, key, TLS, proxy.
    Config,
    /// The server was not reached, or the connection broke.
    Network,
    /// The proxy that an environment variable names was not reached, or does not connect to the
    /// server (407 for example).
    Proxy,
    /// No whole answer to the last try within the time for one, or 408.
    Timeout,
    /// The call did not end within its deadline.
    DeadlineExceeded,
    /// The key is missing, unknown, expired or revoked (401).
    Unauthorized,
    /// The key lacks a scope or may not be used from here, or the plan has no Agent API (403).
    Forbidden,
    /// Something sent is not valid (400, 413, 415); [`Error::details`] names the fields.
    Validation,
    /// The `Idempotency-Key` was used for another request within the last 24 hours (422). That is a
    /// bug of the program: a key belongs to one write and its content.
    IdempotencyKeyReused,
    /// Not found in this workspace (404).
    NotFound,
    /// The reference fits several leads: one by its uniqueCode, another by its externalRef or phone
    /// (409). `details()["id"]` lists the ids of the candidates; nothing was read or written. Use the
    /// id of the lead.
    AmbiguousHandle,
    /// An earlier request with the same `Idempotency-Key` is being carried out (409).
    Conflict,
    /// Over a limit (429); [`Error::retry_after`] says how long.
    RateLimited,
    /// A proxy or CDN in front of the server got no answer from it (520 to 530, as CDNs say it).
    Gateway,
    /// Something went wrong on the server's side (5xx).
    Server,
    /// An answer that is not the API's: a redirect, malformed JSON, an unexpected status, or a body that
    /// is too large.
    UnexpectedResponse,
}

impl Error {
    /// What kind of failure it is.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, ErrorKind};
    /// # async fn example(client: Client) {
    /// if let Err(error) = client.workspace().show().await {
    ///     if error.kind() == ErrorKind::Forbidden {
    ///         eprintln!("ask for a key with more scopes");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The API's code, when the API answered.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, ErrorCode};
    /// # async fn example(client: Client) {
    /// if let Err(error) = client.leads().get("CRM-1024").await {
    ///     assert_eq!(error.code(), Some(&ErrorCode::NotFound));
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.0.code.as_ref()
    }

    /// What went wrong, in one sentence: the server's, or this library's.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.workspace().show().await {
    ///     eprintln!("{}", error.message());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What is wrong with each bad field, by its name; nested ones by their dotted path.
    ///
    /// A validation failure names at least one: where the answer names no field, it is `body`,
    /// `Content-Type`, `Idempotency-Key` or `request`. Other failures name what they know, mostly
    /// nothing.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.leads().create("").await {
    ///     for (field, why) in error.details() {
    ///         eprintln!("{field}: {why}");
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn details(&self) -> &BTreeMap<String, String> {
        &self.0.details
    }

    /// The HTTP status, when there was an answer, whatever its body.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.workspace().show().await {
    ///     println!("{:?}", error.status());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|status| status.as_u16())
    }

    /// The id under which the server has logged the request; quote it to support.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.workspace().show().await {
    ///     println!("request {}", error.request_id().unwrap_or("without an id"));
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How many times the request was sent; 0 when it never was.
    ///
    /// ```
    /// let client = konektor_sdk::Client::builder().base_url("not a URL").build();
    /// assert_eq!(client.unwrap_err().attempts(), 0);
    /// ```
    #[must_use]
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// How long the server asks to wait before the next try. [`retry`](Self::retry) says whether one is
    /// of use.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.leads().create("Andi").await {
    ///     if let Some(wait) = error.retry_after() {
    ///         println!("the server asks for {} s", wait.as_secs());
    ///     }
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The state of the rate limit, when the answer said it.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.workspace().show().await {
    ///     println!("{:?}", error.rate_limit());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limit
    }

    /// What to do about it: nothing, make the same call again, or make it again under its key because it may
    /// have happened.
    ///
    /// This is for callers who come back later, when the [`Retries`](crate::Retries) of the client are
    /// over: not later than [24 hours](crate::IDEMPOTENCY_KEY_TTL) after the first try, if it is
    /// [`Retry::WithKey`](crate::Retry::WithKey). The server forgets the key then, and the same call
    /// may happen a second time.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, Retry};
    /// # async fn example(client: Client) -> Result<(), konektor_sdk::Error> {
    /// let create = client.leads().create("Andi");
    /// if let Err(error) = create.clone().await {
    ///     match error.retry() {
    ///         Retry::Never => return Err(error),
    ///         Retry::Safe(after) => {
    ///             tokio::time::sleep(after).await;
    ///             create.await?;
    ///         }
    ///         Retry::WithKey(key, after) => {
    ///             tokio::time::sleep(after).await;
    ///             create.idempotency_key(key).await?;
    ///         }
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn retry(&self) -> Retry {
        self.0.retry.clone()
    }

    /// The `Idempotency-Key` of the call: the caller's own, or the one that was made for it. `None`
    /// for reads, and when no call was begun.
    ///
    /// The server keeps it for [24 hours](crate::IDEMPOTENCY_KEY_TTL) from the first try; a write that
    /// is made again under it later may happen twice.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.leads().create("Andi").await {
    ///     println!("made under {:?}", error.idempotency_key());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.0.idempotency_key.as_deref()
    }

    /// Whether something sent is not valid; [`details`](Self::details) names the fields.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.leads().create("").await {
    ///     assert!(error.is_validation());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_validation(&self) -> bool {
        self.kind() == ErrorKind::Validation
    }

    /// Whether it was not found in this workspace.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// match client.leads().get("CRM-1024").await {
    ///     Err(error) if error.is_not_found() => println!("no such lead"),
    ///     _ => {}
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether it is over a limit.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// match client.leads().create("Andi").await {
    ///     Err(error) if error.is_rate_limited() => println!("{:?}", error.retry_after()),
    ///     _ => {}
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_rate_limited(&self) -> bool {
        self.kind() == ErrorKind::RateLimited
    }
}

/// `leads.create at konektor.id: 403 FORBIDDEN: The key lacks … (request 5f0c…, 1 attempt, 34 ms)`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            place,
            status,
            code,
            message,
            details,
            request_id,
            attempts,
            elapsed,
            ..
        } = &*self.0;
        if let Some(place) = place {
            write!(f, "{place}: ")?;
        }
        if let Some(status) = status {
            write!(f, "{}", status.as_u16())?;
            match (code, status.canonical_reason()) {
                (Some(code), _) => write!(f, " {code}: ")?,
                (None, Some(reason)) => write!(f, " {reason}: ")?,
                (None, None) => f.write_str(": ")?,
            }
        }
        f.write_str(message)?;
        let details = details.iter().filter(|(_, why)| *why != message);
        for (index, (field, why)) in details.enumerate() {
            write!(f, "{} {field}: {why}", if index == 0 { ":" } else { ";" })?;
        }
        if *attempts == 0 {
            return Ok(());
        }
        f.write_str(" (")?;
        if let Some(id) = request_id {
            write!(f, "request {id}, ")?;
        }
        let tries = if *attempts == 1 {
            "attempt"
        } else {
            "attempts"
        };
        write!(f, "{attempts} {tries}, ")?;
        match elapsed.as_secs() {
            0..10 => write!(f, "{} ms)", elapsed.as_millis()),
            seconds => write!(f, "{seconds} s)"),
        }
    }
}

/// Short, with the text: `main` prints it when it returns an error.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_ref().map(|source| source as _)
    }
}

/// Errors without an answer.
impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            place: None,
            status: None,
            code: None,
            message: message.into(),
            details: BTreeMap::new(),
            rate_limit: None,
            request_id: None,
            idempotency_key: None,
            attempts: 0,
            elapsed: Duration::ZERO,
            retry_after: None,
            retry: Retry::Never,
            source: None,
        }))
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Config, message)
    }

    pub(crate) fn no_key() -> Self {
        Self::new(
            ErrorKind::Unauthorized,
            "this needs an API key: give ClientBuilder::api_key one, or set KONEKTOR_API_KEY",
        )
    }

    /// Pages that would never end.
    pub(crate) fn endless_pages(why: &str) -> Self {
        Self::new(ErrorKind::UnexpectedResponse, why)
    }

    pub(crate) fn bad_field(field: &str, why: &str) -> Self {
        let mut error = Self::new(ErrorKind::Validation, "1 field is not valid");
        error.0.details.insert(field.to_owned(), why.to_owned());
        error
    }

    /// The error with more of its fields set. A validation failure that names no field gets one.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut Inner)) -> Self {
        set(&mut self.0);
        self.0.name_a_field();
        self
    }
}

impl Inner {
    /// Names a field for a validation failure without one, so that a caller who prints the fields prints it
    /// too.
    fn name_a_field(&mut self) {
        let field = match (self.kind, self.status.map(|status| status.as_u16())) {
            (ErrorKind::IdempotencyKeyReused, _) => "Idempotency-Key",
            (ErrorKind::Validation, Some(413)) => "body",
            (ErrorKind::Validation, Some(415)) => "Content-Type",
            (ErrorKind::Validation, _) => "request",
            _ => return,
        };
        if self.details.is_empty() {
            self.details.insert(field.to_owned(), self.message.clone());
        }
    }
}
