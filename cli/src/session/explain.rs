//! Hints for requests that failed.

use std::time::Duration;

use konektor_sdk::{Error, ErrorKind, Retry};
use konektor_spec::Operation;

use super::Context;
use crate::error::Failure;

/// The longest wait that a hint offers with `--max-wait`.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Turns the error of a request into a failure of the command, with a hint.
pub(crate) fn explain(
    error: &Error,
    operation: Option<&Operation>,
    context: &Context<'_>,
) -> Failure {
    explain_keyed(error, operation, context, false)
}

/// The same for a command that sends its writes with the same idempotency keys when it is repeated, if `keeps_keys`.
pub(super) fn explain_keyed(
    error: &Error,
    operation: Option<&Operation>,
    context: &Context<'_>,
    keeps_keys: bool,
) -> Failure {
    // If the outcome of a write is unknown, only the same idempotency key makes a repeat safe.
    let is_repeatable = match error.retry() {
        Retry::Never => false,
        Retry::Safe(_) => true,
        Retry::WithKey(..) => keeps_keys,
    };
    let hint = hint(error, operation, context, is_repeatable);
    Failure::from_error(error, hint, is_repeatable)
}

/// Says what to do next.
fn hint(
    error: &Error,
    operation: Option<&Operation>,
    context: &Context<'_>,
    is_repeatable: bool,
) -> String {
    let server = context.settings.server();
    match error.kind() {
        ErrorKind::Unauthorized => format!(
            "check the key (konektor auth status): it may be mistyped, expired, revoked, or belong to a different server than {server}"
        ),
        ErrorKind::Forbidden => forbidden(operation),
        ErrorKind::NotFound if error.code().is_some() && operation.is_some_and(may_be_missing) => {
            "find the lead with: konektor leads list --search …".to_owned()
        }
        ErrorKind::NotFound | ErrorKind::UnexpectedResponse => {
            format!("no Konektor API found at {server}; check the server URL")
        }
        // A request that the SDK refuses to build is never sent.
        ErrorKind::Config | ErrorKind::Validation | ErrorKind::IdempotencyKeyReused => {
            format!("see: konektor {} --help", context.path.join(" "))
        }
        ErrorKind::AmbiguousHandle => "use the id of the lead".to_owned(),
        ErrorKind::Proxy => "check the proxy, and the variable that names it".to_owned(),
        ErrorKind::RateLimited => match error.retry_after() {
            // A longer wait, until the next day for example, is not worth waiting for.
            Some(wait) if wait > LONGEST_WAIT => {
                format!("try again in {}", seconds(wait.as_secs()))
            }
            Some(wait) => format!(
                "retry in {}, or pass --max-wait {}s to wait automatically",
                seconds(wait.as_secs()),
                wait.as_secs()
            ),
            None => "try again in a minute".to_owned(),
        },
        ErrorKind::Network => format!(
            "check the network and the server URL: {server} (--base-url, KONEKTOR_BASE_URL or the profile)"
        ),
        _ if is_repeatable => "try again in a moment".to_owned(),
        _ if operation.is_some_and(|operation| operation.method == "GET") => {
            "try again; if it persists, contact support".to_owned()
        }
        _ => "check whether it took effect before you try again".to_owned(),
    }
}

fn forbidden(operation: Option<&Operation>) -> String {
    let scope = operation.and_then(Operation::scope).map_or_else(
        || "the required scope".to_owned(),
        |scope| format!("the scope {scope}"),
    );
    format!(
        "use a key with {scope}, from an address that the key allows, \
         on a plan with the Agent API"
    )
}

/// Whether the operation reads or changes one lead, which may not exist.
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
