//! Errors of keys and records.

use thiserror::Error;

/// The error when something cannot be sealed or opened. It is safe to log: it contains nothing of keys or records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum VaultError {
    /// The workspace's keys are wrapped under a master key that was not given.
    #[error("keys in this database are wrapped under master key {0}, which was not given")]
    UnknownMasterKey(u32),
    /// A wrapped key was changed, was made under another master key, or belongs to another workspace.
    #[error(
        "a key of this workspace does not open: was this database made with another master key?"
    )]
    DamagedKey,
    /// The workspace has no data key, or not exactly one index key.
    #[error("the workspace's keys are not complete")]
    IncompleteKeys,
    /// A record names a data key that the workspace does not have.
    #[error("a record is sealed under data key {0}, which the workspace does not have")]
    UnknownDataKey(u32),
    /// A record was changed, truncated, or comes from another context.
    #[error("a record does not open: it was changed or comes from elsewhere")]
    DamagedRecord,
    /// The cryptographic library refused its input. It does so only for sizes beyond its limits.
    #[error("a value is too large to seal")]
    TooLarge,
}
