//! Writes as values: what happens in one transaction.

use std::future::Future;

use super::{StoreError, engine::Connection};

/// One write of a workspace ([`Tenant`](super::Tenant)) or of the store as a whole ([`Store`](super::Store)).
///
/// It may run more than once: a run that fails leaves nothing behind.
pub trait Write<Scope: Sync>: Send + Sync + 'static {
    /// Whether it undoes itself.
    const IS_DRY_RUN: bool = false;

    /// What it results in.
    type Output: Send + 'static;

    /// Runs it in a transaction, which the caller commits or rolls back.
    fn run(
        &self,
        scope: &Scope,
        connection: &mut Connection,
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
    const IS_DRY_RUN: bool = W::IS_DRY_RUN;

    type Output = T;

    async fn run(&self, scope: &Scope, connection: &mut Connection) -> Result<T, StoreError> {
        Ok((self.map)(self.write.run(scope, connection).await?))
    }
}

/// All of these writes, in their order, or none of them.
impl<Scope: Sync, W: Write<Scope>> Write<Scope> for Vec<W> {
    const IS_DRY_RUN: bool = W::IS_DRY_RUN;

    type Output = Vec<W::Output>;

    async fn run(
        &self,
        scope: &Scope,
        connection: &mut Connection,
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
    const IS_DRY_RUN: bool = true;

    type Output = W::Output;

    async fn run(
        &self,
        scope: &Scope,
        connection: &mut Connection,
    ) -> Result<Self::Output, StoreError> {
        let mut savepoint = connection.begin().await?;
        let result = self.0.run(scope, &mut savepoint).await;
        savepoint.rollback().await?;
        result
    }
}
