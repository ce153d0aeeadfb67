use std::{collections::BTreeMap, fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{
    ErrorCode, RateLimit, Retry,
    call::{self, Call, Idempotency},
    client::ApiKey,
    proxy,
    response::Meta,
    retry,
    sanitize::sanitize,
    tls,
};

/// Why a call failed.
///
/// Its text is fit for a person and for a log: it names the operation and the host, and never holds
/// the key, a path, a header, or what a lead is called. The server's own words are in it, without
/// control characters, and without the key if the server repeats it.
///
/// ```no_run
/// # async fn example(client: konektor_sdk::Client) {
/// match client.leads().create("Andi").email("not-an-address").send().await {
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

struct Inner {
    kind: ErrorKind,
    /// `leads.create at konektor.id`
    place: Option<String>,
    status: Option<StatusCode>,
    code: Option<ErrorCode>,
    message: String,
    details: BTreeMap<String, String>,
    rate_limit: Option<RateLimit>,
    request_id: Option<String>,
    idempotency_key: Option<String>,
    attempts: u32,
    elapsed: Duration,
    retry_after: Option<Duration>,
    retry: Retry,
    source: Option<reqwest::Error>,
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
    /// server (407 among others). The server has nothing to do with it.
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
    /// mistake of the program: a key belongs to one write, with everything in it.
    IdempotencyKeyReused,
    /// There is no such thing in this workspace (404).
    NotFound,
    /// What the lead was named by fits several leads: one by its uniqueCode, another by its
    /// externalRef or phone (409). `details()["id"]` names the ids of the candidates; nothing was
    /// read or written. Name the lead by its id.
    AmbiguousHandle,
    /// An earlier request with the same `Idempotency-Key` is being carried out (409).
    Conflict,
    /// Over a limit (429); [`Error::retry_after`] says how long.
    RateLimited,
    /// A proxy or CDN in front of the server got no answer from it (520 to 530, as CDNs say it).
    Gateway,
    /// Something went wrong on the server's side (5xx).
    Server,
    /// An answer that the API does not give: a redirect, malformed JSON, a status of no meaning
    /// here, or one that is too large.
    UnexpectedResponse,
}

impl Error {
    /// What kind of failure it is.
    ///
    /// ```no_run
    /// # use konektor_sdk::{Client, ErrorKind};
    /// # async fn example(client: Client) {
    /// if let Err(error) = client.workspace().show().send().await {
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
    /// if let Err(error) = client.leads().get("CRM-1024").send().await {
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
    /// if let Err(error) = client.workspace().show().send().await {
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
    /// if let Err(error) = client.leads().create("").send().await {
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
    /// if let Err(error) = client.workspace().show().send().await {
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
    /// if let Err(error) = client.workspace().show().send().await {
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
    /// if let Err(error) = client.leads().create("Andi").send().await {
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
    /// if let Err(error) = client.workspace().show().send().await {
    ///     println!("{:?}", error.rate_limit());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limit
    }

    /// What to do about it: nothing, make the same call again, or make it again under the key that it
    /// had, because it may have happened.
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
    /// if let Err(error) = create.clone().send().await {
    ///     match error.retry() {
    ///         Retry::Never => return Err(error),
    ///         Retry::Safe(after) => {
    ///             tokio::time::sleep(after).await;
    ///             create.send().await?;
    ///         }
    ///         Retry::WithKey(key, after) => {
    ///             tokio::time::sleep(after).await;
    ///             create.idempotency_key(key).send().await?;
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
    /// if let Err(error) = client.leads().create("Andi").send().await {
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
    /// if let Err(error) = client.leads().create("").send().await {
    ///     assert!(error.is_validation());
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_validation(&self) -> bool {
        self.kind() == ErrorKind::Validation
    }

    /// Whether there is no such thing in this workspace.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// match client.leads().get("CRM-1024").send().await {
    ///     Err(error) if error.is_not_found() => println!("no such lead"),
    ///     _ => {}
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.kind() == ErrorKind::NotFound
    }

    /// Whether a limit was passed.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// match client.leads().create("Andi").send().await {
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

