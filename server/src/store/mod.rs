//! SQL and migrations: domain values go in and come out, nothing above sees a row or ciphertext.
//!
//! `engine` has the pools of both engines, statements and rows. What belongs to a workspace is reached through
//! [`Tenant`] alone: a query that is not bound to a workspace cannot be written above here.

mod analytics;
pub mod api_keys;
mod batches;
mod conversions;
pub mod cursor;
mod database_url;
pub mod encryption;
mod engine;
mod erase;
mod error;
mod group_commit;
mod health;
pub mod idempotency;
mod in_flight;
pub mod lead_days;
pub mod leads;
mod name_index;
mod open;
mod opened_keys;
pub mod paging;
mod pooler;
mod progress;
mod read;
mod rotation;
mod schema;
mod shred;
mod tickets;
mod transaction;
pub mod workspaces;
mod write;
mod write_keys;

use std::sync::{Arc, atomic::AtomicU64};

use tokio::time::Instant;

pub use analytics::{CampaignRow, Totals};
pub use conversions::PendingLead;
pub use database_url::{DatabaseUrl, DatabaseUrlError};
pub use engine::{Connection, Engine};
pub use error::{Candidate, StoreError, Taken};
pub use leads::{BulkLead, BulkProgress, BulkStep, EraseLead, Erased};
pub use open::OpenOptions;
pub use pooler::PoolerError;
pub use progress::WriteProgress;
pub use rotation::Rotated;
pub use schema::{SchemaError, SchemaPolicy};
pub use tickets::{CreateTicket, NewTicket, SavedTicket};
pub use write::{DryRun, Map, Write};

use self::{engine::Pool, group_commit::GroupCommit, in_flight::InFlight, opened_keys::OpenedKeys};
use crate::{
    domain::workspace::NameIndex,
    randomness::Randomness,
    vault::{Vault, WorkspaceKeys},
};

/// The database, and the vault that seals what goes into it.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    /// For reads, and on PostgreSQL for everything.
    readers: Pool,
    /// SQLite has one writer at a time: queueing here is fairer and quicker than its busy handler.
    writers: Pool,
    /// One connection for health checks: an exhausted pool under load says nothing about the database.
    health: Pool,
    vault: Arc<Vault>,
    /// Where codes and references are drawn from.
    randomness: Randomness,
    opened_keys: Arc<OpenedKeys>,
    in_flight: InFlight,
    /// How many writes found the database full or away since a health check last wrote.
    failed_writes: Arc<AtomicU64>,
    /// When the database was last checked, and whether it was healthy.
    last_check: Arc<tokio::sync::Mutex<Option<(Instant, bool)>>>,
    /// Only on SQLite; PostgreSQL groups commits by itself.
    group_commit: Option<GroupCommit>,
}

/// One workspace's part of the store; the only way to its leads and tickets.
#[derive(Clone)]
pub struct Tenant {
    store: Store,
    workspace_id: String,
    keys: Arc<WorkspaceKeys>,
    /// Whether names get tokens.
    name_index: NameIndex,
    /// How far the write of this tenant's request has come.
    progress: WriteProgress,
}

impl Store {
    /// The same store, which draws codes and references from another source than the system's.
    #[must_use]
    pub fn with_randomness(self, randomness: Randomness) -> Self {
        Self { randomness, ..self }
    }

    /// Which database this is.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// The keys and ciphers of this store.
    #[must_use]
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Closes every connection once its statement has ended.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
        self.health.close().await;
    }

    /// Reads, and reads again if the connection turns out to be broken, so that no request fails because the database
    /// was restarted.
    pub(super) async fn read_again<T, F: Future<Output = Result<T, StoreError>>>(
        &self,
        read: impl Fn() -> F,
    ) -> Result<T, StoreError> {
        match read().await {
            Err(StoreError::Unavailable(cause))
                if self.engine == Engine::Postgres
                    && !matches!(*cause, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed)
                    && !engine::is_starting(&cause) =>
            {
                for pool in [&self.readers, &self.health] {
                    pool.suspect();
                }
                read().await
            }
            result => result,
        }
    }

    /// Locks the rows of a `select` until the transaction ends; SQLite's only writer needs no lock.
    fn row_lock(&self) -> &'static str {
        match self.engine {
            Engine::Sqlite => "",
            Engine::Postgres => " for update",
        }
    }
}

impl Tenant {
    /// The workspace this is.
    #[must_use]
    pub fn workspace_id(&self) -> &str {
        &self.workspace_id
    }

    /// How far the write of this request has come.
    #[must_use]
    pub fn progress(&self) -> &WriteProgress {
        &self.progress
    }

    /// The keys of this workspace.
    #[must_use]
    pub fn keys(&self) -> &WorkspaceKeys {
        &self.keys
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tempfile::TempDir;

    use super::{SchemaPolicy, Store, Tenant};
    use crate::{
        domain::workspace::{NameIndex, Workspace},
        vault::{MasterKey, MasterKeys, Vault},
    };

    /// A store on an SQLite database that goes with its folder.
    pub(super) async fn temporary() -> (TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        let vault = Vault::new(MasterKeys::from(&MasterKey::generate()));
        let store = Store::open(&url, vault, SchemaPolicy::Migrate).await;
        (folder, store.unwrap())
    }

    /// A workspace in such a store.
    pub(super) async fn temporary_tenant() -> (TempDir, Tenant) {
        let (folder, store) = temporary().await;
        let workspace = Workspace {
            id: "ws_1".into(),
            name: "Toko Budi Online".into(),
            plan: "pro".into(),
            requests_per_minute: None,
            leads_per_day: None,
            timezone: "Asia/Jakarta".into(),
            currency: "IDR".into(),
            language: "id".into(),
            date_format: "DD/MM/YYYY".into(),
            tracking_code: "KNK-abc123".into(),
            name_index: NameIndex::On,
            created_at: Timestamp::UNIX_EPOCH,
        };
        store.create_workspace(&workspace).await.unwrap();
        let tenant = store.tenant(&workspace).await.unwrap();
        (folder, tenant)
    }
}
