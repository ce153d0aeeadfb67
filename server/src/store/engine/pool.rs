//! A pool of connections.
//!
//! A connection is free at the moment it is dropped, and the last one to come back is the first to be used again: its
//! caches are warm. It is pinged only for a reason: it was idle for a while, or another connection was found broken
//! meanwhile. One that comes back in the middle of a statement settles first, and one in a transaction is closed.

use std::{
    io,
    ops::{Deref, DerefMut},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;
use sqlx::error::DatabaseError;
use tokio::{
    runtime::Handle,
    sync::Semaphore,
    time::{Instant, sleep, timeout_at},
};

use super::{connection::Connection, target::Target};

/// A connection that was idle for longer is pinged before it is used.
const PING_AFTER_IDLE: Duration = Duration::from_secs(5);

/// A connection that was idle for longer is closed when the pool is used next.
const MAX_IDLE: Duration = Duration::from_mins(10);

/// A connection that is older is not used again: what it has cached and which server it is connected to may be outdated.
const MAX_AGE: Duration = Duration::from_mins(30);

/// How long to wait before connecting again to a database that is just starting; each time twice as long.
const CONNECT_RETRY_DELAY: Duration = Duration::from_millis(10);
const MAX_CONNECT_RETRY_DELAY: Duration = Duration::from_millis(500);

/// A pool; clones share it.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Shared>);

struct Shared {
    target: Target,
    size: u32,
    acquire_timeout: Duration,
    /// One for each connection that may be in use.
    permits: Semaphore,
    idle: Mutex<Vec<Idle>>,
    /// When a connection was last found broken. Others that were idle then may be broken as well.
    broken_at: Mutex<Option<Instant>>,
}

struct Idle {
    connection: Connection,
    made: Instant,
    since: Instant,
}

/// A connection of a pool, which takes it back when this is dropped.
pub(crate) struct Pooled {
    /// There until this is dropped or closed.
    taken: Option<(Connection, Permit)>,
    made: Instant,
}

/// A place in the pool, which another connection gets when this is dropped.
struct Permit(Arc<Shared>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.permits.add_permits(1);
    }
}

impl Pool {
    /// A pool of at most so many connections, which are made when they are needed.
    pub(crate) fn new(target: Target, size: u32, acquire_timeout: Duration) -> Self {
        Self(Arc::new(Shared {
            target,
            size,
            acquire_timeout,
            permits: Semaphore::new(size as usize),
            idle: Mutex::default(),
            broken_at: Mutex::default(),
        }))
    }

    /// A connection, as soon as one is free.
    pub(crate) async fn acquire(&self) -> Result<Pooled, sqlx::Error> {
        let deadline = Instant::now() + self.0.acquire_timeout;
        // On the heap, because every statement on a pool has this in its future.
        Box::pin(timeout_at(deadline, self.wait(deadline)))
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// A connection that does not belong to the pool, for settings of its own.
    pub(crate) async fn connect(&self) -> Result<Connection, sqlx::Error> {
        let deadline = Instant::now() + self.0.acquire_timeout;
        timeout_at(deadline, self.connect_soon(deadline))
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Pings every connection that is idle now before it is used again.
    pub(crate) fn suspect(&self) {
        self.0.suspect();
    }

    /// Closes every connection once its statement has ended.
    pub(crate) async fn close(&self) {
        let all = self.0.permits.acquire_many(self.0.size).await;
        self.0.permits.close();
        let idle = std::mem::take(&mut *self.0.idle.lock());
        for Idle { connection, .. } in idle {
            let _ = connection.close().await;
        }
        drop(all);
    }

    async fn wait(&self, deadline: Instant) -> Result<Pooled, sqlx::Error> {
        let permit = self.0.permits.acquire().await;
        permit.map_err(|_| sqlx::Error::PoolClosed)?.forget();
        let permit = Permit(Arc::clone(&self.0));
        while let Some(Idle {
            mut connection,
            made,
            since,
        }) = self.pop()
        {
            if since.elapsed() >= MAX_IDLE || made.elapsed() >= MAX_AGE {
                spawn(async move { drop(connection.close().await) });
            } else if !self.is_suspicious(since) || connection.settle().await.is_ok() {
                return Ok(Pooled::new(connection, made, permit));
            } else {
                self.suspect();
            }
        }
        let connection = self.connect_soon(deadline).await?;
        Ok(Pooled::new(connection, Instant::now(), permit))
    }

    fn pop(&self) -> Option<Idle> {
        self.0.idle.lock().pop()
    }

    fn is_suspicious(&self, idle_since: Instant) -> bool {
        idle_since.elapsed() >= PING_AFTER_IDLE
            || self.0.broken_at.lock().is_some_and(|at| idle_since <= at)
    }

    /// Connects, and tries again while the database is starting and there is time.
    async fn connect_soon(&self, deadline: Instant) -> Result<Connection, sqlx::Error> {
        let mut delay = CONNECT_RETRY_DELAY;
        loop {
            // On the heap, because it is large and rare.
            match Box::pin(self.0.target.connect()).await {
                Err(error) if is_starting(&error) && Instant::now() + delay < deadline => {
                    sleep(delay).await;
                    delay = (delay * 2).min(MAX_CONNECT_RETRY_DELAY);
                }
                result => return result,
            }
        }
    }
}

/// Whether a database refuses connections for a moment: it starts, or has too many of them (SQLSTATE
/// `cannot_connect_now` and `too_many_connections`).
pub(crate) fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => error.kind() == io::ErrorKind::ConnectionRefused,
        error => error
            .as_database_error()
            .and_then(DatabaseError::code)
            .is_some_and(|code| ["57P03", "53300"].contains(&&*code)),
    }
}

