//! The schema: whether a database's is the one this program knows, and bringing it up to date.

use std::{borrow::Cow, sync::LazyLock, time::Duration};

use sqlx::{
    Connection as _, Executor, PgConnection, Row, SqlStr, SqliteConnection,
    migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator},
};
use thiserror::Error;
use tokio::time::{Instant, sleep};

use super::{
    Engine, StoreError,
    engine::{Connection, Driver, raw},
};

/// The files of `migrations/`, listed by the build script.
mod embedded {
    include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

    pub(super) const fn files(engine: super::Engine) -> &'static [(&'static str, &'static str)] {
        match engine {
            super::Engine::Sqlite => SQLITE,
            super::Engine::Postgres => POSTGRES,
        }
    }
}

static SQLITE: LazyLock<Migrator> = LazyLock::new(|| embedded_migrator(Engine::Sqlite));
static POSTGRES: LazyLock<Migrator> = LazyLock::new(|| embedded_migrator(Engine::Postgres));

/// sqlx's table of the migrations that were applied.
const APPLIED: &str = "_sqlx_migrations";

const SQLITE_TABLES: &str = "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\'";

const POSTGRES_TABLES: &str = "select relname::text from pg_class join pg_namespace on pg_namespace.oid = relnamespace \
    where nspname = current_schema() and relkind in ('r', 'p')";

/// A migration may take long, and so may waiting for another process that applies it.
const POSTGRES_NO_TIMEOUT: &str = "set local statement_timeout = 0";

/// PostgreSQL keeps locks of two numbers apart from those of one; the first says what is locked, and 1 is a
/// workspace's keys. It ends with the transaction, so that a pooler between the two cannot keep it.
const POSTGRES_LOCK: &str = "select pg_advisory_xact_lock(2, 0)::text";

/// How long another process may take to migrate an SQLite database: sealing and indexing a million rows takes minutes.
const SQLITE_LOCK_TIMEOUT: &str = "pragma busy_timeout = 600000";

/// How long other processes may keep an SQLite database from being switched to WAL: it needs the database for itself,
/// and SQLite's own timeout does not always cover that.
const WAL_TIMEOUT: Duration = Duration::from_secs(10);

const WAL_RETRY_DELAY: Duration = Duration::from_millis(10);

/// What opening a database may do to its schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchemaPolicy {
    /// Bring it up to date.
    Migrate,
    /// Create it in a database without tables; any other has to be up to date.
    CreateIfEmpty,
    /// It has to be up to date, and nothing is written.
    RequireCurrent,
}

/// Why a database's schema is not the one that this program needs.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SchemaError {
    /// There is no database, or it has no tables.
    #[error("it has no tables yet")]
    Missing,
    /// Migrations of this program have not been applied.
    #[error("its schema is older than this program")]
    Older,
    /// A migration was applied that this program does not know.
    #[error("its schema was made by a newer version of konektor-server (migration {0})")]
    Newer(i64),
    /// It has tables, and none of this program.
    #[error("it holds tables of another program")]
    Foreign,
}

/// How a database's schema compares with the one that this program knows.
enum State {
    Empty,
    Foreign,
    Older,
    Current,
}

/// Checks the schema and does what the policy says.
pub(super) async fn prepare(
    connection: &mut Connection,
    policy: SchemaPolicy,
) -> Result<(), StoreError> {
    let is_to_migrate = may_migrate(policy, &state(connection).await?)?;
    if connection.engine() == Engine::Sqlite {
        switch_to_wal(connection).await?;
    }
    if is_to_migrate {
        migrate(connection, policy).await?;
    }
    Ok(())
}

/// Whether something has to be applied, and may be.
fn may_migrate(policy: SchemaPolicy, state: &State) -> Result<bool, SchemaError> {
    match (state, policy) {
        (State::Current, _) => Ok(false),
        (State::Empty, SchemaPolicy::CreateIfEmpty) | (_, SchemaPolicy::Migrate) => Ok(true),
        (State::Empty, SchemaPolicy::RequireCurrent) => Err(SchemaError::Missing),
        (State::Foreign, _) => Err(SchemaError::Foreign),
        (State::Older, _) => Err(SchemaError::Older),
    }
}

async fn state(connection: &mut Connection) -> Result<State, StoreError> {
    match connection.driver() {
        Driver::Sqlite(driver) => sqlite_state(driver).await,
        Driver::Postgres(driver) => postgres_state(driver).await,
    }
}

async fn sqlite_state(driver: &mut SqliteConnection) -> Result<State, StoreError> {
    let tables = driver.fetch_all(SQLITE_TABLES).await?;
    let tables: Vec<_> = tables
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    state_with(driver, Engine::Sqlite, &tables).await
}