/// What `main` prints when it returns an error: short, with the text in it.
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

/// How failures come to be.
impl Error {
    fn local(kind: ErrorKind, message: impl Into<String>) -> Self {
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
        Self::local(ErrorKind::Config, message)
    }

    pub(crate) fn no_key() -> Self {
        Self::local(
            ErrorKind::Unauthorized,
            "this needs an API key: give ClientBuilder::api_key one, or set KONEKTOR_API_KEY",
        )
    }

    /// Pages that would never end.
    pub(crate) fn endless_pages(why: &str) -> Self {
        Self::local(ErrorKind::UnexpectedResponse, why)
    }

    pub(crate) fn bad_field(field: &str, why: &str) -> Self {
        let mut error = Self::local(ErrorKind::Validation, "1 field is not valid");
        error.0.details.insert(field.to_owned(), why.to_owned());
        error
    }

    /// What cannot be sent at all.
    fn invalid_request(why: &str, call: &Call) -> Self {
        let mut error = Self::local(ErrorKind::Validation, why);
        error.0.place = place(call);
        error.0.name_a_field();
        error
    }

    /// What the generated client could not deliver.
    pub(crate) async fn from_call(error: progenitor_client::Error, call: &Call) -> Self {
        use progenitor_client::Error as Failure;

        match error {
            Failure::UnexpectedResponse(response) => {
                let body = response.bytes().await.unwrap_or_default();
                Self::from_answer(&body, call)
            }
            Failure::InvalidResponsePayload(_, _) if call.is_oversized() => Self::oversized(call),
            Failure::InvalidResponsePayload(body, error) => {
                Self::unreadable(&unreadable_because(&body, &error), call)
            }
            Failure::CommunicationError(error)
            | Failure::ResponseBodyError(error)
            | Failure::InvalidUpgrade(error) => Self::from_connection(error, call),
            Failure::InvalidRequest(why) | Failure::Custom(why) => {
                Self::invalid_request(&why, call)
            }
            Failure::ErrorResponse(_) => Self::unreadable("the answer is not known here", call),
        }
    }

    /// A whole answer of a status that is not a success.
    pub(crate) fn from_answer(body: &[u8], call: &Call) -> Self {
        let answer = ApiError::read(body, call.api_key());
        let code = answer.as_ref().map(|answer| answer.code.clone());
        let (message, details) = match answer {
            Some(answer) => (answer.message, answer.details),
            None if call.is_oversized() => (OVERSIZED.to_owned(), BTreeMap::new()),
            None => (not_json(body, call.status()), BTreeMap::new()),
        };
        let mut error = Self::unreadable(&message, call);
        if let Some(status) = call.status() {
            let is_ambiguous = details.contains_key("id") && !call.is_transient();
            error.0.kind = kind(status, code.as_ref(), is_ambiguous);
        }
        if error.0.kind == ErrorKind::IdempotencyKeyReused && code.is_some() {
            // The key is another request's, so that no try of this one was carried out under it.
            error.0.retry = Retry::Never;
        }
        error.0.code = code;
        error.0.details = details;
        error.0.name_a_field();
        error
    }

    /// An answer that says nothing, with what its headers say.
    pub(crate) fn unreadable(message: &str, call: &Call) -> Self {
        let mut error = Self::local(ErrorKind::UnexpectedResponse, message);
        let Meta {
            rate_limit,
            request_id,
            ..
        } = call.meta();
        error.0.status = call.status();
        error.0.rate_limit = rate_limit;
        error.0.request_id = request_id;
        error.0.retry_after = call.asked_wait();
        error.0.retry = retry(call, call.is_transient(), error.0.retry_after);
        error.with_call(call)
    }

    pub(crate) fn oversized(call: &Call) -> Self {
        Self::unreadable(OVERSIZED, call)
    }

