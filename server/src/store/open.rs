//! Opening a database: its schema, its pools and their connections.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::time::timeout;

use super::{
    Broken, DatabaseUrl, Engine, Store, StoreError,
    group_commit::GroupCommit,
    health::PING_TIMEOUT,
    in_flight::InFlight,
    pooler::{self, PoolerError},
    schema::{self, SchemaError, SchemaPolicy},
};
use crate::{randomness::Randomness, settings::DatabaseSettings, vault::Vault};

/// A connection that was idle for longer is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// How to open a database.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    schema: SchemaPolicy,
    postgres_connections: u32,
    sqlite_readers: u32,
    acquire_timeout: Duration,
    /// After how long PostgreSQL gives up a statement by itself; None for never.
    statement_timeout: Option<Duration>,
}

impl OpenOptions {
    /// For a command that an operator waits for: no statement is given up.
    #[must_use]
    pub fn new(schema: SchemaPolicy, settings: &DatabaseSettings) -> Self {
        Self {
            schema,
            postgres_connections: settings.postgres_connections.get(),
            sqlite_readers: settings.sqlite_readers.get(),
            acquire_timeout: settings.acquire_timeout,
            statement_timeout: None,
        }
    }

    /// For a server, whose requests give up waiting.
    #[must_use]
    pub fn for_server(schema: SchemaPolicy, settings: &DatabaseSettings) -> Self {
        Self {
            statement_timeout: Some(settings.statement_timeout),
            ..Self::new(schema, settings)
        }
    }
}

impl From<SchemaPolicy> for OpenOptions {
    fn from(schema: SchemaPolicy) -> Self {
        Self::new(schema, &DatabaseSettings::default())
    }
}

impl Store {
    /// Opens `sqlite:FILE` or a `postgres:` URL, whose schema is made or required as the options say.
    ///
    /// # Errors
    /// [`StoreError`] when the URL is of no known engine, the database cannot be reached, or its schema is another one.
    pub async fn open(
        url: &str,
        vault: Vault,
        options: impl Into<OpenOptions>,
    ) -> Result<Self, StoreError> {
        let options = options.into();
        let schema = options.schema;
        sqlx::any::install_default_drivers();
        let url: DatabaseUrl = url.parse()?;
        let engine = url.engine();
        let create = schema != SchemaPolicy::RequireCurrent;
        if !create && url.file().is_some_and(|file| !file.exists()) {
            return Err(SchemaError::Missing.into());
        }
        let url = url.connectable(create);
        let broken = Broken::default();
        let (readers, writers, health) = match engine {
            Engine::Sqlite => {
                let mut first = AnyConnection::connect(&url).await?;
                schema::prepare(&mut first, engine, schema).await?;
                let pools = (
                    sqlite_pool(&url, options.sqlite_readers, &broken, options).await?,
                    sqlite_pool(&url, 1, &broken, options).await?,
                    sqlite_pool_options(1, &broken, options)
                        .connect_lazy_with(AnyConnectOptions::from_str(&url)?),
                );
                // Not before: the last connection takes the log away, which the next one would make anew.
                first.close().await?;
                pools
            }
            Engine::Postgres => {
                let server = AnyConnectOptions::from_str(&url)?;
                let connected = postgres_pool_options(&broken, options)
                    .max_connections(options.postgres_connections)
                    .connect_with(server.clone())
                    .await;
                let pool = connected.map_err(|error| {
                    PoolerError::from_connecting(&error)
                        .map_or_else(|| StoreError::from(error), StoreError::from)
                })?;
                let (mut one, mut other) = (pool.acquire().await?, pool.acquire().await?);
                pooler::check(&mut one, &mut other).await?;
                schema::prepare(&mut one, engine, schema).await?;
                let health = postgres_pool_options(&broken, options)
                    .max_connections(1)
                    .connect_lazy_with(server);
                (pool.clone(), pool, health)
            }
        };
        let group_commit = match engine {
            Engine::Sqlite => Some(GroupCommit::new(writers.clone(), engine.begin())),
            Engine::Postgres => None,
        };
        Ok(Self {
            engine,
            readers,
            writers,
            broken,
            health,
            vault: Arc::new(vault),
            randomness: Randomness::system(),
            opened_keys: Arc::default(),
            in_flight: InFlight::default(),
            write_failed: Arc::default(),
            last_check: Arc::default(),
            group_commit,
        })
    }
}

fn pool_options(broken: &Broken, options: OpenOptions) -> AnyPoolOptions {
    let broken = Arc::clone(broken);
    AnyPoolOptions::new()
        .acquire_timeout(options.acquire_timeout)
        // before_acquire pings, and only connections that have been idle for a while.
        .test_before_acquire(false)
        .before_acquire(move |connection, metadata| {
            let last_broken = *broken.lock();
            let suspicious = last_broken.is_some_and(|at| at.elapsed() <= metadata.idle_for);
            Box::pin(async move {
                if metadata.idle_for < PING_AFTER_IDLE && !suspicious {
                    Ok(true)
                } else {
                    ping(connection).await.map(|()| true)
                }
            })
        })
        // sqlx pings a released connection without a timeout; a vanished host would drain the pool.
        .after_release(|connection, _| {
            Box::pin(async move { ping(connection).await.map(|()| true) })
        })
}

async fn ping(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    timeout(PING_TIMEOUT, connection.ping())
        .await
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))
}

fn postgres_pool_options(broken: &Broken, options: OpenOptions) -> AnyPoolOptions {
    let milliseconds = options.statement_timeout.unwrap_or_default().as_millis();
    pool_options(broken, options).after_connect(move |connection, _| {
        Box::pin(async move {
            if milliseconds > 0 {
                let sql = format!("set statement_timeout = {milliseconds}");
                connection.execute(AssertSqlSafe(sql)).await?;
            }
            Ok(())
        })
    })
}

async fn sqlite_pool(
    url: &str,
    connections: u32,
    broken: &Broken,
    options: OpenOptions,
) -> Result<AnyPool, StoreError> {
    let file = AnyConnectOptions::from_str(url)?;
    Ok(sqlite_pool_options(connections, broken, options)
        .connect_with(file)
        .await?)
}

fn sqlite_pool_options(connections: u32, broken: &Broken, options: OpenOptions) -> AnyPoolOptions {
    pool_options(broken, options)
        .max_connections(connections)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // FULL: an acknowledged write survives a power cut, which NORMAL does not promise in WAL mode.
                // secure_delete: a deleted key stays in no unused part of the file.
                connection
                    .execute(
                        "pragma busy_timeout = 5000; pragma synchronous = full; \
                         pragma foreign_keys = on; pragma secure_delete = on;",
                    )
                    .await?;
                Ok(())
            })
        })
}
