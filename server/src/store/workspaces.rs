//! Workspaces and their wrapped keys.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Store, StoreError, Tenant, WriteProgress,
    engine::{Columns, Connection, query},
};
use crate::{
    domain::{
        time::to_millis,
        workspace::{NameIndex, Workspace},
    },
    vault::{Purpose, WorkspaceKeys, WrappedKey},
};

const INSERT_WORKSPACE: &str = "insert into workspace (id, name, plan, requests_per_minute, leads_per_day, timezone, currency, \
    language, date_format, tracking_code, name_index, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const INSERT_KEY: &str = "insert into workspace_key (workspace_id, purpose, key_id, master_key_id, wrapped, created_at) \
    values ($1, $2, $3, $4, $5, $6)";

/// What a workspace is read from, in the order of [`read_workspace`].
macro_rules! workspace_columns {
    () => {
        "workspace.id, workspace.name, plan, requests_per_minute, leads_per_day, timezone, currency, language, \
         date_format, tracking_code, name_index, workspace.created_at"
    };
}

/// What a wrapped key is read from, in the order of [`read_key`].
macro_rules! wrapped_key_columns {
    () => {
        "purpose, workspace_key.key_id, master_key_id, wrapped"
    };
}

pub(super) use {workspace_columns, wrapped_key_columns};

const SELECT_KEYS: &str = concat!(
    "select ",
    wrapped_key_columns!(),
    " from workspace_key where workspace_id = $1 order by purpose, key_id"
);

const SELECT_ONE_PER_MASTER_KEY: &str =
    "select min(workspace_id) from workspace_key group by master_key_id order by master_key_id";

const SELECT_WORKSPACE: &str = concat!(
    "select ",
    workspace_columns!(),
    " from workspace where id = $1"
);

const SELECT_WORKSPACES: &str = concat!(
    "select ",
    workspace_columns!(),
    " from workspace order by created_at, id"
);

const SET_PLAN: &str = "update workspace set plan = $2, requests_per_minute = $3 where id = $1";

