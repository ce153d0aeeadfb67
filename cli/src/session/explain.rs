//! What to do about a request that failed.

use std::time::Duration;

use konektor_sdk::{Error, ErrorKind, Retry};
use konektor_spec::Operation;

use super::Context;
use crate::error::Failure;

/// Nobody is offered to wait longer.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// A failed request as a failure of the command, with what to do about it.
pub(crate) fn explain(
    error: &Error,
    operation: Option<&Operation>,
    context: &Context<'_>,
) -> Failure {
    explain_keyed(error, operation, context, false)
}

/// The same for a command that, run again, sends its writes under the same idempotency keys if `keeps_keys`.
pub(super) fn explain_keyed(
    error: &Error,
    operation: Option<&Operation>,
    context: &Context<'_>,
    keeps_keys: bool,
) -> Failure {
    // Where it is not known what has happened, only the same keys make a repetition harmless.
    let is_repeatable = match error.retry() {
        Retry::Never => false,
        Retry::Safe(_) => true,
        Retry::WithKey(..) => keeps_keys,
    };
    let hint = hint(error, operation, context, is_repeatable);
    Failure::from_error(error, hint, is_repeatable)
}

/// What to do about it.
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
            // Of a longer wait, such as the one for a new day, people are told instead.
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
