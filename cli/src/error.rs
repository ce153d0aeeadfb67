//! Failures of commands, with hints and exit codes.

use std::{collections::BTreeMap, io, path::Path};

use clap::error::ContextValue;
use heck::ToKebabCase as _;
use konektor_sdk::{ErrorCode, ErrorKind};
use konektor_spec::KEY_PREFIX;
use serde::Serialize;

use crate::base::sanitize;

/// The exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failure,
    Usage,
    PartialSuccess,
    Access,
    NotFound,
    ValidationFailed,
    RateLimited,
    Unavailable,
    Interrupted,
}

impl Exit {
    pub(crate) const ALL: [Self; 10] = [
        Self::Done,
        Self::Failure,
        Self::Usage,
        Self::PartialSuccess,
        Self::Access,
        Self::NotFound,
        Self::ValidationFailed,
        Self::RateLimited,
        Self::Unavailable,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::PartialSuccess => 3,
            Self::Access => 4,
            Self::NotFound => 5,
            Self::ValidationFailed => 6,
            Self::RateLimited => 7,
            Self::Unavailable => 8,
            Self::Interrupted => 130,
        }
    }

    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failure => "any other failure",
            Self::Usage => "invalid command line or setting; nothing was changed",
            Self::PartialSuccess => "partial success: some rows were rejected",
            Self::Access => "no API key, or not allowed with this key",
            Self::NotFound => "not found in this workspace",
            Self::ValidationFailed => "validation failed",
            Self::RateLimited => "rate limited; try again later",
            Self::Unavailable => "the server cannot be reached, or failed",
            Self::Interrupted => "stopped by Ctrl-C",
        }
    }
}

