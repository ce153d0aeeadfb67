//! One connection to a database of either engine.

use std::time::Duration;

use sqlx::{Connection as _, PgConnection, SqliteConnection};
use tokio::time::timeout;

use super::{kind::Engine, time_limit::TimeLimit};

/// How long a connection may take to show that it is free and alive.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// A connection.
pub struct Connection {
    driver: Driver,
    /// How long each statement may run on SQLite; None for any time.
    statement_timeout: Option<Duration>,
    time_limit: TimeLimit,
    /// Whether the last statement has ended well, so that another one can begin at once.
    has_ended: bool,
    /// How many transactions and savepoints were begun and have not ended, as far as the database has confirmed it.
    open_transactions: u32,
}

/// The connection of a driver.
pub(crate) enum Driver {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    pub(super) async fn sqlite(
        mut connection: SqliteConnection,
        statement_timeout: Option<Duration>,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            time_limit: TimeLimit::of(&mut connection).await?,
            driver: Driver::Sqlite(connection),
            statement_timeout,
            has_ended: true,
            open_transactions: 0,
        })
    }

    pub(super) fn postgres(connection: PgConnection) -> Self {
        Self {
            driver: Driver::Postgres(connection),
            statement_timeout: None,
            time_limit: TimeLimit::default(),
            has_ended: true,
            open_transactions: 0,
        }
    }

    /// Which database this is a connection to.
    pub(crate) fn engine(&self) -> Engine {
        match self.driver {
            Driver::Sqlite(_) => Engine::Sqlite,
            Driver::Postgres(_) => Engine::Postgres,
        }
    }

    /// What the drivers alone can do.
    pub(crate) fn driver(&mut self) -> &mut Driver {
        &mut self.driver
    }

    /// Closes it once its statement has ended.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        match self.driver {
            Driver::Sqlite(connection) => connection.close().await,
            Driver::Postgres(connection) => connection.close().await,
        }
    }

    /// Ends it, and with it whatever is open. The database undoes what was not committed.
    pub(super) async fn abandon(self) {
        match self.driver {
            // The next writer waits for the lock of this one.
            Driver::Sqlite(connection) => {
                let _ = timeout(PING_TIMEOUT, connection.close()).await;
            }
            // Without waiting for a statement that still runs.
            Driver::Postgres(connection) => drop(connection),
        }
    }

    /// Whether a transaction may still be open.
    pub(super) fn is_in_transaction(&self) -> bool {
        self.open_transactions > 0
    }

    /// Notes that a transaction or a savepoint is about to begin.
    pub(super) fn open_transaction(&mut self) {
        self.open_transactions += 1;
    }

    /// Notes that the database has ended a transaction or a savepoint.
    pub(super) fn close_transaction(&mut self) {
        self.open_transactions -= 1;
    }

    /// Whether nothing of an earlier statement is left.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }

    pub(super) fn set_ended(&mut self, has_ended: bool) {
        self.has_ended = has_ended;
    }

    /// Waits until what was begun has ended and the database replies.
    pub(super) async fn settle(&mut self) -> Result<(), sqlx::Error> {
        self.has_ended = false;
        let ping = async {
            match &mut self.driver {
                Driver::Sqlite(connection) => connection.ping().await,
                Driver::Postgres(connection) => connection.ping().await,
            }
        };
        timeout(PING_TIMEOUT, ping)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))?;
        self.has_ended = true;
        Ok(())
    }

    /// Begins a statement.
    pub(super) fn statement(&mut self) -> Statement<'_> {
        self.has_ended = false;
        self.time_limit.set(self.statement_timeout);
        Statement {
            connection: self,
            has_ended: false,
        }
    }
}

/// A statement that runs. If it is dropped before its end, nobody waits for it any more, and SQLite interrupts it.
pub(super) struct Statement<'c> {
    connection: &'c mut Connection,
    has_ended: bool,
}

impl Statement<'_> {
    pub(super) fn driver(&mut self) -> &mut Driver {
        &mut self.connection.driver
    }

    pub(super) fn end<T>(mut self, result: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        self.has_ended = true;
        self.connection.has_ended = result.is_ok();
        self.connection.time_limit.set(None);
        result
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.connection.time_limit.end();
        }
    }
}
