//! Long jobs beside running servers: small transactions, pauses for other writers, and retries.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Engine, Store, StoreError, engine::query};

/// How long a job retries while the database is busy or away. After that it ends, and is started again by hand.
const JOB_RETRY_FOR: Duration = Duration::from_mins(1);

const JOB_RETRY_DELAY: Duration = Duration::from_millis(500);

impl Store {
    /// Runs one batch of a long job, and again while the database is busy or away.
    pub(super) async fn batch<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        attempt: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        loop {
            let this = Instant::now();
            match attempt().await {
                Err(StoreError::Unavailable(_) | StoreError::Raced)
                    if began.elapsed() < JOB_RETRY_FOR =>
                {
                    sleep(JOB_RETRY_DELAY).await;
                }
                result => {
                    if self.engine == Engine::Sqlite {
                        // Leaves the one writer to others for as long as this batch had it.
                        sleep(this.elapsed()).await;
                    }
                    return result;
                }
            }
        }
    }

    /// Runs a `delete` of a limited number (`$2`) of a workspace's (`$1`) rows until there are none left, and reports how
    /// many each run has deleted.
    pub(super) async fn delete_in_batches(
        &self,
        sql: &'static str,
        workspace_id: &str,
        limit: i64,
        mut deleted: impl FnMut(u64),
    ) -> Result<(), StoreError> {
        loop {
            let rows = self
                .batch(|| async {
                    let delete = query(sql).bind(workspace_id).bind(limit);
                    Ok(delete.execute(&self.writers).await?)
                })
                .await?;
            if rows == 0 {
                return Ok(());
            }
            deleted(rows);
        }
    }
}