/// Why a command failed. It serialises to the JSON object that programs read.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Failure(Box<Report>);

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    /// The API's error code, or a code of this program if the API did not answer.
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

    /// Whether the same command may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// The message, in one line.
    pub(crate) fn message(&self) -> &str {
        &self.0.message
    }

    /// The lines for a person: message, fields and hints.
    pub(crate) fn lines(&self) -> &[String] {
        &self.0.lines
    }

    fn new(exit: Exit, code: &str, message: impl Into<String>, hint: Option<&str>) -> Self {
        let message = message.into();
        let mut lines = vec![message.clone()];
        lines.extend(hint.map(indent));
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
        Self::new(Exit::Failure, "FAILED", message, None)
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, USAGE, message, None)
    }

    pub(crate) fn no_key(profile: &str, server: &str) -> Self {
        Self::new(
            Exit::Access,
            ErrorCode::Unauthorized.as_str(),
            format!("not logged in to {server} (profile {profile})"),
            Some(&format!(
                "log in with: konektor auth login; in scripts: export KONEKTOR_API_KEY={KEY_PREFIX}…"
            )),
        )
    }

    pub(crate) fn no_config_folder() -> Self {
        Self::new(
            Exit::Usage,
            USAGE,
            "no folder for the config file",
            Some("set HOME or KONEKTOR_CONFIG_DIR to a folder"),
        )
    }

    /// A file that cannot be read or written.
    pub(crate) fn from_file(verb: &str, path: &Path, error: &io::Error) -> Self {
        Self::other(format!("cannot {verb} {}: {error}", path.display()))
    }

    /// A file with secrets that other users can read.
    pub(crate) fn open_to_others(path: &Path) -> Self {
        let path = path.display();
        Self::new(
            Exit::Usage,
            USAGE,
            format!("{path} holds API keys and can be read by other users"),
            Some(&format!(
                "run: chmod 600 {path}; revoke keys that others may have read"
            )),
        )
    }

    pub(crate) fn locked_keyring() -> Self {
        Self::new(
            Exit::Access,
            ErrorCode::Unauthorized.as_str(),
            "the keyring is locked",
            Some(&format!(
                "unlock it and try again; in scripts: export KONEKTOR_API_KEY={KEY_PREFIX}…"
            )),
        )
    }

    /// A keyring that does not answer in time.
    pub(crate) fn unresponsive_keyring() -> Self {
        Self::new(
            Exit::Access,
            ErrorCode::Unauthorized.as_str(),
            "the keyring is locked or does not answer",
            Some("unlock it; or set KONEKTOR_API_KEY, or KONEKTOR_KEY_STORE=file"),
        )
    }

    /// Stdin could not be read.
    pub(crate) fn from_input(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::Interrupted {
            return Self::interrupted("stopped");
        }
        Self::other(format!("cannot read the input: {error}"))
    }

    pub(crate) fn interrupted(message: impl Into<String>) -> Self {
        Self::new(Exit::Interrupted, "INTERRUPTED", message, None)
    }

    /// Values that the document does not allow, found before anything was sent.
    pub(crate) fn not_valid(bad: BTreeMap<String, String>) -> Self {
        let fields = bad
            .iter()
            .map(|(field, why)| format!("{}: {why}", flag_name(field)));
        let message = match bad.len() {
            1 => "1 field is not valid".to_owned(),
            count => format!("{count} fields are not valid"),
        };
        let lines = match bad.len() {
            1 => fields.collect(),
            _ => std::iter::once(message.clone())
                .chain(fields.map(indent))
                .collect(),
        };
        let code = ErrorCode::ValidationError.as_str();
        let mut failure = Self::new(Exit::ValidationFailed, code, message, None);
        failure.0.lines = lines;
        failure.0.details = Some(bad);
        failure
    }

    /// Adds a hint on what to do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        self.0.lines.push(indent(&hint));
        self.0.hint = Some(match self.0.hint.take() {
            Some(first) => format!("{first}; {hint}"),
            None => hint,
        });
        self
    }

    /// The output could not be written. A closed pipe ends the command with exit code 0.
    pub(crate) fn from_output(error: &io::Error) -> Self {
        let message = format!("cannot write the output: {error}");
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::new(Exit::Done, "DONE", message, None),
            _ => Self::other(message),
        }
    }

    /// A key, a base URL or a proxy that the SDK rejects.
    pub(crate) fn from_settings(error: &konektor_sdk::Error) -> Self {
        let message = error.message();
        let is_about_proxy = message.to_lowercase().contains("_proxy");
        let hint = if is_about_proxy {
            "see: konektor help environment"
        } else {
            "check the key, and --base-url, KONEKTOR_BASE_URL or: konektor config list"
        };
        Self::new(Exit::Usage, USAGE, message, Some(hint))
    }

    /// A failed request, with a hint.
    pub(crate) fn from_error(
        error: &konektor_sdk::Error,
        hint: String,
        is_retryable: bool,
    ) -> Self {
        let code = error
            .code()
            .map_or_else(|| code(error.kind()), ErrorCode::as_str);
        let request = error.request_id().map(|id| format!("request {id}"));
        let mut lines = lines(error);
        lines.push(indent(&hint));
        lines.extend(request.map(indent));
        Self(Box::new(Report {
            code: code.to_owned(),
            message: error.message().to_owned(),
            details: (!error.details().is_empty()).then(|| error.details().clone()),
            status: error.status(),
            request_id: error.request_id().map(str::to_owned),
            retryable: is_retryable,
            retry_after: error.retry_after().map(|wait| wait.as_secs()),
            hint: Some(hint),
            exit: exit(error.kind()),
            lines,
        }))
    }

    /// A command line that clap rejects, with clap's message. `command` is the command it names: `konektor leads list`.
    pub(crate) fn from_usage(mut error: clap::Error, command: &str) -> Self {
        // A line break in a value would end the message, which is the first line of clap's text.
        let typed: Vec<_> = error
            .context()
            .filter_map(|(kind, value)| match value {
                ContextValue::String(text) => Some((kind, sanitize::line(text))),
                _ => None,
            })
            .collect();
        for (kind, text) in typed {
            error.insert(kind, ContextValue::String(text));
        }
        let text = error.render().to_string();
        let text = text.strip_prefix("error: ").unwrap_or(&text);
        let mut lines = text
            .lines()
            .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let message = lines.next().unwrap_or_default();
        let failure = if message.ends_with(':') {
            let listed: Vec<_> = lines.by_ref().collect();
            Self::usage(format!("{message} {}", listed.join(", ")))
        } else {
            Self::usage(message)
        };
        lines.fold(failure, Self::hint).hint(match command {
            // A key on the command line is visible to other users, and stays in the shell's history.
            "konektor auth login" => {
                "the key is typed at a prompt, or piped in: pass show konektor | konektor auth login"
                    .to_owned()
            }
            command => format!("see: {command} --help"),
        })
    }
}

