//! How this program is called.

use std::env;

/// A command line that makes no sense; shown like the parser's own errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct UsageError(pub(super) String);

/// How this program was called, so that a hint can be typed as it stands.
pub(super) fn program() -> String {
    env::args()
        .next()
        .unwrap_or_else(|| "konektor-server".to_owned())
}
