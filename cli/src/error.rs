//! What goes wrong, what to do about it, and the exit code that says so.

use std::{collections::BTreeMap, io};

use clap::error::{ContextKind, ContextValue};
use heck::ToKebabCase as _;
use konektor_sdk::{ErrorCode, ErrorKind};
use konektor_spec::Operation;
use serde::Serialize;

use crate::call::Call;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Other,
    Usage,
    Access,
    NotFound,
    NotValid,
    RateLimited,
    Unavailable,
}

impl Exit {
    pub(crate) const ALL: [Self; 8] = [
        Self::Done,
        Self::Other,
        Self::Usage,
        Self::Access,
        Self::NotFound,
        Self::NotValid,
        Self::RateLimited,
        Self::Unavailable,
    ];

    /// The number that the shell sees; 3 means nothing.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Other => 1,
            Self::Usage => 2,
            Self::Access => 4,
            Self::NotFound => 5,
            Self::NotValid => 6,
            Self::RateLimited => 7,
            Self::Unavailable => 8,
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Other => "any other failure",
            Self::Usage => "the command line or a setting is wrong; nothing was sent",
            Self::Access => "no key, or one that may not do this",
            Self::NotFound => "there is no such thing in the workspace",
            Self::NotValid => "the server found a value not valid",
            Self::RateLimited => "too many requests; try again later",
            Self::Unavailable => "the server cannot be reached, or fails",
        }
    }
}

/// Why there is no answer. Written as JSON it is what programs are told.
#[derive(Debug, Serialize)]
pub(crate) struct Failure(Box<Report>);

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// The API's code, or the nearest word when the API did not answer.
    code: String,
    message: String,
    details: Option<BTreeMap<String, String>>,
    status: Option<u16>,
    request_id: Option<String>,
    retryable: bool,
    /// Seconds.
    retry_after: Option<u64>,
    hint: Option<String>,
    #[serde(skip)]
    exit: Exit,
    #[serde(skip)]
    lines: Vec<String>,
}

impl Failure {
    pub(crate) fn exit(&self) -> Exit {
        self.0.exit
    }

    /// All that a person is told.
    pub(crate) fn lines(&self) -> &[String] {
        &self.0.lines
    }

    fn new(exit: Exit, code: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        let message = message.into();
        let mut lines = vec![message.clone()];
        lines.extend(hint.map(indented));
        Self(Box::new(Report {
            code: code.to_owned(),
            message,
            details: None,
            status: None,
            request_id: None,
            retryable: false,
            retry_after: None,
            hint: hint.map(str::to_owned),
            exit,
            lines,
        }))
    }

    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Other, "FAILED", message, None)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, USAGE, message, None)
    }

    pub(crate) fn no_key() -> Self {
        Self::new(
            Exit::Access,
            ErrorCode::Unauthorized.as_str(),
            "this needs an API key",
            Some(
                "set KONEKTOR_API_KEY to a key of the workspace, for example: \
                 export KONEKTOR_API_KEY=kna_…",
            ),
        )
    }

    /// The output could not be written; `None` when nobody reads it any more, which is no failure.
    pub(crate) fn of_output(error: &io::Error) -> Option<Self> {
        (error.kind() != io::ErrorKind::BrokenPipe)
            .then(|| Self::other(format!("the output cannot be written: {error}")))
    }

    /// A key or a base URL that the SDK does not take.
    pub(crate) fn of_settings(error: &konektor_sdk::Error) -> Self {
        Self::new(
            Exit::Usage,
            USAGE,
            error.message(),
            Some("check KONEKTOR_API_KEY, and --base-url or KONEKTOR_BASE_URL"),
        )
    }

    /// A call that the SDK could not bring to an end.
    pub(crate) fn of_call(error: &konektor_sdk::Error, call: &Call<'_>) -> Self {
        let hint = hint(error, call);
        let code = error
            .code()
            .map_or_else(|| code(error.kind()), ErrorCode::as_str);
        let request = error.request_id().map(|id| format!("request {id}"));
        let mut lines = lines(error);
        lines.push(indented(&hint));
        lines.extend(request.map(indented));
        Self(Box::new(Report {
            code: code.to_owned(),
            message: error.message().to_owned(),
            details: (!error.details().is_empty()).then(|| error.details().clone()),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            retryable: error.retryable(),
            retry_after: error.retry_after().map(|wait| wait.as_secs()),
            hint: Some(hint),
            exit: exit(error.kind()),
            lines,
        }))
    }

    /// A command line that clap does not take.
    pub(crate) fn of_usage(error: &clap::Error) -> Self {
        if let Some(failure) = Self::of_word(error) {
            return failure;
        }
        let text = error.render().to_string();
        let mut lines = text
            .trim_end()
            .strip_prefix("error: ")
            .unwrap_or(&text)
            .lines();
        let message = lines.next().unwrap_or_default();
        let mut failure = Self::usage(message);
        failure.0.lines.extend(lines.map(str::to_owned));
        failure
    }

    /// A value that is not among those allowed.
    fn of_word(error: &clap::Error) -> Option<Self> {
        let ContextValue::Strings(allowed) = error.get(ContextKind::ValidValue)? else {
            return None;
        };
        let flag = string(error, ContextKind::InvalidArg)?;
        let name = flag.split_whitespace().next()?.trim_start_matches('-');
        let value = string(error, ContextKind::InvalidValue)?;
        let nearest = string(error, ContextKind::SuggestedValue)
            .map(|nearest| format!(", did you mean \"{nearest}\"?"))
            .unwrap_or_default();
        Some(Self::new(
            Exit::Usage,
            USAGE,
            format!("{name}: \"{value}\" is not allowed{nearest}"),
            Some(&format!("allowed: {}", allowed.join(", "))),
        ))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self::other("the answer cannot be written as JSON")
    }
}

