//! Many writes in one transaction.
//!
//! SQLite has one writer at a time, which waits for the disk at every commit. Writes that come while it waits go into
//! the next transaction together and share its wait. Each has a savepoint of its own, so that one that is refused
//! leaves the others alone, and each is answered only after the commit.

use std::{future::Future, pin::Pin, sync::Arc};

use sqlx::{AnyConnection, AnyPool, Connection};
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, Work};

/// The most writes in one transaction: the first of them waits for the last.
const MOST: usize = 64;

/// How many writes may wait for the next transaction before those who ask for more have to wait too.
const WAITING: usize = 256;

/// Where writes are handed in. The writer behind it ends with the last copy of it.
#[derive(Clone)]
pub(super) struct GroupCommit(mpsc::Sender<Box<dyn Member>>);

/// A write on its way, whatever its result is.
trait Member: Send {
    /// Whether nobody waits for it any more: what has not begun need not begin.
    fn is_abandoned(&self) -> bool;

    /// Carries it out and keeps its result. An error is one of the whole transaction.
    fn run<'a>(&'a mut self, connection: &'a mut AnyConnection) -> Run<'a>;

    /// Tells its result to whoever waits, or why the transaction failed.
    fn tell(self: Box<Self>, failed: Option<Arc<sqlx::Error>>);
}

type Run<'a> = Pin<Box<dyn Future<Output = Result<(), Arc<sqlx::Error>>> + Send + 'a>>;

struct Write<T> {
    work: Work<T>,
    result: Option<Result<T, StoreError>>,
    waiting: oneshot::Sender<Result<T, StoreError>>,
}

impl GroupCommit {
    /// Starts the writer.
    pub(super) fn new(writers: AnyPool, begin: &'static str) -> Self {
        let (sender, mut waiting) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut members = Vec::with_capacity(MOST);
            while waiting.recv_many(&mut members, MOST).await > 0 {
                let together = commit(writers.clone(), begin, std::mem::take(&mut members));
                // In a task of its own: should a write panic, only those beside it go without an answer.
                drop(tokio::spawn(together).await);
            }
        });
        Self(sender)
    }

    /// Carries out a write; it is on the disk when this returns its result.
    pub(super) async fn run<T: Send + 'static>(&self, work: Work<T>) -> Result<T, StoreError> {
        let (waiting, result) = oneshot::channel();
        let write = Write {
            work,
            result: None,
            waiting,
        };
        let gone = || StoreError::from(sqlx::Error::WorkerCrashed);
        self.0.send(Box::new(write)).await.map_err(|_| gone())?;
        result.await.unwrap_or_else(|_| Err(gone()))
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
        Err(error) => Some(Arc::new(error)),
    };
    for member in members {
        member.tell(failed.clone());
    }
}

async fn carry_out(
    connection: &mut AnyConnection,
    begin: &'static str,
    members: &mut [Box<dyn Member>],
) -> Result<(), Arc<sqlx::Error>> {
    let mut transaction = connection.begin_with(begin).await?;
    for member in members {
        member.run(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}

impl<T: Send + 'static> Member for Write<T> {
    fn is_abandoned(&self) -> bool {
        self.waiting.is_closed()
    }

    fn run<'a>(&'a mut self, connection: &'a mut AnyConnection) -> Run<'a> {
        Box::pin(async move {
            let mut savepoint = connection.begin().await?;
            match self.work.run(&mut savepoint).await {
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

    fn tell(self: Box<Self>, failed: Option<Arc<sqlx::Error>>) {
        let result = match (failed, self.result) {
            (None, Some(result)) => result,
            (Some(cause), _) => Err(StoreError::Unavailable(cause)),
            (None, None) => Err(sqlx::Error::WorkerCrashed.into()),
        };
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
        let error = database.store.run(panics).await.expect_err("no answer");
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
        database.store.run(row(1)).await.expect("written");
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
