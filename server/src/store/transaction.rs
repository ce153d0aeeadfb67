//! How a write is run: in a transaction of its own, and again when it lost a race.
//!
//! A tenant's write gets the workspace's current keys ([`super::write_keys`]). On SQLite concurrent writes share a
//! commit ([`super::group_commit`]).

use std::sync::{Arc, atomic::Ordering};

use super::{
    Store, StoreError, Tenant, Write, WriteProgress, engine::Connection, error::is_undone,
};

/// How often a write is attempted when it loses races for unique values.
pub(super) const MAX_ATTEMPTS: u32 = 4;

/// A write of a tenant with the keys that are current in its transaction.
struct WithCurrentKeys<W> {
    tenant: Tenant,
    write: W,
}

impl<W: Write<Tenant>> Write<Store> for WithCurrentKeys<W> {
    type Output = W::Output;

    async fn run(
        &self,
        _: &Store,
        connection: &mut Connection,
    ) -> Result<Self::Output, StoreError> {
        let tenant = self.tenant.with_current_keys(connection).await?;
        self.write.run(&tenant, connection).await
    }
}

impl Tenant {
    /// Runs a write of this workspace.
    ///
    /// # Errors
    /// Those of the write; nothing is written then.
    pub async fn write<W: Write<Tenant>>(&self, write: W) -> Result<W::Output, StoreError> {
        let write = WithCurrentKeys {
            tenant: self.clone(),
            write,
        };
        self.store.write_with(write, &self.progress).await
    }
}

impl Store {
    /// Runs a write.
    ///
    /// # Errors
    /// Those of the write; nothing is written then.
    pub(super) async fn write<W: Write<Self>>(&self, write: W) -> Result<W::Output, StoreError> {
        self.write_with(write, &WriteProgress::default()).await
    }

    /// Runs a write for a caller who may stop waiting for it.
    pub(super) async fn write_with<W: Write<Self>>(
        &self,
        write: W,
        progress: &WriteProgress,
    ) -> Result<W::Output, StoreError> {
        let write = Arc::new(write);
        let mut attempts = MAX_ATTEMPTS;
        loop {
            let result = match &self.group_commit {
                Some(group_commit) => {
                    let progress = progress.clone();
                    group_commit.run(self, Arc::clone(&write), progress).await
                }
                None => self.write_alone(&*write, progress).await,
            };
            match result {
                Err(error) if error.is_race() && attempts > 1 => attempts -= 1,
                result => {
                    // Only the probe of `ping` ends this: on a full disk a commit that writes nothing succeeds.
                    if let Err(StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_)) = result
                    {
                        self.failed_writes.fetch_add(1, Ordering::Relaxed);
                    }
                    return result;
                }
            }
        }
    }

    async fn write_alone<W: Write<Self>>(
        &self,
        write: &W,
        progress: &WriteProgress,
    ) -> Result<W::Output, StoreError> {
        let mut transaction = self.writers.begin().await?;
        match write.run(self, &mut transaction).await {
            Ok(output) => {
                // Before this point the database rolls back on its own, even if the connection is lost.
                progress.begin();
                match transaction.commit().await {
                    Ok(()) => Ok(output),
                    Err(error) if is_undone(&error) => {
                        progress.undo();
                        Err(error.into())
                    }
                    Err(error) => Err(StoreError::OutcomeUnknown(Arc::new(error))),
                }
            }
            Err(error) => {
                // Rolled back before the caller may retry, so that the locks are free by then. If the rollback fails,
                // the connection is closed, which frees them too.
                let _ = transaction.rollback().await;
                Err(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{DryRun, engine::query, tests::temporary};

    /// Inserts a row, refuses a negative number after that, and says how many rows there are.
    struct Insert(i64);

    impl Write<Store> for Insert {
        type Output = i64;

        async fn run(&self, _: &Store, connection: &mut Connection) -> Result<i64, StoreError> {
            query("insert into write_probe (id, writes) values ($1, 1)")
                .bind(self.0)
                .execute(&mut *connection)
                .await?;
            if self.0 < 0 {
                return Err(StoreError::LeadsPerDay);
            }
            let count = query("select count(*) from write_probe");
            Ok(count.fetch_one(connection).await?.get(0)?)
        }
    }

    #[tokio::test]
    async fn a_batch_is_written_as_a_whole_or_not_at_all() {
        let (_folder, store) = temporary().await;
        assert_eq!(
            store.write(vec![Insert(1), Insert(2)]).await.unwrap(),
            [1, 2]
        );
        let refused = store.write(vec![Insert(3), Insert(-1), Insert(4)]).await;
        assert!(matches!(refused, Err(StoreError::LeadsPerDay)));
        assert_eq!(store.write(Insert(5)).await.unwrap(), 3);
    }

    #[tokio::test]
    async fn a_dry_run_says_what_would_happen_and_leaves_nothing() {
        let (_folder, store) = temporary().await;
        let batch = || DryRun(vec![Insert(1), Insert(2)]);
        assert_eq!(store.write(batch()).await.unwrap(), [1, 2]);
        let refused = store.write(DryRun(Insert(-1))).await;
        assert!(matches!(refused, Err(StoreError::LeadsPerDay)));
        assert_eq!(
            store
                .write(batch().map(|counts| counts.len()))
                .await
                .unwrap(),
            2
        );
        assert_eq!(store.write(Insert(1)).await.unwrap(), 1);
    }
}
