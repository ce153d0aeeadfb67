//! What happens in one transaction, told before it is done.

use std::{future::Future, pin::Pin, sync::Arc};

use sqlx::AnyConnection;

use super::StoreError;

/// The run of a piece of work.
pub(super) type Running<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

type Run<T> = dyn for<'c> Fn(&'c mut AnyConnection) -> Running<'c, T> + Send + Sync;

/// What happens in one transaction. It may run more than once: nothing remains of a run that failed.
#[must_use = "nothing is written before it runs"]
pub struct Work<T>(Arc<Run<T>>);

impl<T> Clone for Work<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Send + 'static> Work<T> {
    pub(super) fn new(
        run: impl for<'c> Fn(&'c mut AnyConnection) -> Running<'c, T> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(run))
    }

    pub(super) fn run<'c>(&self, connection: &'c mut AnyConnection) -> Running<'c, T> {
        (self.0)(connection)
    }

    /// The same work with something made of its result, still within the transaction.
    pub fn map<U: Send + 'static>(self, make: impl Fn(T) -> U + Send + Sync + 'static) -> Work<U> {
        let shared = Arc::new((self, make));
        Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (work, make) = &*shared;
                Ok(make(work.run(connection).await?))
            })
        })
    }
}