impl Store {
    /// Saves a new workspace together with keys of its own.
    pub async fn create_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let keys = self.vault.create_workspace_keys(&workspace.id)?;
        let mut transaction = self.writers.begin().await?;
        query(INSERT_WORKSPACE)
            .bind(workspace.id.as_str())
            .bind(workspace.name.as_str())
            .bind(workspace.plan.as_str())
            .bind(workspace.requests_per_minute.map(i64::from))
            .bind(workspace.leads_per_day)
            .bind(workspace.timezone.as_str())
            .bind(workspace.currency.as_str())
            .bind(workspace.language.as_str())
            .bind(workspace.date_format.as_str())
            .bind(workspace.tracking_code.as_str())
            .bind(workspace.name_index.as_number())
            .bind(to_millis(workspace.created_at))
            .execute(&mut *transaction)
            .await?;
        for key in &keys {
            insert_key(&mut transaction, &workspace.id, key, workspace.created_at).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Every workspace, oldest first.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>, StoreError> {
        query(SELECT_WORKSPACES)
            .fetch_all(&self.readers)
            .await?
            .iter()
            .map(|row| read_workspace(&mut row.columns()))
            .collect()
    }

    /// The workspace with this id.
    pub async fn workspace(&self, id: &str) -> Result<Option<Workspace>, StoreError> {
        let row = query(SELECT_WORKSPACE)
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.map(|row| read_workspace(&mut row.columns()))
            .transpose()
    }

    /// Moves a workspace to another plan, with a limit of its own if the plan has one; false when there is none.
    pub async fn set_plan(
        &self,
        id: &str,
        plan: &str,
        requests_per_minute: Option<u32>,
    ) -> Result<bool, StoreError> {
        let updated = query(SET_PLAN)
            .bind(id)
            .bind(plan)
            .bind(requests_per_minute.map(i64::from))
            .execute(&self.writers)
            .await?;
        Ok(updated > 0)
    }

    /// A workspace's part of the store, its keys opened.
    pub async fn tenant(&self, workspace: &Workspace) -> Result<Tenant, StoreError> {
        let wrapped = self.wrapped_keys(&workspace.id).await?;
        self.open_tenant(workspace, wrapped)
    }

    /// A workspace's part of the store, with keys as they are stored.
    pub(super) fn open_tenant(
        &self,
        workspace: &Workspace,
        wrapped: Vec<WrappedKey>,
    ) -> Result<Tenant, StoreError> {
        Ok(Tenant {
            store: self.clone(),
            workspace_id: workspace.id.clone(),
            keys: self.open_keys(&workspace.id, wrapped)?,
            name_index: workspace.name_index,
            progress: WriteProgress::default(),
        })
    }

    /// A workspace's keys as they are stored.
    pub async fn wrapped_keys(&self, workspace_id: &str) -> Result<Vec<WrappedKey>, StoreError> {
        let mut connection = self.readers.acquire().await?;
        keys(&mut connection, workspace_id).await
    }

    /// Whether the master keys at hand are those that this database needs: one workspace for each that is in use.
    pub async fn check_master_keys(&self) -> Result<(), StoreError> {
        for row in query(SELECT_ONE_PER_MASTER_KEY)
            .fetch_all(&self.readers)
            .await?
        {
            let workspace_id: String = row.get(0)?;
            let wrapped = self.wrapped_keys(&workspace_id).await?;
            self.vault.open_workspace(&workspace_id, &wrapped)?;
        }
        Ok(())
    }
}

/// The wrapped keys of a workspace; none when it is gone.
pub(super) async fn keys(
    connection: &mut Connection,
    workspace_id: &str,
) -> Result<Vec<WrappedKey>, StoreError> {
    query(SELECT_KEYS)
        .bind(workspace_id)
        .fetch_all(connection)
        .await?
        .iter()
        .map(|row| read_key(&mut row.columns()))
        .collect()
}

pub(super) async fn insert_key(
    connection: &mut Connection,
    workspace_id: &str,
    key: &WrappedKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    query(INSERT_KEY)
        .bind(workspace_id)
        .bind(key.purpose.as_str())
        .bind(i64::from(key.key_id))
        .bind(i64::from(key.master_key_id))
        .bind(key.bytes.as_slice())
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn read_key(columns: &mut Columns<'_>) -> Result<WrappedKey, StoreError> {
    let purpose: String = columns.next()?;
    read_key_for(&purpose, columns)
}

/// Reads a key that was joined to other columns; None when there was none to join.
pub(super) fn read_joined_key(mut columns: Columns<'_>) -> Result<Option<WrappedKey>, StoreError> {
    let purpose: Option<String> = columns.next()?;
    purpose
        .map(|purpose| read_key_for(&purpose, &mut columns))
        .transpose()
}

fn read_key_for(purpose: &str, columns: &mut Columns<'_>) -> Result<WrappedKey, StoreError> {
    Ok(WrappedKey {
        purpose: Purpose::parse(purpose).ok_or(StoreError::Corrupt("key purpose"))?,
        key_id: number(columns.next()?, "key_id")?,
        master_key_id: number(columns.next()?, "master_key_id")?,
        bytes: columns.next()?,
    })
}

pub(super) fn read_workspace(columns: &mut Columns<'_>) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: columns.next()?,
        name: columns.next()?,
        plan: columns.next()?,
        requests_per_minute: columns
            .next::<Option<i64>>()?
            .map(|limit| number(limit, "requests_per_minute"))
            .transpose()?,
        leads_per_day: columns.next()?,
        timezone: columns.next()?,
        currency: columns.next()?,
        language: columns.next()?,
        date_format: columns.next()?,
        tracking_code: columns.next()?,
        name_index: name_index(columns.next()?)?,
        created_at: columns.next()?,
    })
}

pub(super) fn name_index(number: i64) -> Result<NameIndex, StoreError> {
    NameIndex::parse(number).ok_or(StoreError::Corrupt("name index"))
}

/// A number that the store keeps as a bigint, of what is named `what`.
pub(super) fn number(value: i64, what: &'static str) -> Result<u32, StoreError> {
    u32::try_from(value).map_err(|_| StoreError::Corrupt(what))
}

impl Store {
    /// Opens the keys of a workspace, or takes them from the cache.
    pub(super) fn open_keys(
        &self,
        workspace_id: &str,
        wrapped: Vec<WrappedKey>,
    ) -> Result<Arc<WorkspaceKeys>, StoreError> {
        if wrapped.is_empty() {
            return Err(StoreError::NoWorkspace);
        }
        if let Some(keys) = self.opened_keys.get(workspace_id, &wrapped) {
            return Ok(keys);
        }
        // Without a lock: of two callers that open the same keys at once, both do the work and one result is kept.
        let keys = Arc::new(self.vault.open_workspace(workspace_id, &wrapped)?);
        self.opened_keys
            .insert(workspace_id, wrapped, Arc::clone(&keys));
        Ok(keys)
    }

    /// Drops keys that have not been used for this long.
    pub(crate) fn forget_unused_keys(&self, for_longer_than: Duration) {
        if let Some(since) = Instant::now().checked_sub(for_longer_than) {
            self.opened_keys.forget_unused(since);
        }
    }
}
