//! The name of this program, and errors in its use.

use std::env;

/// An invalid command line. It is shown like an error of the parser.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// The name by which this program was started, so that hints can be pasted into the shell.
pub(super) fn program() -> String {
    env::args()
        .next()
        .unwrap_or_else(|| "konektor-server".to_owned())
}
