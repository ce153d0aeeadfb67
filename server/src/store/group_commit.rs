//! Many writes in one transaction.
//!
//! SQLite has one writer at a time, and every commit waits for the disk. Writes that arrive during that wait go into
//! the next transaction together and share its commit. Each has its own savepoint, so that a refused write does not
//! affect the others. Callers get their results after the commit.

use std::{future::Future, pin::Pin, sync::Arc};

use tokio::sync::{mpsc, oneshot};

use super::{
    StoreError, Write, WriteProgress,
    engine::{Connection, Pool},
    error::is_undone,
};
use crate::panics;

/// The most writes in one transaction: the first one waits for the last.
const MAX_GROUP: usize = 64;

/// How many writes may wait for the next transaction; further callers wait for room in the queue.
const MAX_QUEUED: usize = 256;

/// The queue of the task that commits writes. The task ends with the last clone of this.
#[derive(Clone)]
pub(super) struct GroupCommit(mpsc::Sender<Box<dyn QueuedWrite>>);

/// A write in the queue, whatever its output is.
trait QueuedWrite: Send {
    /// Whether its caller has gone: a write that has not begun need not begin.
    fn is_abandoned(&self) -> bool;

    /// Marks it as begun: from here on it may happen even if its caller leaves. False when the caller has left.
    fn begin(&self) -> bool;

    /// Runs it and keeps its result. An error is one of the whole transaction.
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxedRun<'a>;

    /// Gives the caller the result, or the reason why the transaction failed.
    fn resolve(self: Box<Self>, failure: Option<Failure>);
}

type BoxedRun<'a> = Pin<Box<dyn Future<Output = Result<(), Arc<sqlx::Error>>> + Send + 'a>>;

/// Why a transaction failed.
#[derive(Clone)]
struct Failure {
    cause: Arc<sqlx::Error>,
    /// Whether it may have been committed all the same.
    unknown: bool,
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::undone(Arc::new(error))
    }
}

impl Failure {
    fn undone(cause: Arc<sqlx::Error>) -> Self {
        Self {
            cause,
            unknown: false,
        }
    }

    fn from_commit(error: sqlx::Error) -> Self {
        Self {
            unknown: !is_undone(&error),
            cause: Arc::new(error),
        }
    }
}

struct Queued<Scope: Sync, W: Write<Scope>> {
    scope: Scope,
    write: Arc<W>,
    result: Option<Result<W::Output, StoreError>>,
    progress: WriteProgress,
    caller: oneshot::Sender<Result<W::Output, StoreError>>,
}

impl GroupCommit {
    /// Starts the task that commits.
    pub(super) fn new(writers: Pool) -> Self {
        let (sender, mut queue) = mpsc::channel(MAX_QUEUED);
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(MAX_GROUP);
            while queue.recv_many(&mut group, MAX_GROUP).await > 0 {
                let commit = commit(writers.clone(), std::mem::take(&mut group));
                // In a task of its own: a panic costs this group its results and leaves the queue alive.
                let _ = tokio::spawn(commit).await;
            }
        });
        Self(sender)
    }

    /// Runs a write; it is on the disk when this returns its output.
    pub(super) async fn run<Scope, W>(
        &self,
        scope: &Scope,
        write: Arc<W>,
        progress: WriteProgress,
    ) -> Result<W::Output, StoreError>
    where
        Scope: Clone + Send + Sync + 'static,
        W: Write<Scope>,
    {
        let (caller, result) = oneshot::channel();
        let queued = Queued {
            scope: scope.clone(),
            write,
            result: None,
            progress,
            caller,
        };
        let sent = self.0.send(Box::new(queued)).await;
        sent.map_err(|_| sqlx::Error::WorkerCrashed)?;
        // An error here means that the task ended without a word.
        let unknown = |_| StoreError::OutcomeUnknown(Arc::new(sqlx::Error::WorkerCrashed));
        result.await.unwrap_or_else(|error| Err(unknown(error)))
    }
}

/// Runs one transaction and resolves its writes after the commit.
async fn commit(writers: Pool, mut group: Vec<Box<dyn QueuedWrite>>) {
    group.retain(|write| !write.is_abandoned());
    if group.is_empty() {
        return;
    }
    let failure = match writers.acquire().await {
        Ok(mut connection) => match run_group(&mut connection, &mut group).await {
            Ok(()) => None,
            Err(failure) => {
                // SQLite ends some transactions by itself, on a full disk for example, and sqlx does not notice: a
                // connection is not used again after a failure.
                connection.close().await;
                Some(failure)
            }
        },
        Err(error) => Some(error.into()),
    };
    for write in group {
        write.resolve(failure.clone());
    }
}