    pub(crate) fn from_connection(error: reqwest::Error, call: &Call) -> Self {
        let error = error.without_url();
        let cause = sanitize(&root_cause(&error), call.api_key());
        if error.is_builder() {
            return Self::invalid_request(&format!("the request cannot be built: {cause}"), call);
        }
        let (kind, message) = if let Some(failure) = proxy::Failure::of(&error) {
            (ErrorKind::Proxy, of_proxy(failure, &cause, call))
        } else if error.is_timeout() {
            (
                ErrorKind::Timeout,
                "the server did not answer in time".to_owned(),
            )
        } else if error.is_connect() && tls::refused(&error) {
            (
                ErrorKind::Network,
                format!("there is no trusted connection to the server: {cause}"),
            )
        } else if error.is_connect() {
            (
                ErrorKind::Network,
                format!("the server cannot be reached: {cause}"),
            )
        } else {
            (ErrorKind::Network, format!("the connection broke: {cause}"))
        };
        let mut local = Self::local(kind, message).with_call(call);
        local.0.retry = retry(call, !call::is_permanent(&error), None);
        local.0.source = Some(error);
        local
    }

    /// A call that took longer than it might.
    pub(crate) fn deadline_exceeded(call: &Call) -> Self {
        let within = call.deadline().unwrap_or_default();
        let message = match call.status() {
            Some(status) => format!(
                "the call did not end within {within:?}; the last answer was {}",
                status.as_u16()
            ),
            None => format!("the call did not end within {within:?}"),
        };
        let mut error = Self::local(ErrorKind::DeadlineExceeded, message).with_call(call);
        error.0.request_id = call.meta().request_id;
        error.0.retry_after = call.asked_wait();
        error.0.retry = retry(call, true, error.0.retry_after);
        error
    }

    fn with_call(mut self, call: &Call) -> Self {
        self.0.place = place(call);
        self.0.attempts = call.attempts();
        self.0.elapsed = call.elapsed();
        if let Idempotency::Key(key) = call.idempotency() {
            self.0.idempotency_key = Some(key.clone());
        }
        self
    }
}

impl Inner {
    /// Names a field for a validation failure that names none, so that whoever prints the fields prints
    /// it too.
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

/// `leads.create at konektor.id`
fn place(call: &Call) -> Option<String> {
    let operation = call.operation()?;
    Some(format!("{operation} at {}", call.host()))
}

/// What to do about a call whose last try failed; `may_pass` says whether another one may succeed. One
/// that may have happened is never called a failure that stays: whether it did, a repeat under its
/// key tells.
fn retry(call: &Call, may_pass: bool, asked: Option<Duration>) -> Retry {
    /// What a caller may wait when the server does not say.
    const UNASKED: Duration = Duration::from_secs(1);

    let after = asked.unwrap_or(UNASKED);
    match call.idempotency() {
        Idempotency::Key(key) if call.may_have_happened() => Retry::WithKey(key.clone(), after),
        Idempotency::None if call.may_have_happened() => Retry::Never,
        _ if may_pass => Retry::Safe(after),
        _ => Retry::Never,
    }
}

fn of_proxy(failure: proxy::Failure, cause: &str, call: &Call) -> String {
    use proxy::Failure;

    let proxy = match call.proxy() {
        Some(proxy) => format!("the proxy {}", proxy.describe()),
        None => "the proxy".to_owned(),
    };
    match failure {
        Failure::Unauthorized => {
            format!("{proxy} asks for a user name and password, or other ones (407)")
        }
        Failure::Refused => format!("{proxy} does not connect to the server"),
        Failure::Unreachable => format!("{proxy} cannot be reached: {cause}"),
        Failure::Untrusted => format!("there is no trusted connection to {proxy}: {cause}"),
    }
}

/// Whether a body is a failure as the API tells it, and not as something before it does.
pub(crate) fn is_from_the_api(body: &[u8]) -> bool {
    ApiError::read(body, None).is_some()
}

const OVERSIZED: &str = "the answer is larger than 16 MiB";

/// The API's own words on a failure.
struct ApiError {
    code: ErrorCode,
    message: String,
    details: BTreeMap<String, String>,
}

impl ApiError {
    /// Reads what can be read: a newer server may say more, or some of it in another way.
    fn read(body: &[u8], key: Option<&ApiKey>) -> Option<Self> {
        /// More fields than any request has.
        const MOST_FIELDS: usize = 100;

        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error")?;
        let details = error
            .get("details")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .take(MOST_FIELDS);
        let text = |value: &Value| match value {
            Value::String(text) => sanitize(text, key),
            value => sanitize(&value.to_string(), key),
        };
        Some(Self {
            code: ErrorCode::from(sanitize(error.get("code")?.as_str()?, key)),
            message: error
                .get("message")
                .and_then(Value::as_str)
                .map(|message| sanitize(message, key))
                .unwrap_or_default(),
            details: details
                .map(|(field, why)| (sanitize(field, key), text(why)))
                .collect(),
        })
    }
}

fn kind(status: StatusCode, code: Option<&ErrorCode>, is_ambiguous: bool) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        407 => ErrorKind::Proxy,
        408 => ErrorKind::Timeout,
        409 if is_ambiguous => ErrorKind::AmbiguousHandle,
        409 => ErrorKind::Conflict,
        422 => ErrorKind::IdempotencyKeyReused,
        429 => ErrorKind::RateLimited,
        400 | 413 | 415 => ErrorKind::Validation,
        cdn if retry::is_from_a_cdn(cdn) && code.is_none() => ErrorKind::Gateway,
        425 | 500..=599 => ErrorKind::Server,
        _ if code == Some(&ErrorCode::ValidationError) => ErrorKind::Validation,
        _ => ErrorKind::UnexpectedResponse,
    }
}

