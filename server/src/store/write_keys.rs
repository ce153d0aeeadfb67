//! The current keys of a write: which data key it seals under, and whether it indexes names.
//!
//! A request opens its workspace's keys when it begins. Before it writes, a rotation may have made a new data key,
//! sealed every row again and deleted the old key: a row sealed under the old key would be lost. Likewise, a name index
//! may have been completed without the lead that the request is about to write. So every transaction that writes looks
//! up the current keys, under a lock that it shares with the other writers of its workspace until it ends.
//!
//! A change of keys is committed first and then takes that lock exclusively, once ([`Store::wait_for_older_writes`]):
//! after that, every write that may not know the change has ended, and every later one knows it. SQLite has one writer at
//! a time and needs no lock.
//!
//! Reads need no lock. A row under an unknown, newer data key makes them open the keys again ([`super::read`]), and a
//! deleted key stays open to a read that has opened it.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    Engine, Store, StoreError, Tenant,
    engine::{Connection, query},
    error::sql_state,
    workspaces,
};

const SELECT_CURRENT_KEY: &str = "select key_id, name_index from workspace \
    join workspace_key on workspace_id = workspace.id and purpose = 'data' \
    where workspace.id = $1 order by key_id desc limit 1";

/// The first number says what is locked; advisory locks of two numbers never collide with those of one, which
/// idempotency takes. Two workspaces with the same hash only wait for each other.
const LOCK_SHARED: &str = "select pg_advisory_xact_lock_shared(1, hashtext($1))::text";
const LOCK_EXCLUSIVE: &str = "select pg_advisory_xact_lock(1, hashtext($1))::text";

/// While a transaction waits for the exclusive lock, others queue behind it; after this time it lets them pass.
const SET_LOCK_TIMEOUT: &str = "set local lock_timeout = '500ms'";

/// How long they may pass.
const EXCLUSIVE_RETRY_DELAY: Duration = Duration::from_millis(500);

/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Tenant {
    /// This workspace with the keys that are current in a transaction, and stay so until it ends.
    pub(super) async fn with_current_keys(
        &self,
        connection: &mut Connection,
    ) -> Result<Self, StoreError> {
        if self.store.engine == Engine::Postgres {
            query(LOCK_SHARED)
                .bind(self.workspace_id.as_str())
                .execute(&mut *connection)
                .await?;
        }
        let current = query(SELECT_CURRENT_KEY)
            .bind(self.workspace_id.as_str())
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(StoreError::NoWorkspace)?;
        let mut tenant = self.clone();
        tenant.name_index = workspaces::name_index(current.get(1)?)?;
        if current.get::<i64>(0)? != i64::from(self.keys.data_key_id()) {
            let wrapped = workspaces::keys(connection, &self.workspace_id).await?;
            tenant.keys = self.store.open_keys(&self.workspace_id, wrapped)?;
        }
        Ok(tenant)
    }
}

impl Store {
    /// Waits until every write that may not know a change of keys has ended.
    pub(super) async fn wait_for_older_writes(&self, workspace_id: &str) -> Result<(), StoreError> {
        if self.engine == Engine::Sqlite {
            return Ok(());
        }
        while !self.try_exclusive(workspace_id).await? {
            sleep(EXCLUSIVE_RETRY_DELAY).await;
        }
        Ok(())
    }

    async fn try_exclusive(&self, workspace_id: &str) -> Result<bool, StoreError> {
        let mut transaction = self.writers.begin().await?;
        query(SET_LOCK_TIMEOUT).execute(&mut *transaction).await?;
        let locked = query(LOCK_EXCLUSIVE)
            .bind(workspace_id)
            .execute(&mut *transaction)
            .await;
        match locked {
            Err(error) if sql_state(&error) == Some(LOCK_NOT_AVAILABLE) => Ok(false),
            locked => {
                locked?;
                Ok(true)
            }
        }
    }
}
