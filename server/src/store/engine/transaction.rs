//! Transactions, and savepoints within them.
//!
//! sqlx's own `Transaction` borrows a connection of one engine, so that it cannot lend out a [`Connection`]. This one
//! does the same through the same trait of the drivers.

use std::ops::{Deref, DerefMut};

use sqlx::{SqlSafeStr, postgres::PgTransactionManager, sqlite::SqliteTransactionManager};
use sqlx_core::transaction::TransactionManager;

use super::{
    connection::{Connection, Driver},
    pool::Pool,
    source::Lease,
};

/// A transaction, or a savepoint within one. What is neither committed nor rolled back is undone: a savepoint before the
/// next statement, a transaction with its connection, which the pool does not use again.
pub(crate) struct Transaction<'c> {
    connection: Lease<'c>,
    is_open: bool,
}

impl Connection {
    /// Begins a transaction that may write, or a savepoint if there is a transaction already.
    pub(crate) async fn begin(&mut self) -> Result<Transaction<'_>, sqlx::Error> {
        Transaction::begin(Lease::Borrowed(self)).await
    }
}

impl Pool {
    /// Begins a transaction that may write, on a connection of its own.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static>, sqlx::Error> {
        Transaction::begin(Lease::Pooled(self.acquire().await?)).await
    }
}

impl<'c> Transaction<'c> {
    async fn begin(connection: Lease<'c>) -> Result<Self, sqlx::Error> {
        // Open before it has begun: the database may begin it although nobody waits for that any more.
        let mut transaction = Self {
            connection,
            is_open: true,
        };
        transaction.set_ended(false);
        transaction.open_transaction();
        match transaction.driver() {
            Driver::Sqlite(driver) => {
                let is_first = SqliteTransactionManager::get_transaction_depth(driver) == 0;
                // A deferred transaction that becomes a writer half-way may fail with "database is locked".
                let statement = is_first.then(|| "begin immediate".into_sql_str());
                SqliteTransactionManager::begin(driver, statement).await?;
            }
            Driver::Postgres(driver) => PgTransactionManager::begin(driver, None).await?,
        }
        transaction.set_ended(true);
        Ok(transaction)
    }

    /// Keeps what was written.
    pub(crate) async fn commit(mut self) -> Result<(), sqlx::Error> {
        self.set_ended(false);
        match self.driver() {
            Driver::Sqlite(driver) => SqliteTransactionManager::commit(driver).await?,
            Driver::Postgres(driver) => PgTransactionManager::commit(driver).await?,
        }
        self.close();
        Ok(())
    }

    /// Undoes what was written.
    pub(crate) async fn rollback(mut self) -> Result<(), sqlx::Error> {
        self.set_ended(false);
        match self.driver() {
            Driver::Sqlite(driver) => SqliteTransactionManager::rollback(driver).await?,
            Driver::Postgres(driver) => PgTransactionManager::rollback(driver).await?,
        }
        self.close();
        Ok(())
    }

    fn close(&mut self) {
        self.is_open = false;
        self.close_transaction();
        self.set_ended(true);
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            self.set_ended(false);
            match self.driver() {
                Driver::Sqlite(driver) => SqliteTransactionManager::start_rollback(driver),
                Driver::Postgres(driver) => PgTransactionManager::start_rollback(driver),
            }
        }
    }
}

impl Deref for Transaction<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl DerefMut for Transaction<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}
