//! The terms of a write: under which data key it seals, and whether it indexes names.
//!
//! A request looks its workspace's keys up when it begins. When it writes, a rotation may have brought a new data key,
//! sealed every row again and removed the old key: a lead sealed under that would be lost, and a lead without tokens
//! would be missed by an index that was completed meanwhile. So every transaction that writes looks the terms up for
//! itself, under a lock that it shares with the other writers of its workspace until it ends. Whoever changes terms
//! commits the change and then takes that lock alone, once ([`Store::wait_for_older_writes`]): every write that may not know the
//! change has ended then, and every later one knows it. SQLite has one writer at a time and needs no lock.
//!
//! Reads take no part: a row that they find under a data key newer than theirs tells them to look again
//! ([`Tenant::read`]), and an old key that they have opened stays open to them.

use std::time::Duration;

use sqlx::{AnyConnection, Row};
use tokio::time::sleep;

use super::{Engine, MAX_ATTEMPTS, Store, StoreError, Tenant, work::Running, workspaces};
use crate::vault::VaultError;

const SELECT_CURRENT_KEY: &str = "select key_id, name_index from workspace \
    join workspace_key on workspace_id = workspace.id and purpose = 'data' \
    where workspace.id = $1 order by key_id desc limit 1";

/// PostgreSQL keeps locks of two numbers apart from those of one, which idempotency takes; the first says what is
/// locked. Two workspaces with one hash wait for each other, and no more.
const LOCK_SHARED: &str = "select pg_advisory_xact_lock_shared(1, hashtext($1))::text";
const LOCK_EXCLUSIVE: &str = "select pg_advisory_xact_lock(1, hashtext($1))::text";

/// While somebody waits to have the lock alone, others queue behind; after this long they go first.
const SET_LOCK_TIMEOUT: &str = "set local lock_timeout = '500ms'";

/// How long they go first.
const EXCLUSIVE_RETRY_DELAY: Duration = Duration::from_millis(500);

/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Tenant {
    /// This workspace on the terms of a transaction, which hold until it ends.
    pub(super) async fn with_current_keys(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Self, StoreError> {
        if self.store.engine == Engine::Postgres {
            sqlx::query(LOCK_SHARED)
                .bind(self.workspace_id.clone())
                .execute(&mut *connection)
                .await?;
        }
        let terms = sqlx::query(SELECT_CURRENT_KEY)
            .bind(self.workspace_id.clone())
            .fetch_optional(&mut *connection)
            .await?
            .ok_or(StoreError::NoWorkspace)?;
        let mut tenant = self.clone();
        tenant.name_index = workspaces::name_index(&terms)?;
        if terms.try_get::<i64, _>("key_id")? != i64::from(self.keys.data_key_id()) {
            let wrapped = workspaces::keys(connection, &self.workspace_id).await?;
            tenant.keys = self.store.open_keys(&self.workspace_id, wrapped)?;
        }
        Ok(tenant)
    }

    /// Reads, and reads again with the keys of now when a row is under a data key that came meanwhile.
    pub(super) async fn read<'a, T>(
        &self,
        read: impl Fn(Self) -> Running<'a, T>,
    ) -> Result<T, StoreError> {
        let mut tenant = self.clone();
        let mut tries = MAX_ATTEMPTS;
        loop {
            match read(tenant.clone()).await {
                Err(StoreError::Vault(VaultError::UnknownDataKey(_))) if tries > 1 => {
                    tries -= 1;
                    let wrapped = self.store.wrapped_keys(&self.workspace_id).await?;
                    tenant.keys = self.store.open_keys(&self.workspace_id, wrapped)?;
                }
                result => return result,
            }
        }
    }
}

impl Store {
    /// Waits until every write that may not know changed terms has ended.
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
        let mut transaction = self.begin().await?;
        sqlx::query(SET_LOCK_TIMEOUT)
            .execute(&mut *transaction)
            .await?;
        let locked = sqlx::query(LOCK_EXCLUSIVE)
            .bind(workspace_id.to_owned())
            .execute(&mut *transaction)
            .await;
        match locked {
            Err(sqlx::Error::Database(error))
                if error.code().as_deref() == Some(LOCK_NOT_AVAILABLE) =>
            {
                Ok(false)
            }
            locked => {
                locked?;
                Ok(true)
            }
        }
    }
}