const USAGE: &str = "USAGE";

fn indented(line: impl AsRef<str>) -> String {
    format!("  {}", line.as_ref())
}

fn string(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

fn exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::Config => Exit::Usage,
        ErrorKind::Unauthorized | ErrorKind::Forbidden => Exit::Access,
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Validation => Exit::NotValid,
        ErrorKind::RateLimited => Exit::RateLimited,
        ErrorKind::Conflict
        | ErrorKind::Network
        | ErrorKind::Timeout
        | ErrorKind::Server
        | ErrorKind::UnexpectedResponse => Exit::Unavailable,
        _ => Exit::Other,
    }
}

/// A word for failures that the API gave no code.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => USAGE,
        ErrorKind::Network => "NETWORK_ERROR",
        ErrorKind::Timeout => "TIMEOUT",
        ErrorKind::Unauthorized => "UNAUTHORIZED",
        ErrorKind::Forbidden => "FORBIDDEN",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::Validation => "VALIDATION_ERROR",
        ErrorKind::RateLimited => "RATE_LIMITED",
        ErrorKind::Server => "INTERNAL_ERROR",
        _ => "UNEXPECTED_RESPONSE",
    }
}

/// What is wrong: one line, or one for each bad field.
fn lines(error: &konektor_sdk::Error) -> Vec<String> {
    let fields = error
        .details()
        .iter()
        .map(|(field, why)| format!("{}: {why}", flag_name(field)));
    match error.details().len() {
        0 => vec![error.message().to_owned()],
        1 => fields.collect(),
        _ => std::iter::once(error.message().to_owned())
            .chain(fields.map(indented))
            .collect(),
    }
}

/// `lead.firstName` as it is typed: `first-name`.
fn flag_name(field: &str) -> String {
    field.trim_start_matches("lead.").to_kebab_case()
}

/// What to do about it.
fn hint(error: &konektor_sdk::Error, call: &Call<'_>) -> String {
    match error.kind() {
        ErrorKind::Unauthorized => format!(
            "check KONEKTOR_API_KEY: the key may be mistyped, expired, revoked, or not of {}",
            call.server()
        ),
        ErrorKind::Forbidden => forbidden(call.operation),
        ErrorKind::NotFound if error.code().is_some() && may_be_missing(call.operation) => {
            "a lead is named by its id, uniqueCode, externalRef or phone; find it with: \
             konektor leads list --search …"
                .to_owned()
        }
        ErrorKind::NotFound => format!("is there a Konektor server at {}?", call.server()),
        ErrorKind::Validation => format!("see: konektor {} --help", call.name()),
        ErrorKind::RateLimited => match error.retry_after() {
            Some(wait) => format!("try again in {}", seconds(wait.as_secs())),
            None => "try again in a minute".to_owned(),
        },
        ErrorKind::Network => format!(
            "check the network and the address: {} (--base-url or KONEKTOR_BASE_URL)",
            call.server()
        ),
        ErrorKind::UnexpectedResponse => {
            format!("is there a Konektor server at {}?", call.server())
        }
        _ if error.retryable() => "try again in a moment".to_owned(),
        _ if call.operation.method == "GET" => "try again; if it stays, tell support".to_owned(),
        _ => "look whether it happened before you try again".to_owned(),
    }
}

fn forbidden(operation: &Operation) -> String {
    let scope = operation.scope().unwrap_or_default();
    format!(
        "this needs a key with the scope {scope}, used from an address that it allows, \
         on a plan with the Agent API"
    )
}

/// Whether the operation asks for one thing, which may not be there; all such things are leads.
fn may_be_missing(operation: &Operation) -> bool {
    operation
        .responses
        .iter()
        .any(|response| response.status == 404)
}

fn seconds(count: u64) -> String {
    match count {
        1 => "1 second".to_owned(),
        0..=119 => format!("{count} seconds"),
        120..=7199 => format!("{} minutes", count.div_ceil(60)),
        _ => format!("{} hours", count.div_ceil(3600)),
    }
}
