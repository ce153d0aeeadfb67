//! Writes as values: what happens in one transaction, and how it is run.
//!
//! [`Tenant::write`] and [`Store::write`] run a [`Write`] in a transaction of its own and run it again when it lost a
//! race. A tenant's write also gets the workspace's current keys ([`super::write_keys`]). On SQLite concurrent writes
//! share a commit ([`super::group_commit`]).

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
};

use sqlx::{AnyConnection, Connection};

use super::{MAX_ATTEMPTS, Store, StoreError, Tenant, WriteProgress, error::is_undone};

/// One write of a workspace, or with `Write<Store>` of the store as a whole.
///
/// It may run more than once: a run that fails leaves nothing behind.
pub trait Write<Scope: Sync = Tenant>: Send + Sync + 'static {
    /// What it results in.
    type Output: Send + 'static;

    /// Runs it in a transaction, which the caller commits or rolls back.
    fn run(
        &self,
        scope: &Scope,
        connection: &mut AnyConnection,
    ) -> impl Future<Output = Result<Self::Output, StoreError>> + Send;

    /// The same write with its output mapped, still within the transaction.
    fn map<T, F>(self, map: F) -> Map<Self, F>
    where
        Self: Sized,
        T: Send + 'static,
        F: Fn(Self::Output) -> T + Send + Sync + 'static,
    {
        Map { write: self, map }
    }
}

/// A write whose output is mapped; see [`Write::map`].
pub struct Map<W, F> {
    write: W,
    map: F,
}

impl<Scope, W, T, F> Write<Scope> for Map<W, F>
where
    Scope: Sync,
    W: Write<Scope>,
    T: Send + 'static,
    F: Fn(W::Output) -> T + Send + Sync + 'static,
{
    type Output = T;

    async fn run(&self, scope: &Scope, connection: &mut AnyConnection) -> Result<T, StoreError> {
        Ok((self.map)(self.write.run(scope, connection).await?))
    }
}

/// All of these writes, in their order, or none of them.
impl<Scope: Sync, W: Write<Scope>> Write<Scope> for Vec<W> {
    type Output = Vec<W::Output>;

    async fn run(
        &self,
        scope: &Scope,
        connection: &mut AnyConnection,
    ) -> Result<Self::Output, StoreError> {
        let mut outputs = Vec::with_capacity(self.len());
        for write in self {
            outputs.push(write.run(scope, connection).await?);
        }
        Ok(outputs)
    }
}

/// A write that is run and undone: its output says what would have happened.
pub struct DryRun<W>(pub W);

impl<Scope: Sync, W: Write<Scope>> Write<Scope> for DryRun<W> {
    type Output = W::Output;

    async fn run(
        &self,
        scope: &Scope,
        connection: &mut AnyConnection,
    ) -> Result<Self::Output, StoreError> {
        let mut savepoint = connection.begin().await?;
        let result = self.0.run(scope, &mut savepoint).await;
        savepoint.rollback().await?;
        result
    }
}

/// A write of a tenant with the keys that are current in its transaction.
struct WithCurrentKeys<W> {
    tenant: Tenant,
    write: W,
}

impl<W: Write> Write<Store> for WithCurrentKeys<W> {
    type Output = W::Output;

    async fn run(
        &self,
        _: &Store,
        connection: &mut AnyConnection,
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
    pub async fn write<W: Write>(&self, write: W) -> Result<W::Output, StoreError> {
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
                    // A refusal says nothing about the health of the database.
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

    async fn write_alone<W: Write<Self>>(
        &self,
        write: &W,
        progress: &WriteProgress,
    ) -> Result<W::Output, StoreError> {
        let mut transaction = self.begin().await?;
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
    use sqlx::Row;

    use super::*;
    use crate::store::tests::temporary;

    /// Inserts a row, refuses a negative number after that, and says how many rows there are.
    struct Insert(i64);

    impl Write<Store> for Insert {
        type Output = i64;

        async fn run(&self, _: &Store, connection: &mut AnyConnection) -> Result<i64, StoreError> {
            sqlx::query("insert into write_probe (id, writes) values ($1, 1)")
                .bind(self.0)
                .execute(&mut *connection)
                .await?;
            if self.0 < 0 {
                return Err(StoreError::LeadsPerDay);
            }
            let count = sqlx::query("select count(*) from write_probe");
            Ok(count.fetch_one(connection).await?.try_get(0)?)
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