/// With simple queries alone: nothing is prepared that a pooler could mix up.
async fn postgres_state(driver: &mut PgConnection) -> Result<State, StoreError> {
    let tables = driver.fetch_all(POSTGRES_TABLES).await?;
    let tables: Vec<_> = tables
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    state_with(driver, Engine::Postgres, &tables).await
}

async fn state_with(
    driver: &mut impl Migrate,
    engine: Engine,
    tables: &[&str],
) -> Result<State, StoreError> {
    if !tables.contains(&APPLIED) {
        return Ok(if tables.is_empty() {
            State::Empty
        } else {
            State::Foreign
        });
    }
    if let Some(version) = driver.dirty_version(APPLIED).await? {
        return Err(MigrateError::Dirty(version).into());
    }
    let applied = driver.list_applied_migrations(APPLIED).await?;
    let known = migrator(engine);
    if let Some(newer) = applied
        .iter()
        .find(|applied| !known.version_exists(applied.version))
    {
        return Err(SchemaError::Newer(newer.version).into());
    }
    for migration in known.iter() {
        match applied
            .iter()
            .find(|applied| applied.version == migration.version)
        {
            None if applied.is_empty() && tables.len() == 1 => return Ok(State::Empty),
            None => return Ok(State::Older),
            Some(applied) if applied.checksum != migration.checksum => {
                return Err(MigrateError::VersionMismatch(migration.version).into());
            }
            Some(_) => {}
        }
    }
    Ok(State::Current)
}

/// Applies the missing migrations, all or none. They are determined under a lock: of several processes that start at
/// once, one applies them and the others wait.
async fn migrate(connection: &mut Connection, policy: SchemaPolicy) -> Result<(), StoreError> {
    match connection.driver() {
        Driver::Sqlite(driver) => {
            driver.execute(SQLITE_LOCK_TIMEOUT).await?;
            let mut transaction = driver.begin_with("begin immediate").await?;
            if may_migrate(policy, &sqlite_state(&mut transaction).await?)? {
                apply(&SQLITE, &mut *transaction).await?;
            }
            transaction.commit().await?;
        }
        Driver::Postgres(driver) => {
            // What another process has committed is seen after waiting for it, whatever this database's default is.
            let begin = "begin isolation level read committed";
            let mut transaction = driver.begin_with(begin).await?;
            for sql in [POSTGRES_NO_TIMEOUT, POSTGRES_LOCK] {
                transaction.execute(sql).await?;
            }
            if may_migrate(policy, &postgres_state(&mut transaction).await?)? {
                apply(&POSTGRES, &mut *transaction).await?;
            }
            transaction.commit().await?;
        }
    }
    Ok(())
}

async fn apply(migrator: &'static Migrator, driver: &mut impl Migrate) -> Result<(), MigrateError> {
    // sqlx's own lock on PostgreSQL belongs to the session, and on SQLite it has none.
    let migrator = Migrator {
        migrations: Cow::Borrowed(&migrator.migrations),
        locking: false,
        ..Migrator::DEFAULT
    };
    migrator.run_direct(None, driver, false).await
}

/// sqlx's macro would do this too, but it compiles both engines a second time for the build machine.
fn embedded_migrator(engine: Engine) -> Migrator {
    let migrations = embedded::files(engine)
        .iter()
        .filter_map(|(file, sql)| {
            let (version, description) = file.strip_suffix(".sql")?.split_once('_')?;
            Some(Migration::new(
                version.parse().ok()?,
                description.replace('_', " ").into(),
                MigrationType::Simple,
                SqlStr::from_static(sql),
                false,
            ))
        })
        .collect();
    Migrator::with_migrations(migrations)
}

fn migrator(engine: Engine) -> &'static Migrator {
    match engine {
        Engine::Sqlite => &SQLITE,
        Engine::Postgres => &POSTGRES,
    }
}

/// The journal mode is a property of the file, which stays.
async fn switch_to_wal(connection: &mut Connection) -> Result<(), StoreError> {
    let began = Instant::now();
    loop {
        let switched = raw("pragma journal_mode = wal").execute(&mut *connection);
        match switched.await {
            Ok(_) => return Ok(()),
            Err(error) => match StoreError::from(error) {
                StoreError::Unavailable(_) if began.elapsed() < WAL_TIMEOUT => {
                    sleep(WAL_RETRY_DELAY).await;
                }
                error => return Err(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_migration() {
        for engine in [Engine::Sqlite, Engine::Postgres] {
            let files = embedded::files(engine).len();
            assert!(
                files > 0 && migrator(engine).iter().count() == files,
                "{engine}"
            );
        }
    }

    #[test]
    fn both_engines_have_the_same_migrations() {
        let named = |engine| {
            migrator(engine)
                .iter()
                .map(|migration| (migration.version, migration.description.clone()))
                .collect::<Vec<_>>()
        };
        assert_eq!(named(Engine::Sqlite), named(Engine::Postgres));
    }
}
