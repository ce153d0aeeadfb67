//! Detecting a pooler that spreads the statements of one connection over several sessions, as PgBouncer does in
//! transaction mode. sqlx's prepared statements belong to a session and would fail there now and then.

use thiserror::Error;

use super::{
    StoreError,
    engine::{Connection, raw},
};

const SELECT_SESSION: &str = "select pg_backend_pid()";

/// How often the check is repeated: other clients of a pooler can hide it.
const POOLER_CHECKS: usize = 3;

/// A pooler before PostgreSQL through which this program does not work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PoolerError {
    /// One connection is not one session.
    #[error(
        "PostgreSQL is behind a pooler that shares its sessions among transactions, in which prepared statements get \
         lost; set PgBouncer's pool_mode to session, or connect to PostgreSQL directly"
    )]
    SharedSessions,
    /// PgBouncer before 1.20, unless it is told to.
    #[error(
        "the pooler before PostgreSQL does not take the parameter extra_float_digits; set PgBouncer's \
         ignore_startup_parameters to extra_float_digits and its pool_mode to session, or connect to PostgreSQL directly"
    )]
    StartupParameter,
}

impl PoolerError {
    /// What a connection that was not made says of a pooler.
    pub(super) fn from_connecting(error: &sqlx::Error) -> Option<Self> {
        let message = error.as_database_error()?.message();
        message
            .starts_with("unsupported startup parameter")
            .then_some(Self::StartupParameter)
    }
}

/// Makes sure that two connections are two sessions and stay so. A pooler that shares sessions gives the free session of
/// one connection to the other, or another session to the first.
pub(super) async fn check(one: &mut Connection, other: &mut Connection) -> Result<(), StoreError> {
    for _ in 0..POOLER_CHECKS {
        let before = session(one).await?;
        // In a transaction, which keeps its session.
        raw("begin").execute(&mut *other).await?;
        let beside = session(other).await;
        let after = session(one).await;
        raw("rollback").execute(&mut *other).await?;
        if beside? == before || after? != before {
            return Err(PoolerError::SharedSessions.into());
        }
    }
    Ok(())
}

/// The process of PostgreSQL that answers; as a simple query, which needs no prepared statement.
async fn session(connection: &mut Connection) -> Result<i32, StoreError> {
    let row = raw(SELECT_SESSION).fetch_one(connection).await?;
    Ok(row.get(0)?)
}
