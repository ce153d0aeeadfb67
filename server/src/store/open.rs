//! Opening a database: its schema, its pools and their connections.

use std::{sync::Arc, time::Duration};

use super::{
    DatabaseUrl, Engine, Store, StoreError,
    engine::{Pool, Target},
    group_commit::GroupCommit,
    in_flight::InFlight,
    pooler::{self, PoolerError},
    schema::{self, SchemaError, SchemaPolicy},
};
use crate::{randomness::Randomness, settings::DatabaseSettings, vault::Vault};

/// How to open a database.
#[derive(Debug, Clone, Copy)]
pub struct OpenOptions {
    schema: SchemaPolicy,
    postgres_connections: u32,
    sqlite_readers: u32,
    acquire_timeout: Duration,
    /// After how long the database gives up a statement; None for never.
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
        let url: DatabaseUrl = url.parse()?;
        let engine = url.engine();
        let create = schema != SchemaPolicy::RequireCurrent;
        if !create && url.file().is_some_and(|file| !file.exists()) {
            return Err(SchemaError::Missing.into());
        }
        let url = url.connectable(create);
        let target = Target::new(engine, &url, options.statement_timeout)?;
        let pool = |size| Pool::new(target.clone(), size, options.acquire_timeout);
        let (readers, writers) = match engine {
            Engine::Sqlite => {
                let mut first = Target::new(engine, &url, None)?.connect().await?;
                schema::prepare(&mut first, schema).await?;
                let pools = (pool(options.sqlite_readers), pool(1));
                // Not before the pools have connected: the last connection takes the log away, which the next one would
                // make anew.
                drop((pools.0.acquire().await?, pools.1.acquire().await?));
                first.close().await?;
                pools
            }
            Engine::Postgres => {
                let pool = pool(options.postgres_connections);
                let mut one = pool.acquire().await.map_err(|error| {
                    PoolerError::from_connecting(&error)
                        .map_or_else(|| StoreError::from(error), StoreError::from)
                })?;
                let mut other = pool.acquire().await?;
                pooler::check(&mut one, &mut other).await?;
                schema::prepare(&mut one, schema).await?;
                (pool.clone(), pool.clone())
            }
        };
        let group_commit = match engine {
            Engine::Sqlite => Some(GroupCommit::new(writers.clone())),
            Engine::Postgres => None,
        };
        Ok(Self {
            engine,
            readers,
            writers,
            health: pool(1),
            vault: Arc::new(vault),
            randomness: Randomness::system(),
            opened_keys: Arc::default(),
            in_flight: InFlight::default(),
            failed_writes: Arc::default(),
            last_check: Arc::default(),
            group_commit,
        })
    }
}
