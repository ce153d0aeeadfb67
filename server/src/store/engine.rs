//! The databases the server runs on.

use std::fmt;

/// A database the server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file beside the server.
    Sqlite,
    /// A server of its own.
    Postgres,
}

impl Engine {
    /// What begins a transaction that writes.
    pub(super) fn begin(self) -> &'static str {
        match self {
            // A deferred transaction that becomes a writer half-way may fail with "database is locked".
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
