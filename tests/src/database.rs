//! A database for each test.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use konektor_server::{
    store::{SchemaPolicy, Store},
    vault::{MasterKey, MasterKeys, Vault},
};
use sqlx::{AnyConnection, AssertSqlSafe, Connection, Executor, Row};
use tempfile::TempDir;

/// The engines on which each test runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in a temporary directory.
    Sqlite,
    /// A database of the PostgreSQL server at `KONEKTOR_TEST_POSTGRES_URL`.
    Postgres,
}

/// A new database with its master key. The SQLite file is removed with the last clone.
#[derive(Clone)]
pub struct Database {
    /// Its URL.
    pub url: String,
    /// The master key of a server on this database.
    pub master_key: Arc<MasterKey>,
    /// The directory of the file and its WAL, or `None` on PostgreSQL.
    pub folder: Option<Arc<TempDir>>,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// Creates an empty database.
    ///
    /// # Panics
    /// If there is no PostgreSQL server: a test that needs one is never skipped.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn new(engine: Engine) -> Self {
        sqlx::any::install_default_drivers();
        let master_key = Arc::new(MasterKey::generate());
        match engine {
            Engine::Sqlite => {
                let folder = TempDir::new().expect("a temporary folder");
                let url = format!("sqlite:{}", folder.path().join("konektor.db").display());
                Self {
                    url,
                    master_key,
                    folder: Some(Arc::new(folder)),
                }
            }
            Engine::Postgres => {
                let server = std::env::var("KONEKTOR_TEST_POSTGRES_URL").expect(
                    "KONEKTOR_TEST_POSTGRES_URL names no PostgreSQL; `cargo xtask test` starts one",
                );
                let number = NEXT.fetch_add(1, Ordering::Relaxed);
                let name = format!("konektor_{}_{number}", std::process::id());
                let mut connection = AnyConnection::connect(&server)
                    .await
                    .expect("PostgreSQL answers");
                let sql = format!("create database {name}");
                connection
                    .execute(AssertSqlSafe(sql))
                    .await
                    .expect("a database");
                let (base, query) = server
                    .split_once('?')
                    .map_or((server.as_str(), ""), |(base, query)| (base, query));
                let base = base.rsplit_once('/').map_or(base, |(base, _)| base);
                let separator = if query.is_empty() { "" } else { "?" };
                Self {
                    url: format!("{base}/{name}{separator}{query}"),
                    master_key,
                    folder: None,
                }
            }
        }
    }

    /// Opens the database as the server does.
    ///
    /// # Panics
    /// If it cannot be opened.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn open(&self) -> Store {
        let vault = Vault::new(MasterKeys::from(&*self.master_key));
        Store::open(&self.url, vault, SchemaPolicy::Migrate)
            .await
            .expect("the database opens")
    }

    /// Runs a query and returns its number.
    ///
    /// # Panics
    /// If the query fails or its result is not a number.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn number(&self, sql: &str) -> i64 {
        let mut connection = AnyConnection::connect(&self.url)
            .await
            .expect("the database answers");
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
            .fetch_one(&mut connection)
            .await
            .expect("a number")
    }

    /// The names of a table's columns.
    ///
    /// # Panics
    /// If the database returns an error.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn columns(&self, table: &str) -> Vec<String> {
        let mut connection = AnyConnection::connect(&self.url)
            .await
            .expect("the database answers");
        let sql = if self.folder.is_some() {
            "select name from pragma_table_info($1)"
        } else {
            "select column_name::text from information_schema.columns where table_name = $1"
        };
        sqlx::query_scalar(sql)
            .bind(table)
            .fetch_all(&mut connection)
            .await
            .expect("the names of columns")
    }

    /// The query plan of a statement. It uses an index wherever the planner can.
    ///
    /// # Panics
    /// If the database returns an error.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn plan(&self, sql: &str) -> String {
        let mut connection = AnyConnection::connect(&self.url)
            .await
            .expect("the database answers");
        let (explain, column) = if self.folder.is_some() {
            ("explain query plan", 3)
        } else {
            let setting = connection.execute("set enable_seqscan = off").await;
            setting.expect("a setting");
            ("explain (costs off)", 0)
        };
        let explained = sqlx::raw_sql(AssertSqlSafe(format!("{explain} {sql}")));
        let steps = explained.fetch_all(&mut connection).await.expect("a plan");
        let steps: Vec<String> = steps.iter().map(|step| step.get(column)).collect();
        steps.join("\n")
    }

    /// Blocks writes of leads and tickets, and on PostgreSQL reads as well, until the connection is closed.
    ///
    /// # Panics
    /// If the database returns an error.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn lock(&self) -> AnyConnection {
        let sql = match self.folder {
            Some(_) => "begin immediate",
            None => "begin; lock table lead, lead_day, ticket in access exclusive mode",
        };
        let mut connection = AnyConnection::connect(&self.url)
            .await
            .expect("the database answers");
        connection.execute(sql).await.expect("the database locks");
        connection
    }

    /// Makes each write of leads and tickets take about four seconds: on PostgreSQL its commit, on SQLite its
    /// statement.
    ///
    /// # Panics
    /// If the database returns an error.
    pub async fn slow_down_commits(&self) {
        for table in ["lead", "ticket"] {
            for event in ["insert", "update"] {
                if self.folder.is_some() {
                    // SQLite has no sleep function: the trigger counts many rows.
                    self.execute(&format!(
                        "create table if not exists slow (n integer); \
                         insert into slow with recursive c(n) as \
                         (select 1 union all select n + 1 from c where n < 5000) select n from c \
                         where not exists (select 1 from slow); \
                         create trigger slow_{table}_{event} after {event} on {table} begin \
                         select count(*) from slow a, slow b where a.n + b.n > 0; end"
                    ))
                    .await;
                } else {
                    self.execute(&format!(
                        "create or replace function slow() returns trigger language plpgsql as \
                         $$ begin perform pg_sleep(4); return null; end $$; \
                         create constraint trigger slow_{table}_{event} after {event} on {table} \
                         deferrable initially deferred for each row execute function slow()"
                    ))
                    .await;
                }
            }
        }
    }

    /// Waits until nobody is at work in the database any more.
    ///
    /// # Panics
    /// If the database returns an error.
    pub async fn wait_for_writer(&self) {
        if self.folder.is_some() {
            self.execute("pragma busy_timeout = 60000; begin immediate; rollback")
                .await;
        } else {
            let busy = "select count(*) from pg_stat_activity where datname = current_database() \
                and pid <> pg_backend_pid() and state <> 'idle'";
            while self.number(busy).await > 0 {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }

    /// Runs SQL on a connection of its own.
    ///
    /// # Panics
    /// If the database returns an error.
    #[expect(
        clippy::expect_used,
        reason = "without its database a test cannot go on"
    )]
    pub async fn execute(&self, sql: &str) {
        let mut connection = AnyConnection::connect(&self.url)
            .await
            .expect("the database answers");
        connection
            .execute(AssertSqlSafe(sql.to_owned()))
            .await
            .expect("the database takes it");
    }
}
