//! What can go wrong below the operations.

use std::{collections::BTreeMap, sync::Arc};

use sqlx::{error::DatabaseError, postgres::PgDatabaseError};

use super::{DatabaseUrlError, PoolerError, SchemaError};
use crate::{panics::Panicked, vault::VaultError};

/// Why the store failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The URL is not that of a database.
    #[error(transparent)]
    Url(#[from] DatabaseUrlError),
    /// A pooler is in the way.
    #[error(transparent)]
    Pooler(#[from] PoolerError),
    /// The database has another schema than this program.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The database is away, full or too busy; the same call may work later. A group of writes shares its cause.
    #[error("the database is not available: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// The database was lost during the commit, or did not reply to it: the write may have happened.
    #[error("it is not known whether the database has written it: {0}")]
    OutcomeUnknown(#[source] Arc<sqlx::Error>),
    /// A fault of the program; nothing was written.
    #[error("the write {0}")]
    Panicked(#[source] Panicked),
    /// Another lead of the workspace has these fields' values already.
    #[error("another lead has the same {}", .0.keys().copied().collect::<Vec<_>>().join(", "))]
    Taken(BTreeMap<&'static str, Taken>),
    /// A handle fits several leads.
    #[error("the handle fits {} leads", .0.len())]
    Ambiguous(Vec<Candidate>),
    /// Concurrent writes changed the same leads again and again; the same call may work later.
    #[error("too many writes to the same lead at once")]
    Raced,
    /// There are so many tickets that no free reference was drawn.
    #[error("no free ticket reference was drawn")]
    NoFreeReference,
    /// The workspace was deleted while the call was under way.
    #[error("the workspace was deleted")]
    NoWorkspace,
    /// The workspace may create no more leads today.
    #[error("the workspace's leads of the day are used up")]
    LeadsPerDay,
    /// The tables could not be brought up to date.
    #[error("the database could not be migrated: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// What is stored does not open; the message says nothing of its content.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A sealed row does not open while it is sealed again. Its table and id are not personal data.
    #[error("{0} {1}: {2}")]
    Sealed(&'static str, String, #[source] VaultError),
    /// A stored value is impossible: another program has changed the database.
    #[error("the database holds an impossible {0}")]
    Corrupt(&'static str),
    /// An answer that has to be stored cannot be serialised.
    #[error("the answer cannot be serialised: {0}")]
    Unserializable(#[from] serde_json::Error),
    /// Anything else the database said.
    #[error("the database refused: {0}")]
    Database(#[source] sqlx::Error),
}

/// Why a value cannot be a lead's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Another lead has it in the same field.
    Same,
    /// Another lead has it in this field, so that a handle would fit both.
    As(&'static str),
}

/// A lead that a handle fits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// Its id.
    pub id: String,
    /// The field that the handle fits.
    pub field: &'static str,
}

impl StoreError {
    /// Whether the write lost a race, so that another attempt sees what the winner did.
    pub(super) fn is_race(&self) -> bool {
        match self {
            // The row is under a data key that was made after the transaction looked up the current keys.
            Self::Raced | Self::Vault(VaultError::UnknownDataKey(_)) => true,
            Self::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            Self::Unavailable(error) => error
                .as_database_error()
                .and_then(DatabaseError::code)
                .is_some_and(|code| code.starts_with("40")),
            _ => false,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if is_unavailable(&error) {
            Self::Unavailable(Arc::new(error))
        } else {
            Self::Database(error)
        }
    }
}

/// Whether a commit that failed with this has surely left nothing: a broken rule, a conflict, or no room on PostgreSQL
/// (SQLSTATE classes 23, 40 and 53), BUSY and FULL on SQLite. After any other failure the commit may be on the disk.
pub(super) fn is_undone(commit: &sqlx::Error) -> bool {
    let code = commit.as_database_error().and_then(DatabaseError::code);
    code.is_some_and(|code| {
        if code.len() == 5 {
            ["23", "40", "53"]
                .iter()
                .any(|class| code.starts_with(class))
        } else {
            code.parse::<u32>()
                .is_ok_and(|code| matches!(code & 0xff, 5 | 13))
        }
    })
}

/// The SQLSTATE of PostgreSQL's error.
pub(super) fn sql_state(error: &sqlx::Error) -> Option<&str> {
    let error = error.as_database_error()?;
    let error = error.try_downcast_ref::<PgDatabaseError>()?;
    Some(error.code())
}

fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| is_unavailable_code(&code)),
        _ => false,
    }
}

/// SQLSTATE classes 08 (connection), 53 (resources), 57 (operator intervention) and 40 (deadlock, serialisation), see
/// <https://www.postgresql.org/docs/current/errcodes-appendix.html>; SQLite's BUSY 5, LOCKED 6, INTERRUPT 9, IOERR 10,
/// FULL 13 and CANTOPEN 14, whose extended codes keep them in the low byte, see <https://www.sqlite.org/rescode.html>.
fn is_unavailable_code(code: &str) -> bool {
    if code.len() == 5 {
        return ["08", "40", "53", "57"]
            .iter()
            .any(|class| code.starts_with(class));
    }
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5 | 6 | 9 | 10 | 13 | 14))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_or_full_database_is_unavailable_and_a_broken_rule_is_not() {
        for code in ["5", "261", "9", "13", "57P01", "53300", "40P01"] {
            assert!(is_unavailable_code(code), "{code}");
        }
        for code in ["2067", "1555", "1", "23505", "42P01"] {
            assert!(!is_unavailable_code(code), "{code}");
        }
    }
}
