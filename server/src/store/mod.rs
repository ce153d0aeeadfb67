//! SQL and migrations: domain values go in and come out, nothing above sees a row or ciphertext.
//!
//! One SQL text serves SQLite and PostgreSQL wherever they agree, through sqlx's `Any` driver. It knows text,
//! bigint, double and bytes only, so times are milliseconds and flags 0 or 1. What belongs to a workspace is
//! reached through [`Tenant`] alone: a query that is not bound to a workspace cannot be written above here.

mod analytics;
pub mod api_keys;
mod batches;
mod bulk;
mod conversions;
mod database_url;
pub mod encryption;
mod erase;
mod erase_lead;
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
mod search;
mod shred;
mod sql;
mod tickets;
mod work;
pub mod workspaces;
mod write_keys;

use std::{
    str::FromStr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection, Executor, Transaction,
    any::{AnyConnectOptions, AnyPoolOptions},
};
use tokio::time::{Instant, timeout};

pub use analytics::{CampaignRow, Totals};
pub use bulk::{BulkLead, BulkProgress, BulkStep};
pub use conversions::PendingLead;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use erase_lead::Erased;
pub use error::StoreError;
pub use pooler::PoolerError;
pub use progress::WriteProgress;
pub use rotation::Rotated;
pub use schema::{SchemaError, SchemaPolicy};
pub use tickets::NewTicket;
pub use work::Work;

use self::{group_commit::GroupCommit, opened_keys::OpenedKeys};
use crate::{
    domain::workspace::NameIndex,
    settings::DatabaseSettings,
    vault::{Vault, WorkspaceKeys},
};

/// How often a write starts again because another took a unique value between its look and its write.
const MAX_ATTEMPTS: u32 = 4;

/// How long a connection may have been idle and is used without a ping: its host answered this long ago.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// The database, and the vault that seals what goes into it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    /// For reads, and on PostgreSQL for everything.
    readers: AnyPool,
    /// SQLite has one writer at a time: queueing here is fairer and quicker than its busy handler.
    writers: AnyPool,
    /// When a connection of these last broke, and others may have.
    broken: Broken,
    /// One connection to look at the database: a full pool under load says nothing about it.
    health: AnyPool,
    vault: Arc<Vault>,
    opened_keys: Arc<OpenedKeys>,
    in_flight: idempotency::InFlight,
    /// Whether the last write found the database full or away.
    write_failed: Arc<AtomicBool>,
    /// When the database was last looked at, and whether it was well.
    last_look: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
    /// On SQLite, where writes wait for the disk one after the other; PostgreSQL groups its commits by itself.
    group_commit: Option<GroupCommit>,
}

/// The moment at which a connection was last found broken: those that were idle then are pinged before they are used.
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
    /// How far the write of the request has come that this was opened for.
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
            // A deferred transaction that turns into a writer half-way may fail with "database is locked".
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
            opened_keys: Arc::default(),
            in_flight: idempotency::InFlight::default(),
            write_failed: Arc::default(),
            last_look: Arc::default(),
            group_commit,
        })
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

    /// Whether the database answers, and, if the last write found it full or away, takes writes again. Anybody may ask
    /// as often as they like: one look at it serves all who ask within a moment.
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
                Engine::Sqlite => self.run(health::probe()).await?,
                Engine::Postgres => {
                    let mut connection = self.health.acquire().await?;
                    health::probe().run(&mut connection).await?;
                    self.write_failed.store(false, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }

    /// Closes every connection, after what is under way has ended.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
        self.health.close().await;
    }

    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        Ok(self.writers.begin_with(self.engine.begin()).await?)
    }

    /// Carries out a piece of work in one transaction; again when another write came in between.
    async fn run<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        self.run_with(work, &WriteProgress::default()).await
    }

    /// The same for somebody who may give up waiting for it.
    async fn run_with<T: Send + 'static>(
        &self,
        work: Work<T>,
        progress: &WriteProgress,
    ) -> Result<T, StoreError> {
        let mut tries = MAX_ATTEMPTS;
        loop {
            match self.try_run(&work, progress).await {
                Err(error) if error.is_race() && tries > 1 => tries -= 1,
                result => {
                    // What was refused for its values says nothing about the database.
                    if let Ok(_) | Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)) =
                        result
                    {
                        self.write_failed.store(result.is_err(), Ordering::Relaxed);
                    }
                    return result;
                }
            }
        }
    }

    async fn try_run<T: Send + 'static>(
        &self,
        work: &Work<T>,
        progress: &WriteProgress,
    ) -> Result<T, StoreError> {
        if let Some(group_commit) = &self.group_commit {
            return group_commit.run(work.clone(), progress.clone()).await;
        }
        let mut transaction = self.begin().await?;
        match work.run(&mut transaction).await {
            Ok(done) => {
                // Until here the database undoes what nobody commits, whatever becomes of the connection.
                progress.begin();
                match transaction.commit().await {
                    Ok(()) => Ok(done),
                    Err(error) if error::is_undone(&error) => {
                        progress.undo();
                        Err(error.into())
                    }
                    Err(error) => Err(StoreError::OutcomeUnknown(Arc::new(error))),
                }
            }
            Err(error) => {
                // Before it is told, so that its locks are free for whoever tries again; without an answer here the
                // connection is given up, and they are free as well.
                drop(transaction.rollback().await);
                Err(error)
            }
        }
    }

    /// Reads, and reads again when the connection turns out to be broken: the first to use one of a database that was
    /// started anew is not to pay for it.
    pub(super) async fn read_again<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        read: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        match read().await {
            Err(StoreError::Unavailable(cause))
                if self.engine == Engine::Postgres
                    && !matches!(*cause, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) =>
            {
                *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                read().await
            }
            result => result,
        }
    }

    /// What makes a `select` keep others from changing its rows; SQLite's only writer needs nothing.
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

    /// Carries out a piece of work of this workspace, made by `work` with the keys that its transaction reads.
    ///
    /// # Errors
    /// Those of the work; nothing is written then.
    pub async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Tenant) -> Work<T> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::new((self.clone(), work));
        let with_current_keys = Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (tenant, work) = &*shared;
                let tenant = tenant.with_current_keys(connection).await?;
                work(&tenant).run(connection).await
            })
        });
        self.store.run_with(with_current_keys, &self.progress).await
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
        // Not each time that it is used: a connection that was idle for a moment is as good as one in use.
        .test_before_acquire(false)
        .before_acquire(move |connection, metadata| {
            let last_broken = *broken.lock().unwrap_or_else(PoisonError::into_inner);
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
