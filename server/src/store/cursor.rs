//! Cursors: what a client brings back for the next page of a list.
//!
//! A cursor is sealed for its workspace and operation. Nobody can read, forge or use it elsewhere. It stays valid across
//! restarts, processes and new data keys, because nothing of it is stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{StoreError, Tenant};
use crate::vault::{VaultError, WorkspaceKeys};

/// All that the next page needs.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Cursor {
    /// The filters and the order, defaults filled in.
    pub query: Map<String, Value>,
    /// Time and id of the last row before.
    pub after: (i64, String),
    /// The last time to list, in milliseconds; see [`Position::until`](super::paging::Position::until).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
    /// The number of the page.
    pub page: i64,
    /// The most rows on it.
    pub limit: i64,
}

/// Without the filters, which may hold a search for a person.
impl fmt::Debug for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cursor")
            .field("page", &self.page)
            .finish_non_exhaustive()
    }
}

impl Cursor {
    /// The text for the client.
    ///
    /// # Errors
    /// [`VaultError::TooLarge`] when it is larger than a cipher takes.
    pub fn seal(&self, keys: &WorkspaceKeys, operation: &str) -> Result<String, VaultError> {
        let plaintext = serde_json::to_vec(self).map_err(|_| VaultError::TooLarge)?;
        keys.seal_token(&purpose(operation), &plaintext)
    }

    /// Opens a text that [`Cursor::seal`] made with these keys for this operation; None for any other text.
    #[must_use]
    pub fn open(keys: &WorkspaceKeys, operation: &str, text: &str) -> Option<Self> {
        let plaintext = keys.open_token(&purpose(operation), text)?;
        serde_json::from_slice(&plaintext).ok()
    }
}

impl Tenant {
    /// The text of a cursor of this workspace.
    ///
    /// # Errors
    /// [`StoreError::Vault`] when it is larger than a cipher takes.
    pub fn seal_cursor(&self, operation: &str, cursor: &Cursor) -> Result<String, StoreError> {
        Ok(cursor.seal(&self.keys, operation)?)
    }

    /// Opens a cursor of this workspace and operation; None for any other text.
    #[must_use]
    pub fn open_cursor(&self, operation: &str, text: &str) -> Option<Cursor> {
        Cursor::open(&self.keys, operation, text)
    }
}

fn purpose(operation: &str) -> String {
    format!("cursor {operation}")
}
