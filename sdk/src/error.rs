use std::{collections::BTreeMap, fmt, time::Duration};

use reqwest::StatusCode;
use serde_json::Value;

use crate::{ErrorCode, RateLimit, call::Call, response::Meta, tls};

/// Why a call failed.
///
/// Its text is fit for a person and for a log: it never holds the key, a URL, a header, or what a
/// lead is called. The server's own words are in it.
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
///     // 403 FORBIDDEN: The key lacks the scope agent.leads.write (request 5f0c1d2e-…)
///     Err(error) => eprintln!("{error}"),
/// }
/// # }
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    status: Option<StatusCode>,
    code: Option<ErrorCode>,
    message: String,
    details: BTreeMap<String, String>,
    rate_limit: Option<RateLimit>,
    request_id: Option<String>,
    attempts: u32,
    retry_after: Option<Duration>,
    retryable: bool,
    source: Option<reqwest::Error>,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The client cannot be built like this: base URL, key, TLS.
    Config,
    /// The server was not reached, or the connection broke.
    Network,
    /// No whole answer within the time, or 408.
    Timeout,
    /// The key is missing, unknown, expired or revoked (401).
    Unauthorized,
    /// The key lacks a scope or may not be used from here, or the plan has no Agent API (403).
    Forbidden,
    /// Something sent is not valid (400, 413, 415); [`Error::details`] names the fields. Or the
    /// `Idempotency-Key` was used for another request (422).
    Validation,
    /// There is no such thing in this workspace (404).
    NotFound,
    /// An earlier request with the same `Idempotency-Key` is being carried out (409).
    Conflict,
    /// Over a limit (429); [`Error::retry_after`] says how long.
    RateLimited,
    /// Something went wrong on the server's side (5xx).
    Server,
    /// An answer that the API does not give: a redirect, malformed JSON, a status of no meaning
    /// here.
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

    /// How long the server asks to wait before the next try.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// if let Err(error) = client.leads().create("Andi").send().await {
    ///     if let Some(wait) = error.retry_after().filter(|_| error.retryable()) {
    ///         println!("again in {} s", wait.as_secs());
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

    /// Whether the same call may be made again without harm, and may succeed then.
    ///
    /// A call that adds something (creating a lead or a ticket) is always safe to make again under an
    /// `idempotency_key` of your own. Without one every call has a new key, and it is safe only when
    /// the server has not acted on any try of it: over the limit (429), not received whole (408), or
    /// never reached. After a timeout or a 503 look first whether it happened.
    ///
    /// ```no_run
    /// # async fn example(client: konektor_sdk::Client) {
    /// match client.leads().create("Andi").idempotency_key("order-1024").send().await {
    ///     Err(error) if error.retryable() => println!("later, after {:?}", error.retry_after()),
    ///     _ => {}
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn retryable(&self) -> bool {
        self.0.retryable
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

/// `403 FORBIDDEN: The key lacks the scope agent.leads.write (request 5f0c…)`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner {
            status,
            code,
            message,
            details,
            request_id,
            attempts,
            ..
        } = &*self.0;
        match (status, code) {
            (Some(status), Some(code)) => write!(f, "{} {code}: ", status.as_u16())?,
            (Some(status), None) => write!(f, "{status}: ")?,
            (None, _) => {}
        }
        f.write_str(message)?;
        for (index, (field, why)) in details.iter().enumerate() {
            write!(f, "{} {field}: {why}", if index == 0 { ":" } else { ";" })?;
        }
        let tries = (*attempts > 1).then(|| format!("{attempts} attempts"));
        match (request_id, tries) {
            (Some(id), Some(tries)) => write!(f, " (request {id}, {tries})"),
            (Some(id), None) => write!(f, " (request {id})"),
            (None, Some(tries)) => write!(f, " ({tries})"),
            (None, None) => Ok(()),
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
            status: None,
            code: None,
            message: message.into(),
            details: BTreeMap::new(),
            rate_limit: None,
            request_id: None,
            attempts: 0,
            retry_after: None,
            retryable: false,
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

    /// A page that names itself as the next one.
    pub(crate) fn endless_pages() -> Self {
        Self::local(
            ErrorKind::UnexpectedResponse,
            "the server sends the same page again and again",
        )
    }

    pub(crate) fn bad_field(field: &str, why: &str) -> Self {
        let mut error = Self::local(ErrorKind::Validation, "1 field is not valid");
        error.0.details.insert(field.to_owned(), why.to_owned());
        error
    }

    /// What the generated client could not deliver.
    pub(crate) async fn of_call(error: progenitor_client::Error, call: &Call) -> Self {
        use progenitor_client::Error as Failure;

        match error {
            Failure::UnexpectedResponse(response) => {
                let body = response.bytes().await.unwrap_or_default();
                Self::of_answer(&body, call)
            }
            Failure::InvalidResponsePayload(body, error) => {
                Self::unreadable(&unreadable_because(&body, &error), call)
            }
            Failure::CommunicationError(error)
            | Failure::ResponseBodyError(error)
            | Failure::InvalidUpgrade(error) => Self::of_connection(error, call),
            Failure::InvalidRequest(why) | Failure::Custom(why) => {
                Self::local(ErrorKind::Validation, why)
            }
            Failure::ErrorResponse(_) => Self::unreadable("the answer is not known here", call),
        }
    }

    /// A whole answer of a status that is no success.
    pub(crate) fn of_answer(body: &[u8], call: &Call) -> Self {
        let answer = Account::read(body);
        let code = answer.as_ref().map(|answer| answer.code.clone());
        let (message, details) = match answer {
            Some(answer) => (answer.message, answer.details),
            None => (not_json(body, call.status()), BTreeMap::new()),
        };
        let mut error = Self::unreadable(&message, call);
        if let Some(status) = call.status() {
            error.0.kind = kind(status, code.as_ref());
            error.0.retryable = call.is_transient() && call.is_safe_again();
        }
        error.0.code = code;
        error.0.details = details;
        error
    }

    /// An answer that says nothing, with what its headers say.
    pub(crate) fn unreadable(message: &str, call: &Call) -> Self {
        let mut error = Self::local(ErrorKind::UnexpectedResponse, message);
        let Meta {
            rate_limit,
            request_id,
            attempts,
            ..
        } = call.meta();
        error.0.status = call.status();
        error.0.rate_limit = rate_limit;
        error.0.request_id = request_id;
        error.0.attempts = attempts;
        error.0.retry_after = call.asked_wait();
        error
    }

    pub(crate) fn of_connection(error: reqwest::Error, call: &Call) -> Self {
        let error = error.without_url();
        let cause = root_cause(&error);
        if error.is_builder() {
            return Self::local(
                ErrorKind::Validation,
                format!("the request cannot be built: {cause}"),
            );
        }
        let refused = tls::refused(&error);
        let (kind, message) = if error.is_timeout() {
            (
                ErrorKind::Timeout,
                "the server did not answer in time".to_owned(),
            )
        } else if refused {
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
        let mut local = Self::local(kind, message);
        local.0.attempts = call.attempts();
        local.0.retryable = !refused && call.is_safe_again();
        local.0.source = Some(error);
        local
    }
}

/// The API's own account of a failure.
struct Account {
    code: ErrorCode,
    message: String,
    details: BTreeMap<String, String>,
}

impl Account {
    /// Reads what can be read: a newer server may say more, or some of it in another way.
    fn read(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let error = body.get("error")?;
        let details = error
            .get("details")
            .and_then(Value::as_object)
            .into_iter()
            .flatten();
        Some(Self {
            code: ErrorCode::from(error.get("code")?.as_str()?),
            message: printable(
                error
                    .get("message")
                    .and_then(Value::as_str)
                    .unwrap_or_default(),
            ),
            details: details
                .map(|(field, why)| (printable(field), text(why)))
                .collect(),
        })
    }
}

fn text(value: &Value) -> String {
    printable(
        &value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
    )
}

/// Text without control characters: an error ends in a terminal or a log.
fn printable(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect()
}

fn kind(status: StatusCode, code: Option<&ErrorCode>) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Unauthorized,
        403 => ErrorKind::Forbidden,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        409 => ErrorKind::Conflict,
        429 => ErrorKind::RateLimited,
        400 | 413 | 415 | 422 => ErrorKind::Validation,
        500..=599 => ErrorKind::Server,
        _ if code == Some(&ErrorCode::ValidationError) => ErrorKind::Validation,
        _ => ErrorKind::UnexpectedResponse,
    }
}

/// What is known of a body that is not the API's, without quoting it.
fn not_json(body: &[u8], status: Option<StatusCode>) -> String {
    let start = body.trim_ascii_start();
    let body = match start.first() {
        None => "was empty",
        Some(b'<') => "was HTML",
        Some(b'{' | b'[') => "was JSON of another kind",
        Some(_) => "was not JSON",
    };
    if status.is_some_and(|status| status.is_redirection()) {
        "the server redirects elsewhere, which is not followed: is the base URL right?".to_owned()
    } else if status == Some(StatusCode::NOT_FOUND) {
        format!("the answer {body}, not the API's: is the base URL right?")
    } else {
        format!("the answer {body}, not the API's")
    }
}

/// Where a success stops being what the API describes. serde's own words quote the body.
fn unreadable_because(body: &[u8], error: &serde_json::Error) -> String {
    use serde_json::error::Category;

    if body.trim_ascii().is_empty() {
        return "the answer is empty".to_owned();
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