impl From<serde_json::Error> for Failure {
    fn from(_: serde_json::Error) -> Self {
        Self::other("cannot write the answer as JSON")
    }
}

const USAGE: &str = "USAGE";

/// Finds the known word that is most similar to an unknown one.
pub(crate) fn nearest<'w>(
    typed: &str,
    words: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    const LIKE_ENOUGH: f64 = 0.8;

    let scored = words
        .into_iter()
        .map(|word| (strsim::jaro(typed, word), word));
    scored
        .filter(|(score, _)| *score >= LIKE_ENOUGH)
        .max_by(|(score, _), (other, _)| score.total_cmp(other))
        .map(|(_, word)| word)
}

/// `, did you mean "list"?`
pub(crate) fn did_you_mean(word: Option<&str>) -> String {
    word.map_or_else(String::new, |word| format!(", did you mean \"{word}\"?"))
}

fn indent(line: impl AsRef<str>) -> String {
    format!("  {}", line.as_ref())
}

fn exit(kind: ErrorKind) -> Exit {
    match kind {
        ErrorKind::Config => Exit::Usage,
        ErrorKind::Unauthorized | ErrorKind::Forbidden => Exit::Access,
        ErrorKind::NotFound => Exit::NotFound,
        ErrorKind::Validation | ErrorKind::IdempotencyKeyReused | ErrorKind::AmbiguousHandle => {
            Exit::ValidationFailed
        }
        ErrorKind::RateLimited => Exit::RateLimited,
        ErrorKind::Conflict
        | ErrorKind::Network
        | ErrorKind::Proxy
        | ErrorKind::Timeout
        | ErrorKind::DeadlineExceeded
        | ErrorKind::Gateway
        | ErrorKind::Server
        | ErrorKind::UnexpectedResponse => Exit::Unavailable,
        _ => Exit::Failure,
    }
}

/// The code of a failure without an error code of the API.
fn code(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Config => USAGE,
        ErrorKind::Network => "NETWORK_ERROR",
        ErrorKind::Proxy => "PROXY_ERROR",
        ErrorKind::Timeout | ErrorKind::DeadlineExceeded => "TIMEOUT",
        ErrorKind::Unauthorized => "UNAUTHORIZED",
        ErrorKind::Forbidden => "FORBIDDEN",
        ErrorKind::NotFound => "NOT_FOUND",
        ErrorKind::Validation | ErrorKind::IdempotencyKeyReused | ErrorKind::AmbiguousHandle => {
            "VALIDATION_ERROR"
        }
        ErrorKind::RateLimited => "RATE_LIMITED",
        ErrorKind::Server | ErrorKind::Gateway => "INTERNAL_ERROR",
        _ => "UNEXPECTED_RESPONSE",
    }
}

/// The message, or a line for each invalid field.
fn lines(error: &konektor_sdk::Error) -> Vec<String> {
    let fields = error
        .details()
        .iter()
        .map(|(field, why)| format!("{}: {why}", flag_name(field)));
    match error.details().len() {
        0 => vec![error.message().to_owned()],
        1 => fields.collect(),
        _ => std::iter::once(error.message().to_owned())
            .chain(fields.map(indent))
            .collect(),
    }
}

/// Returns the flag of a field: `first-name` for `lead.firstName`.
fn flag_name(field: &str) -> String {
    field.trim_start_matches("lead.").to_kebab_case()
}
