//! Encryption of personal data: what is sealed, under which key, and how it is looked up.
//!
//! ```text
//! master key (the operator's, outside the database; several while one is replaced)
//!   └─ wraps, for each workspace
//!        ├─ data keys   seal records: names, email, phone, notes, ticket text
//!        └─ index key   makes blind indexes of email, phone and name words, hashes API keys, seals cursors
//! ```
//!
//! Everything sealed is bound to its context (workspace, table, row, column). A value that is moved elsewhere does not
//! open. Errors and Debug say which key is missing, never what a key or a record contains.

mod aead;
mod cipher;
mod error;
mod index;
mod master_key;
mod record;
mod token;
mod workspace_keys;

pub use cipher::SealContext;
pub use error::VaultError;
pub use index::{ApiKeyHash, BlindIndex, Fingerprint, IndexKind};
pub use master_key::{MasterKey, MasterKeyError, MasterKeys, MasterKeysError};
pub use workspace_keys::{Purpose, Vault, WorkspaceKeys, WrappedKey};
