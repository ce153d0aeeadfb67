//! Many writes in one transaction.
//!
//! SQLite has one writer at a time, which waits for the disk at every commit. Writes that come while it waits go into
//! the next transaction together and share its wait. Each has a savepoint of its own, so that one that is refused
//! leaves the others alone, and each is answered only after the commit.

use std::{future::Future, pin::Pin, sync::Arc};

use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, Work, WriteProgress, error::is_undone};
use crate::panics;

/// The most writes in one transaction: the first of them waits for the last.
const MAX_GROUP: usize = 64;

/// How many writes may wait for the next transaction before those who ask for more have to wait too.
const MAX_WAITING: usize = 256;

/// Where writes are handed in. The writer behind it ends with the last copy of it.
#[derive(Clone)]
pub(super) struct GroupCommit(mpsc::Sender<Box<dyn Member>>);

/// A write on its way, whatever its result is.
trait Member: Send {
    /// Whether nobody waits for it any more: what has not begun need not begin.
    fn is_abandoned(&self) -> bool;

    /// Its transaction has begun: from here on it may happen whoever waits for it. False when nobody does any more.
    fn begin(&self) -> bool;

    /// Carries it out and keeps its result. An error is one of the whole transaction.
    fn run<'a>(&'a mut self, connection: &'a mut AnyConnection) -> Run<'a>;

    /// Tells its result to whoever waits, or why the transaction failed.
    fn tell(self: Box<Self>, failed: Option<Failure>);
}

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

type Run<'a> = Pin<Box<dyn Future<Output = Result<(), Arc<sqlx::Error>>> + Send + 'a>>;

struct Write<T> {
    work: Work<T>,
    result: Option<Result<T, StoreError>>,
    progress: WriteProgress,
    waiting: oneshot::Sender<Result<T, StoreError>>,
}

impl GroupCommit {
    /// Starts the writer.
    pub(super) fn new(writers: AnyPool, begin: &'static str) -> Self {
        let (sender, mut waiting) = mpsc::channel(MAX_WAITING);
        tokio::spawn(async move {
            let mut members = Vec::with_capacity(MAX_GROUP);
            while waiting.recv_many(&mut members, MAX_GROUP).await > 0 {
                let together = commit(writers.clone(), begin, std::mem::take(&mut members));
                // In a task of its own: should a write panic, only those beside it go without an answer.
                drop(tokio::spawn(together).await);
            }
        });
        Self(sender)
    }

    /// Carries out a write; it is on the disk when this returns its result.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: Work<T>,
        progress: WriteProgress,
    ) -> Result<T, StoreError> {
        let (waiting, result) = oneshot::channel();
        let write = Write {
            work,
            result: None,
            progress,
            waiting,
        };
        let handed_in = self.0.send(Box::new(write)).await;
        handed_in.map_err(|_| sqlx::Error::WorkerCrashed)?;
        // The writer has ended without a word.
        let unknown = || StoreError::OutcomeUnknown(Arc::new(sqlx::Error::WorkerCrashed));
        result.await.unwrap_or_else(|_| Err(unknown()))
    }
}

/// One transaction: whoever waits is told after its commit.
async fn commit(writers: AnyPool, begin: &'static str, mut members: Vec<Box<dyn Member>>) {
    members.retain(|member| !member.is_abandoned());
    if members.is_empty() {
        return;
    }
    let failed = match writers.acquire().await {
        Ok(mut connection) => match carry_out(&mut connection, begin, &mut members).await {
            Ok(()) => None,
            Err(error) => {
                // SQLite ends some transactions by itself, on a full disk for one, and sqlx does not notice: a
                // connection after a failure is not used again.
                drop(connection.close().await);
                Some(error)
            }
        },
        Err(error) => Some(error.into()),
    };
    for member in members {
        member.tell(failed.clone());
    }
}

async fn carry_out(
    connection: &mut AnyConnection,
    begin: &'static str,
    members: &mut Vec<Box<dyn Member>>,
) -> Result<(), Failure> {
    let mut transaction = connection.begin_with(begin).await?;
    members.retain(|member| member.begin());
    for member in members {
        let run = member.run(&mut transaction).await;
        run.map_err(Failure::undone)?;
    }
    transaction.commit().await.map_err(Failure::from_commit)
}