async fn run_group(
    connection: &mut Connection,
    group: &mut Vec<Box<dyn QueuedWrite>>,
) -> Result<(), Failure> {
    let mut transaction = connection.begin().await?;
    group.retain(|write| write.begin());
    for write in group {
        let run = write.run(&mut transaction).await;
        run.map_err(Failure::undone)?;
    }
    transaction.commit().await.map_err(Failure::from_commit)
}

impl<Scope: Send + Sync, W: Write<Scope>> QueuedWrite for Queued<Scope, W> {
    fn is_abandoned(&self) -> bool {
        self.caller.is_closed()
    }

    fn begin(&self) -> bool {
        !self.is_abandoned() && self.progress.begin()
    }

    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxedRun<'a> {
        Box::pin(async move {
            let mut savepoint = connection.begin().await?;
            let run = self.write.run(&self.scope, &mut savepoint);
            let result = match panics::catch(run).await {
                Ok(result) => result,
                Err(panicked) => {
                    self.result = Some(Err(StoreError::Panicked(panicked)));
                    return Err(Arc::new(sqlx::Error::WorkerCrashed));
                }
            };
            match result {
                Ok(output) => {
                    savepoint.commit().await?;
                    self.result = Some(Ok(output));
                }
                Err(StoreError::Unavailable(cause)) => return Err(cause),
                Err(refused) => {
                    savepoint.rollback().await?;
                    self.result = Some(Err(refused));
                }
            }
            Ok(())
        })
    }

    fn resolve(self: Box<Self>, failure: Option<Failure>) {
        let result = match (failure, self.result) {
            (None, Some(result)) => result,
            (_, Some(Err(panicked @ StoreError::Panicked(_)))) => Err(panicked),
            (Some(failure), Some(Ok(_))) if failure.unknown => {
                Err(StoreError::OutcomeUnknown(failure.cause))
            }
            // A refusal may have been caused by a write that was undone.
            (Some(failure), _) => Err(StoreError::Unavailable(failure.cause)),
            (None, None) => Err(sqlx::Error::WorkerCrashed.into()),
        };
        if !matches!(result, Ok(_) | Err(StoreError::OutcomeUnknown(_))) {
            self.progress.undo();
        }
        let _ = self.caller.send(result); // The caller may have left meanwhile.
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path, time::Duration};

    use futures::future::join_all;
    use tempfile::TempDir;

    use super::*;
    use crate::store::{Store, engine::query, tests::temporary};

    const ROW: &str = "insert into write_probe (id, writes) values ($1, 1)";

    struct Database {
        folder: TempDir,
        store: Store,
    }

    impl Database {
        async fn new() -> Self {
            let (folder, store) = temporary().await;
            Self { folder, store }
        }

        /// Runs writes that all wait for the disk at the same time.
        async fn together<W: Write<Store>>(
            &self,
            writes: Vec<W>,
        ) -> Vec<Result<W::Output, StoreError>> {
            let busy = self.store.writers.acquire().await.expect("the writer");
            let writes = join_all(writes.into_iter().map(|write| self.store.write(write)));
            let release = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                drop(busy);
            };
            tokio::join!(writes, release).0
        }

        async fn rows(&self) -> i64 {
            let count = query("select count(*) from write_probe");
            let row = count.fetch_one(&self.store.readers).await.expect("a count");
            row.get(0).expect("a number")
        }

        fn commits(&self) -> usize {
            commits(&self.folder.path().join("k.db-wal"))
        }
    }

    /// The transactions in a write-ahead log: the last frame of each says how large the database is after it, see
    /// <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.
    fn commits(log: &Path) -> usize {
        let log = fs::read(log).expect("a log");
        let page = u32::from_be_bytes(*log[8..].first_chunk().expect("a header")) as usize;
        log[32..]
            .chunks(24 + page)
            .filter(|frame| frame[4..8] != [0; 4])
            .count()
    }

    /// Inserts a row, and then does something else.
    #[derive(Clone, Copy)]
    struct InsertRow {
        id: i64,
        then: Then,
    }

    #[derive(Clone, Copy)]
    enum Then {
        Succeed,
        Refuse,
        Panic,
        Sleep(Duration),
    }

    impl Write<Store> for InsertRow {
        type Output = ();

        async fn run(&self, _: &Store, connection: &mut Connection) -> Result<(), StoreError> {
            query(ROW).bind(self.id).execute(connection).await?;
            match self.then {
                Then::Succeed => Ok(()),
                Then::Refuse => Err(StoreError::LeadsPerDay),
                Then::Panic => panic!("a fault of ours"),
                Then::Sleep(time) => {
                    tokio::time::sleep(time).await;
                    Ok(())
                }
            }
        }
    }

    fn row(id: i64) -> InsertRow {
        InsertRow {
            id,
            then: Then::Succeed,
        }
    }

    #[tokio::test]
    async fn writes_at_the_same_time_share_a_commit_and_those_one_after_the_other_do_not() {
        let database = Database::new().await;
        let before = database.commits();
        let results = database.together((0..40).map(row).collect()).await;
        assert!(results.iter().all(Result::is_ok));
        assert_eq!(database.rows().await, 40);
        // The first may have set out alone.
        assert!(database.commits() - before <= 2);
        for id in 40..43 {
            let before = database.commits();
            database.store.write(row(id)).await.expect("written");
            assert_eq!(database.commits(), before + 1);
        }
    }

    #[tokio::test]
    async fn a_write_that_is_refused_leaves_nothing_and_its_neighbours_alone() {
        let database = Database::new().await;
        let writes = (0..20).map(|id| InsertRow {
            id,
            then: if id % 2 == 0 {
                Then::Succeed
            } else {
                Then::Refuse
            },
        });
        let results = database.together(writes.collect()).await;
        for (id, result) in results.iter().enumerate() {
            assert_eq!(result.is_ok(), id % 2 == 0, "{id}: {result:?}");
        }
        assert_eq!(database.rows().await, 10);
    }

    #[tokio::test]
    async fn a_write_that_nobody_waits_for_any_more_does_not_begin() {
        let database = Database::new().await;
        let busy = database.store.writers.acquire().await.expect("the writer");
        // The writer takes the first and waits with it; the second gives up before its turn.
        let first = tokio::spawn({
            let store = database.store.clone();
            async move { store.write(row(1)).await }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        let patience = Duration::from_millis(50);
        let second = tokio::time::timeout(patience, database.store.write(row(2))).await;
        assert!(second.is_err());
        drop(busy);
        first.await.expect("no panic").expect("written");
        database.store.write(row(3)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn a_write_that_panics_does_not_end_the_writer() {
        let database = Database::new().await;
        let panics = InsertRow {
            id: 4,
            then: Then::Panic,
        };
        let results = database.together(vec![row(1), panics, row(2)]).await;
        assert!(
            matches!(results[1], Err(StoreError::Panicked(_))),
            "{results:?}"
        );
        for neighbour in [&results[0], &results[2]] {
            let undone = matches!(neighbour, Ok(()) | Err(StoreError::Unavailable(_)));
            assert!(undone, "{results:?}");
        }
        database.store.write(row(3)).await.expect("written");
        let written = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(
            database.rows().await,
            i64::try_from(written + 1).expect("few")
        );
    }

    #[tokio::test]
    async fn a_write_given_up_while_others_lock_the_database_never_happens() {
        let database = Database::new().await;
        let mut lock = database.store.readers.begin().await.expect("a lock");
        let progress = WriteProgress::default();
        let patience = Duration::from_millis(100);
        let waits = database.store.write_with(row(1), &progress);
        assert!(tokio::time::timeout(patience, waits).await.is_err());
        assert!(progress.give_up());
        query(ROW)
            .bind(2_i64)
            .execute(&mut *lock)
            .await
            .expect("written");
        lock.commit().await.expect("the end of the lock");
        database.store.write(row(3)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn a_write_given_up_after_it_has_begun_may_have_happened() {
        let database = Database::new().await;
        let slow = InsertRow {
            id: 1,
            then: Then::Sleep(Duration::from_millis(200)),
        };
        let progress = WriteProgress::default();
        let patience = Duration::from_millis(100);
        let waits = database.store.write_with(slow, &progress);
        assert!(tokio::time::timeout(patience, waits).await.is_err());
        assert!(!progress.give_up());
        database.store.write(row(2)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn an_acknowledged_write_has_reached_the_disk() {
        let database = Database::new().await;
        for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2")] {
            let sql = format!("select cast({pragma} as text) from pragma_{pragma}");
            let row = query(sqlx::AssertSqlSafe(sql));
            let row = row.fetch_one(&database.store.writers).await.expect("a row");
            assert_eq!(row.get::<&str>(0).expect("a text"), expected, "{pragma}");
        }
    }
}
