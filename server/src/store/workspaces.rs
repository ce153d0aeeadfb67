//! Workspaces and their wrapped keys.

use jiff::Timestamp;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{Store, StoreError, Tenant, WriteProgress};
use crate::{
    domain::{
        time::{from_millis, to_millis},
        workspace::{NameIndex, Workspace},
    },
    vault::{Purpose, WrappedKey},
};

const INSERT_WORKSPACE: &str = "insert into workspace (id, name, plan, requests_per_minute, leads_per_day, timezone, currency, \
    language, date_format, tracking_code, name_index, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

const INSERT_KEY: &str = "insert into workspace_key (workspace_id, purpose, key_id, master_key_id, wrapped, created_at) \
    values ($1, $2, $3, $4, $5, $6)";

const SELECT_KEYS: &str = "select purpose, key_id, master_key_id, wrapped from workspace_key where workspace_id = $1 \
    order by purpose, key_id";

const SELECT_ONE_PER_MASTER_KEY: &str =
    "select min(workspace_id) from workspace_key group by master_key_id order by master_key_id";

const SELECT_WORKSPACE: &str = "select * from workspace where id = $1";

const SELECT_WORKSPACES: &str = "select * from workspace order by created_at, id";

const SET_PLAN: &str = "update workspace set plan = $2, requests_per_minute = $3 where id = $1";

impl Store {
    /// Saves a new workspace together with keys of its own.
    pub async fn create_workspace(&self, workspace: &Workspace) -> Result<(), StoreError> {
        let keys = self.vault.create_workspace_keys(&workspace.id)?;
        let mut transaction = self.begin().await?;
        sqlx::query(INSERT_WORKSPACE)
            .bind(workspace.id.clone())
            .bind(workspace.name.clone())
            .bind(workspace.plan.clone())
            .bind(workspace.requests_per_minute.map(i64::from))
            .bind(workspace.leads_per_day)
            .bind(workspace.timezone.clone())
            .bind(workspace.currency.clone())
            .bind(workspace.language.clone())
            .bind(workspace.date_format.clone())
            .bind(workspace.tracking_code.clone())
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
        sqlx::query(SELECT_WORKSPACES)
            .fetch_all(&self.readers)
            .await?
            .iter()
            .map(read)
            .collect()
    }

    /// The workspace with this id.
    pub async fn workspace(&self, id: &str) -> Result<Option<Workspace>, StoreError> {
        let row = sqlx::query(SELECT_WORKSPACE)
            .bind(id.to_owned())
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Moves a workspace to another plan, with a limit of its own if the plan has one; false when there is none.
    pub async fn set_plan(
        &self,
        id: &str,
        plan: &str,
        requests_per_minute: Option<u32>,
    ) -> Result<bool, StoreError> {
        let updated = sqlx::query(SET_PLAN)
            .bind(id.to_owned())
            .bind(plan.to_owned())
            .bind(requests_per_minute.map(i64::from))
            .execute(&self.writers)
            .await?;
        Ok(updated.rows_affected() > 0)
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
        for row in sqlx::query(SELECT_ONE_PER_MASTER_KEY)
            .fetch_all(&self.readers)
            .await?
        {
            let workspace_id: String = row.try_get(0)?;
            let wrapped = self.wrapped_keys(&workspace_id).await?;
            self.vault.open_workspace(&workspace_id, &wrapped)?;
        }
        Ok(())
    }
}

/// The wrapped keys of a workspace; none when it is gone.
pub(super) async fn keys(
    connection: &mut AnyConnection,
    workspace_id: &str,
) -> Result<Vec<WrappedKey>, StoreError> {
    sqlx::query(SELECT_KEYS)
        .bind(workspace_id.to_owned())
        .fetch_all(connection)
        .await?
        .iter()
        .map(read_key)
        .collect()
}

pub(super) async fn insert_key(
    connection: &mut AnyConnection,
    workspace_id: &str,
    key: &WrappedKey,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(INSERT_KEY)
        .bind(workspace_id.to_owned())
        .bind(key.purpose.as_str())
        .bind(i64::from(key.key_id))
        .bind(i64::from(key.master_key_id))
        .bind(key.bytes.clone())
        .bind(to_millis(now))
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn read_key(row: &AnyRow) -> Result<WrappedKey, StoreError> {
    read_key_as(row, "key_id")
}

/// Reads a key whose number is in this column.
pub(super) fn read_key_as(row: &AnyRow, key_id: &'static str) -> Result<WrappedKey, StoreError> {
    let purpose: String = row.try_get("purpose")?;
    Ok(WrappedKey {
        purpose: Purpose::parse(&purpose).ok_or(StoreError::Corrupt("key purpose"))?,
        key_id: number(row, key_id)?,
        master_key_id: number(row, "master_key_id")?,
        bytes: row.try_get("wrapped")?,
    })
}

/// Reads the columns of the table workspace.
pub(super) fn read(row: &AnyRow) -> Result<Workspace, StoreError> {
    Ok(Workspace {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        plan: row.try_get("plan")?,
        requests_per_minute: match row.try_get::<Option<i64>, _>("requests_per_minute")? {
            Some(_) => Some(number(row, "requests_per_minute")?),
            None => None,
        },
        leads_per_day: row.try_get("leads_per_day")?,
        timezone: row.try_get("timezone")?,
        currency: row.try_get("currency")?,
        language: row.try_get("language")?,
        date_format: row.try_get("date_format")?,
        tracking_code: row.try_get("tracking_code")?,
        name_index: name_index(row)?,
        created_at: from_millis(row.try_get("created_at")?),
    })
}

pub(super) fn name_index(row: &AnyRow) -> Result<NameIndex, StoreError> {
    NameIndex::parse(row.try_get("name_index")?).ok_or(StoreError::Corrupt("name index"))
}

pub(super) fn number(row: &AnyRow, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<i64, _>(column)?).map_err(|_| StoreError::Corrupt(column))
}