impl<T: Send + 'static> Member for Write<T> {
    fn is_abandoned(&self) -> bool {
        self.waiting.is_closed()
    }

    fn begin(&self) -> bool {
        !self.is_abandoned() && self.progress.begin()
    }

    fn run<'a>(&'a mut self, connection: &'a mut AnyConnection) -> Run<'a> {
        Box::pin(async move {
            let mut savepoint = connection.begin().await?;
            let done = match panics::catch(self.work.run(&mut savepoint)).await {
                Ok(done) => done,
                Err(panicked) => {
                    self.result = Some(Err(StoreError::Panicked(panicked)));
                    return Err(Arc::new(sqlx::Error::WorkerCrashed));
                }
            };
            match done {
                Ok(done) => {
                    savepoint.commit().await?;
                    self.result = Some(Ok(done));
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

    fn tell(self: Box<Self>, failed: Option<Failure>) {
        let result = match (failed, self.result) {
            (None, Some(result)) => result,
            (_, Some(Err(panicked @ StoreError::Panicked(_)))) => Err(panicked),
            (Some(failure), Some(Ok(_))) if failure.unknown => {
                Err(StoreError::OutcomeUnknown(failure.cause))
            }
            // What was refused may have been so for a write that was undone.
            (Some(failure), _) => Err(StoreError::Unavailable(failure.cause)),
            (None, None) => Err(sqlx::Error::WorkerCrashed.into()),
        };
        if !matches!(result, Ok(_) | Err(StoreError::OutcomeUnknown(_))) {
            self.progress.undo();
        }
        // Whoever asked may have gone away meanwhile.
        drop(self.waiting.send(result));
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use futures::future::join_all;
    use sqlx::Row;
    use tempfile::TempDir;

    use super::*;
    use crate::{
        store::{SchemaPolicy, Store},
        vault::{MasterKeys, Vault},
    };

    const ROW: &str = "insert into write_probe (id, writes) values ($1, 1)";

    struct Database {
        folder: TempDir,
        store: Store,
    }

    impl Database {
        async fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("sqlite:{}", folder.path().join("k.db").display());
            let store =
                Store::open(&url, Vault::new(MasterKeys::none()), SchemaPolicy::Migrate).await;
            Self {
                folder,
                store: store.expect("a database"),
            }
        }

        /// Carries out writes that all wait for the disk at the same time.
        async fn together<T: Send + 'static>(
            &self,
            works: Vec<Work<T>>,
        ) -> Vec<Result<T, StoreError>> {
            let busy = self.store.writers.acquire().await.expect("the writer");
            let writes = join_all(works.into_iter().map(|work| self.store.run(work)));
            let release = async {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                drop(busy);
            };
            tokio::join!(writes, release).0
        }

        async fn rows(&self) -> i64 {
            let count = sqlx::query("select count(*) from write_probe");
            let row = count.fetch_one(&self.store.readers).await.expect("a count");
            row.get(0)
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

    fn row(id: i64) -> Work<()> {
        Work::new(move |connection| {
            Box::pin(async move {
                sqlx::query(ROW).bind(id).execute(connection).await?;
                Ok(())
            })
        })
    }

    fn refused_after_row(id: i64) -> Work<()> {
        Work::new(move |connection| {
            Box::pin(async move {
                sqlx::query(ROW).bind(id).execute(connection).await?;
                Err(StoreError::LeadsPerDay)
            })
        })
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
            database.store.run(row(id)).await.expect("written");
            assert_eq!(database.commits(), before + 1);
        }
    }

    #[tokio::test]
    async fn a_write_that_is_refused_leaves_nothing_and_its_neighbours_alone() {
        let database = Database::new().await;
        let works = (0..20).map(|id| {
            if id % 2 == 0 {
                row(id)
            } else {
                refused_after_row(id)
            }
        });
        let results = database.together(works.collect()).await;
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
            async move { store.run(row(1)).await }
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        let patience = std::time::Duration::from_millis(50);
        let second = tokio::time::timeout(patience, database.store.run(row(2))).await;
        assert!(second.is_err());
        drop(busy);
        first.await.expect("no panic").expect("written");
        database.store.run(row(3)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn a_write_that_panics_does_not_end_the_writer() {
        let database = Database::new().await;
        let panics = Work::<()>::new(|_| Box::pin(async { panic!("a fault of ours") }));
        let works = vec![row(1), panics, row(2)];
        let results = database.together(works).await;
        assert!(
            matches!(results[1], Err(StoreError::Panicked(_))),
            "{results:?}"
        );
        for neighbour in [&results[0], &results[2]] {
            let undone = matches!(neighbour, Ok(()) | Err(StoreError::Unavailable(_)));
            assert!(undone, "{results:?}");
        }
        database.store.run(row(3)).await.expect("written");
        let written = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!(
            database.rows().await,
            i64::try_from(written + 1).expect("few")
        );
    }

    #[tokio::test]
    async fn a_write_given_up_while_others_lock_the_database_never_happens() {
        let database = Database::new().await;
        let mut lock = database
            .store
            .readers
            .begin_with("begin immediate")
            .await
            .expect("a lock");
        let progress = WriteProgress::default();
        let patience = std::time::Duration::from_millis(100);
        let waits = database.store.run_with(row(1), &progress);
        assert!(tokio::time::timeout(patience, waits).await.is_err());
        assert!(progress.give_up());
        sqlx::query(ROW)
            .bind(2_i64)
            .execute(&mut *lock)
            .await
            .expect("written");
        lock.commit().await.expect("the end of the lock");
        database.store.run(row(3)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn a_write_given_up_after_it_has_begun_may_have_happened() {
        let database = Database::new().await;
        let slow = Work::new(|connection| {
            Box::pin(async move {
                sqlx::query(ROW).bind(1_i64).execute(connection).await?;
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
                Ok(())
            })
        });
        let progress = WriteProgress::default();
        let patience = std::time::Duration::from_millis(100);
        let waits = database.store.run_with(slow, &progress);
        assert!(tokio::time::timeout(patience, waits).await.is_err());
        assert!(!progress.give_up());
        database.store.run(row(2)).await.expect("written");
        assert_eq!(database.rows().await, 2);
    }

    #[tokio::test]
    async fn an_acknowledged_write_has_reached_the_disk() {
        let database = Database::new().await;
        for (pragma, expected) in [("journal_mode", "wal"), ("synchronous", "2")] {
            let sql = format!("select cast({pragma} as text) from pragma_{pragma}");
            let row = sqlx::query(sqlx::AssertSqlSafe(sql));
            let row = row.fetch_one(&database.store.writers).await.expect("a row");
            assert_eq!(row.get::<String, _>(0), expected, "{pragma}");
        }
    }
}
