//! SQL and migrations: domain values go in and come out, nothing above sees a row or ciphertext.
//!
//! One SQL text serves SQLite and PostgreSQL wherever they agree, through sqlx's `Any` driver. It knows text,
//! bigint, double and bytes only, so times are milliseconds and flags 0 or 1. What belongs to a workspace is
//! reached through [`Tenant`] alone: a query that is not bound to a workspace cannot be written above here.

mod analytics;
pub mod api_keys;
mod batches;
mod conversions;
pub mod cursor;
mod database_url;
pub mod encryption;
mod erase;
mod error;
mod group_commit;
mod health;
pub mod idempotency;
pub mod lead_days;
pub mod leads;
mod name_index;
mod opened_keys;
pub mod paging;
mod pooler;
mod progress;
mod rotation;
mod schema;
mod shred;
mod sql;
mod tickets;
pub mod workspaces;
mod write;
mod write_keys;

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::time::{Instant, timeout};

pub use analytics::{CampaignRow, Totals};
pub use conversions::PendingLead;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use error::StoreError;
pub use leads::{BulkLead, BulkProgress, BulkStep, EraseLead, Erased};
pub use pooler::PoolerError;
pub use progress::WriteProgress;
pub use rotation::Rotated;
pub use schema::{SchemaError, SchemaPolicy};
pub use tickets::{CreateTicket, NewTicket, SavedTicket};
pub use write::{DryRun, Map, Write};

use self::{group_commit::GroupCommit, opened_keys::OpenedKeys};
use crate::{
    domain::workspace::NameIndex,
    randomness::Randomness,
    settings::DatabaseSettings,
    vault::{Vault, WorkspaceKeys},
};

/// How often a write is attempted when it loses races for unique values.
const MAX_ATTEMPTS: u32 = 4;

/// A connection that was idle for longer is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// The database, and the vault that seals what goes into it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    /// For reads, and on PostgreSQL for everything.
    readers: AnyPool,
    /// SQLite has one writer at a time: queueing here is fairer and quicker than its busy handler.
    writers: AnyPool,
    /// When one of these connections last broke; others may have broken as well.
    broken: Broken,
    /// One connection for health checks: an exhausted pool under load says nothing about the database.
    health: AnyPool,
    vault: Arc<Vault>,
    /// Where codes and references are drawn from.
    randomness: Randomness,
    opened_keys: Arc<OpenedKeys>,
    in_flight: idempotency::InFlight,
    /// Whether the last write found the database full or away.
    write_failed: Arc<AtomicBool>,
    /// When the database was last checked, and whether it was healthy.
    last_look: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
    /// Only on SQLite; PostgreSQL groups commits by itself.
    group_commit: Option<GroupCommit>,
}

/// When a connection was last found broken. Connections that were idle then are pinged before they are used.
type Broken = Arc<Mutex<Option<Instant>>>;

/// The two databases the server runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file beside the server.
    Sqlite,
    /// A server of its own.
    Postgres,
}

/// One workspace's part of the store; the only way to its leads and tickets.
#[derive(Clone)]
pub struct Tenant {
    store: Store,
    workspace_id: String,
    keys: Arc<WorkspaceKeys>,
    /// Whether names get tokens.
    name_index: NameIndex,
    /// How far the write of this tenant's request has come.
    progress: WriteProgress,
}

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

impl Engine {
    /// What begins a transaction that writes.
    fn begin(self) -> &'static str {
        match self {
            // A deferred transaction that becomes a writer half-way may fail with "database is locked".
            Self::Sqlite => "begin immediate",
            Self::Postgres => "begin",
        }
    }
}

impl std::fmt::Display for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
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
            in_flight: idempotency::InFlight::default(),
            write_failed: Arc::default(),
            last_look: Arc::default(),
            group_commit,
        })
    }

    /// The same store, which draws codes and references from another source than the system's.
    #[must_use]
    pub fn with_randomness(self, randomness: Randomness) -> Self {
        Self { randomness, ..self }
    }

    /// Which database this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The keys and ciphers of this store.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Whether the database replies and, if the last write found it full or away, takes writes again. Callers within a
    /// moment share one check.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut last = self.last_look.lock().await;
        let well = match *last {
            Some((at, well)) if at.elapsed() < health::PING_TTL => well,
            _ => {
                let looked = timeout(health::PING_TIMEOUT, self.look()).await;
                let well = matches!(looked, Ok(Ok(())));
                *last = Some((Instant::now(), well));
                well
            }
        };
        if well {
            Ok(())
        } else {
            Err(sqlx::Error::PoolTimedOut.into())
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        sqlx::query("select 1").execute(&self.health).await?;
        if self.write_failed.load(Ordering::Relaxed) {
            match self.engine {
                // It has one writer.
                Engine::Sqlite => self.write(health::Probe).await?,
                Engine::Postgres => {
                    let mut connection = self.health.acquire().await?;
                    health::Probe.run(self, &mut connection).await?;
                    self.write_failed.store(false, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// Closes every connection once its statement has ended.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
        self.health.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writers.begin_with(self.engine.begin()).await?)
    }

    /// Reads, and reads again if the connection turns out to be broken, so that no request fails because the database
    /// was restarted.
    pub(super) async fn read_again<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        read: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        match read().await {
            Err(StoreError::Unavailable(cause))
                if self.engine == Engine::Postgres
                    && !matches!(*cause, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) =>
            {
                *self.broken.lock() = Some(Instant::now());
                read().await
            }
            result => result,
        }
    }

    /// Locks the rows of a `select` until the transaction ends; SQLite's only writer needs no lock.
    fn row_lock(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "",
            Engine::Postgres => " for update",
        }
    }
}

impl Tenant {
    /// The workspace this is.
    #[must_use]
    pub fn workspace_id(&self) -> &str {
        &self.workspace_id
    }

    /// How far the write of this request has come.
    #[must_use]
    pub fn progress(&self) -> &WriteProgress {
        &self.progress
    }

    /// The keys of this workspace.
    #[must_use]
    pub fn keys(&self) -> &WorkspaceKeys {
        &self.keys
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
    timeout(health::PING_TIMEOUT, connection.ping())
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::{SchemaPolicy, Store, Tenant};
    use crate::{
        domain::workspace::{NameIndex, Workspace},
        vault::{MasterKey, MasterKeys, Vault},
    };

    /// A store on an SQLite database that goes with its folder.
    pub(super) async fn temporary() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let store = Store::open(&url, vault, SchemaPolicy::Migrate).await;
        (folder, store.unwrap())
    }

    /// A workspace in such a store.
    pub(super) async fn temporary_tenant() -> (TempDir, Tenant) {
        let (folder, store) = temporary().await;
        let workspace = Workspace {
            id: "ws_1".into(),
            name: "Toko Budi Online".into(),
            plan: "pro".into(),
            requests_per_minute: None,
            leads_per_day: None,
            timezone: "Asia/Jakarta".into(),
            currency: "IDR".into(),
            language: "id".into(),
            date_format: "DD/MM/YYYY".into(),
            tracking_code: "KNK-abc123".into(),
            name_index: NameIndex::On,
            created_at: Timestamp::UNIX_EPOCH,
        };
        store.create_workspace(&workspace).await.unwrap();
        let tenant = store.tenant(&workspace).await.unwrap();
        (folder, tenant)
    }
}