/// What is known of a body that is not the API's, without quoting it.
fn not_json(body: &[u8], status: Option<StatusCode>) -> String {
    let body = match body.trim_ascii_start().first() {
        None => "was empty",
        Some(b'<') => "was HTML",
        Some(b'{' | b'[') => "was JSON of another kind",
        Some(_) => "was not JSON",
    };
    if status.is_some_and(|status| status.is_redirection()) {
        return "the server redirects elsewhere, which is not followed: is the base URL right?"
            .to_owned();
    }
    match status.map(|status| status.as_u16()) {
        Some(404) => format!("the answer {body}, not the API's: is the base URL right?"),
        Some(407) => "a proxy asks for a user name and password, or other ones".to_owned(),
        Some(status) => match cdn_reason(status) {
            Some(reason) => format!("{reason} (reported by a proxy or CDN)"),
            None => format!("the answer {body}, not the API's"),
        },
        None => format!("the answer {body}, not the API's"),
    }
}

/// What a CDN means by a status that only CDNs use.
fn cdn_reason(status: u16) -> Option<&'static str> {
    Some(match status {
        520 => "the server sent something unexpected",
        521 => "the server is down",
        522 => "connecting to the server took too long",
        523 => "the server is unreachable",
        524 => "the server took too long to answer",
        525 | 526 => "the server's certificate is not trusted",
        527..=530 => "the server cannot be reached",
        _ => return None,
    })
}

/// Where a success stops being what the API describes. serde's own words quote the body.
fn unreadable_because(body: &[u8], error: &serde_json::Error) -> String {
    use serde_json::error::Category;

    const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

    let start = body.trim_ascii_start();
    if start.is_empty() {
        return "the answer is empty".to_owned();
    }
    if start.starts_with(b"<") {
        return "the answer is not JSON but HTML: is the base URL right, or does the network \
                answer with a login page?"
            .to_owned();
    }
    if start.starts_with(BYTE_ORDER_MARK) {
        return "the answer is not JSON: it begins with a byte order mark".to_owned();
    }
    let what = match error.classify() {
        Category::Data => "the answer is not what the API describes",
        Category::Eof => "the answer ends too early",
        Category::Syntax | Category::Io => "the answer is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
}

/// The innermost reason, which names the trouble and not the request.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