impl Pooled {
    fn new(connection: Connection, made: Instant, permit: Permit) -> Self {
        Self {
            taken: Some((connection, permit)),
            made,
        }
    }

    /// Closes the connection instead of giving it back.
    pub(crate) async fn close(mut self) {
        if let Some((connection, _permit)) = self.taken.take() {
            let _ = connection.close().await;
        }
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        let made = self.made;
        let Some((mut connection, permit)) = self.taken.take() else {
            return;
        };
        if connection.is_in_transaction() {
            spawn(async move {
                connection.abandon().await;
                drop(permit);
            });
        } else if connection.has_ended() {
            permit.0.take_back(connection, made);
        } else {
            spawn(async move {
                match connection.settle().await {
                    Ok(()) => permit.0.take_back(connection, made),
                    Err(_) => permit.0.suspect(),
                }
            });
        }
    }
}

impl Shared {
    fn suspect(&self) {
        *self.broken_at.lock() = Some(Instant::now());
    }

    /// Keeps a connection for its next use, and closes those that were idle for too long.
    fn take_back(&self, connection: Connection, made: Instant) {
        let mut idle = self.idle.lock();
        idle.push(Idle {
            connection,
            made,
            since: Instant::now(),
        });
        let expired = idle.partition_point(|idle| idle.since.elapsed() >= MAX_IDLE);
        let unused = idle.drain(..expired).collect::<Vec<_>>();
        drop(idle);
        if !unused.is_empty() {
            spawn(async move {
                for Idle { connection, .. } in unused {
                    let _ = connection.close().await;
                }
            });
        }
    }
}

/// Without a runtime the program is ending, and with it every connection.
fn spawn(task: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(task);
    }
}

impl Deref for Pooled {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.taken {
            Some((connection, _)) => connection,
            None => unreachable!("the connection is there until this is dropped"),
        }
    }
}

impl DerefMut for Pooled {
    fn deref_mut(&mut self) -> &mut Connection {
        match &mut self.taken {
            Some((connection, _)) => connection,
            None => unreachable!("the connection is there until this is dropped"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{env, pin::pin};

    use futures::poll;
    use tempfile::TempDir;
    use tokio::time::timeout;

    use super::*;
    use crate::store::{
        StoreError,
        engine::{
            kind::Engine,
            query::{query, raw},
        },
    };

    /// Counts for minutes without a row.
    const ENDLESS: &str = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 10000000000) \
        select count(*) from n";

    /// A pool of one connection to an empty SQLite database.
    fn single(statement_timeout: Option<Duration>) -> (TempDir, Pool) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}?mode=rwc", folder.path().join("k.db").display());
        let target = Target::new(Engine::Sqlite, &url, statement_timeout).unwrap();
        (folder, Pool::new(target, 1, Duration::from_secs(3)))
    }

    /// A pool of one connection to PostgreSQL, which is made already.
    async fn single_postgres() -> Pool {
        let url = env::var("KONEKTOR_TEST_POSTGRES_URL").expect(
            "KONEKTOR_TEST_POSTGRES_URL names no PostgreSQL; `cargo xtask test` starts one",
        );
        let target = Target::new(Engine::Postgres, &url, None).unwrap();
        let pool = Pool::new(target, 1, Duration::from_secs(3));
        drop(pool.acquire().await.unwrap());
        pool
    }

