//! What connections are made to, and how.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, ConnectOptions, Executor,
    postgres::PgConnectOptions,
    sqlite::{SqliteConnectOptions, SqliteSynchronous},
};

use super::{connection::Connection, kind::Engine};

/// How long SQLite waits for another process that writes.
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A database to connect to.
#[derive(Clone)]
pub(crate) struct Target {
    options: Options,
    /// After how long a statement is given up; None for never.
    statement_timeout: Option<Duration>,
}

#[derive(Clone)]
enum Options {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Target {
    /// Reads a URL of an engine.
    pub(crate) fn new(
        engine: Engine,
        url: &str,
        statement_timeout: Option<Duration>,
    ) -> Result<Self, sqlx::Error> {
        let options = match engine {
            // FULL: an acknowledged write survives a power cut, which NORMAL does not promise in WAL mode.
            // secure_delete: a deleted key stays in no unused part of the file.
            Engine::Sqlite => Options::Sqlite(
                url.parse::<SqliteConnectOptions>()?
                    .busy_timeout(SQLITE_BUSY_TIMEOUT)
                    .synchronous(SqliteSynchronous::Full)
                    .foreign_keys(true)
                    .pragma("secure_delete", "on"),
            ),
            Engine::Postgres => Options::Postgres(url.parse()?),
        };
        Ok(Self {
            options,
            statement_timeout,
        })
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        match &self.options {
            Options::Sqlite(options) => {
                Connection::sqlite(options.connect().await?, self.statement_timeout).await
            }
            Options::Postgres(options) => {
                let mut connection = options.connect().await?;
                if let Some(timeout) = self.statement_timeout {
                    let sql = format!("set statement_timeout = {}", timeout.as_millis());
                    let setting = sqlx::raw_sql(AssertSqlSafe(sql));
                    connection.execute(setting).await?;
                }
                Ok(Connection::postgres(connection))
            }
        }
    }
}