    /// Whether a statement on PostgreSQL is a transaction of its own.
    async fn commits_by_itself(pool: &Pool) -> bool {
        let is_first = raw("select (now() = statement_timestamp())::int::bigint");
        let row = is_first.fetch_one(pool).await.unwrap();
        row.get::<i64>(0).unwrap() == 1
    }

    async fn answers(pool: &Pool) -> bool {
        let row = query("select 1").fetch_one(pool).await.unwrap();
        row.get::<i64>(0).unwrap() == 1
    }

    #[tokio::test]
    async fn a_statement_on_sqlite_that_takes_too_long_is_interrupted() {
        let (_folder, pool) = single(Some(Duration::from_millis(100)));
        let error = query(ENDLESS).fetch_one(&pool).await.err().unwrap();
        assert!(matches!(error.into(), StoreError::Unavailable(_)));
        assert!(answers(&pool).await);
    }

    #[tokio::test]
    async fn a_statement_on_sqlite_that_nobody_waits_for_any_more_is_interrupted() {
        let (_folder, pool) = single(None);
        let given_up = timeout(Duration::from_millis(100), query(ENDLESS).fetch_one(&pool));
        assert!(given_up.await.is_err());
        let began = Instant::now();
        assert!(answers(&pool).await);
        assert!(began.elapsed() < Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_transaction_that_is_left_open_is_undone() {
        let (_folder, pool) = single(None);
        query("create table thing (id integer)")
            .execute(&pool)
            .await
            .unwrap();
        let insert = "insert into thing (id) values (1)";
        {
            let mut transaction = pool.begin().await.unwrap();
            query(insert).execute(&mut *transaction).await.unwrap();
            let mut savepoint = transaction.begin().await.unwrap();
            query(insert).execute(&mut *savepoint).await.unwrap();
        }
        let count = query("select count(*) from thing");
        let row = count.fetch_one(&pool).await.unwrap();
        assert_eq!(row.get::<i64>(0).unwrap(), 0);
    }

    #[tokio::test]
    async fn a_transaction_is_undone_if_nobody_waits_for_its_begin_on_postgres() {
        let pool = single_postgres().await;
        {
            let mut begin = pin!(pool.begin());
            assert!(poll!(begin.as_mut()).is_pending());
        }
        assert!(commits_by_itself(&pool).await);
    }

    #[tokio::test]
    async fn a_transaction_is_undone_if_nobody_waits_for_a_statement_on_postgres() {
        let pool = single_postgres().await;
        {
            let mut transaction = pool.begin().await.unwrap();
            let mut statement = pin!(query("select pg_sleep(0.1)").execute(&mut *transaction));
            assert!(poll!(statement.as_mut()).is_pending());
        }
        assert!(commits_by_itself(&pool).await);
    }

    #[tokio::test]
    async fn a_transaction_ends_if_nobody_waits_for_its_commit_on_postgres() {
        let pool = single_postgres().await;
        {
            let transaction = pool.begin().await.unwrap();
            let mut commit = pin!(transaction.commit());
            let _ = poll!(commit.as_mut()); // It may have ended already.
        }
        assert!(commits_by_itself(&pool).await);
    }

    #[tokio::test]
    async fn a_refused_connection_is_the_reason_of_the_failure() {
        let target = Target::new(Engine::Postgres, "postgres://127.0.0.1:1/none", None).unwrap();
        let pool = Pool::new(target, 1, Duration::from_millis(100));
        let error = pool.acquire().await.err().unwrap();
        assert!(matches!(error, sqlx::Error::Io(_)), "{error}");
    }

    #[tokio::test]
    async fn a_connection_is_used_again_and_not_more_than_there_may_be() {
        let (_folder, pool) = single(None);
        let mut connection = pool.acquire().await.unwrap();
        query("create temp table mine (id integer)")
            .execute(&mut *connection)
            .await
            .unwrap();
        assert!(
            timeout(Duration::from_millis(50), pool.acquire())
                .await
                .is_err()
        );
        drop(connection);
        query("select * from mine").fetch_all(&pool).await.unwrap();
    }

    #[tokio::test]
    async fn a_closed_pool_has_no_connections_any_more() {
        let (_folder, pool) = single(None);
        assert!(answers(&pool).await);
        pool.close().await;
        assert!(matches!(pool.acquire().await, Err(sqlx::Error::PoolClosed)));
    }
}
