//! New keys for what is there, while servers go on.
//!
//! A workspace with more than one data key is being rotated; nothing else remembers it, so a rotation that was
//! interrupted goes on where its rows are. Idempotent the new key is there and the workspace has settled, nothing more is
//! sealed under the old one ([`super::write_keys`]): its rows only become fewer, and it goes when there are none.

use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Row, any::AnyRow};

use super::{
    Store, StoreError, Tenant, Work,
    encryption::{SEALED_TABLES, SealedRows},
    workspaces::{self, insert_key},
};
use crate::{
    domain::workspace::Workspace,
    vault::{Purpose, SealContext, VaultError},
};

const SELECT_WRAPPED_KEYS: &str =
    "select purpose, key_id, master_key_id, wrapped from workspace_key where workspace_id = $1";

const UPDATE_WRAPPED_KEY: &str = "update workspace_key set master_key_id = $4, wrapped = $5 \
    where workspace_id = $1 and purpose = $2 and key_id = $3";

const DELETE_DATA_KEY: &str =
    "delete from workspace_key where workspace_id = $1 and purpose = 'data' and key_id = $2";

/// How many rows are looked up at once.
const ROWS_PER_SELECT: i64 = 2_000;

/// How many rows are sealed again in one transaction: other writes wait no longer than for these.
const ROWS_PER_TRANSACTION: usize = 100;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The data key under which everything is sealed now.
    pub data_key_id: u32,
    /// Whether an earlier rotation had begun it.
    pub resumed: bool,
    /// How many rows were sealed again.
    pub rows: u64,
}

/// A sealed row as it was found.
#[derive(Clone)]
struct SealedRow {
    id: String,
    sealed: Vec<u8>,
}

impl Store {
    /// Wraps every key of a workspace under the master key that seals; how many were under another.
    pub async fn rewrap_keys(&self, workspace_id: &str) -> Result<u64, StoreError> {
        let shared = Arc::new((self.clone(), workspace_id.to_owned()));
        let work = Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (store, workspace_id) = &*shared;
                store.rewrap(connection, workspace_id).await
            })
        });
        self.batch(|| self.run(work.clone())).await
    }

    async fn rewrap(
        &self,
        connection: &mut AnyConnection,
        workspace_id: &str,
    ) -> Result<u64, StoreError> {
        let sql = format!("{SELECT_WRAPPED_KEYS}{}", self.row_lock());
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(workspace_id.to_owned())
            .fetch_all(&mut *connection)
            .await?;
        let mut rewrapped = 0;
        for row in rows {
            let wrapped = workspaces::read_key(&row)?;
            let Some(key) = self.vault.rewrap_key(workspace_id, &wrapped)? else {
                continue;
            };
            sqlx::query(UPDATE_WRAPPED_KEY)
                .bind(workspace_id.to_owned())
                .bind(key.purpose.as_str())
                .bind(i64::from(key.key_id))
                .bind(i64::from(key.master_key_id))
                .bind(key.bytes)
                .execute(&mut *connection)
                .await?;
            rewrapped += 1;
        }
        Ok(rewrapped)
    }

    /// Gives a workspace a new data key, or goes on with one that an interrupted rotation gave it, seals everything
    /// under it, and removes the old ones. Tells how many rows are done, of how many.
    pub async fn rotate_data_key(
        &self,
        workspace: &Workspace,
        now: Timestamp,
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Rotated, StoreError> {
        let resumed = !self.begin_rotation(workspace, now).await?;
        self.wait_for_older_writes(&workspace.id).await?;
        let tenant = self.tenant(workspace).await?;
        let newest = tenant.keys.data_key_id();
        let of = self.rows_under_others(&workspace.id, newest).await?;
        let mut rows = 0;
        for old in tenant.keys.older_data_key_ids() {
            while !tenant.remove_data_key(old).await? {
                for table in SEALED_TABLES {
                    tenant
                        .reseal_table(table.name(), old, |done| {
                            rows += done;
                            progress(rows, of.max(rows));
                        })
                        .await?;
                }
            }
        }
        Ok(Rotated {
            data_key_id: newest,
            resumed,
            rows,
        })
    }

    /// Makes a new data key; false when there is more than one already.
    async fn begin_rotation(
        &self,
        workspace: &Workspace,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let shared = Arc::new((self.clone(), workspace.id.clone()));
        let work = Work::new(move |connection| {
            let shared = Arc::clone(&shared);
            Box::pin(async move {
                let (store, workspace_id) = &*shared;
                let keys = workspaces::keys(connection, workspace_id).await?;
                let data = keys.iter().filter(|key| key.purpose == Purpose::Data);
                let ids: Vec<_> = data.map(|key| key.key_id).collect();
                match ids.as_slice() {
                    [] => Err(StoreError::NoWorkspace),
                    [only] => {
                        // Two that begin at once make the same number, and one of them starts again.
                        let id = only.checked_add(1).ok_or(StoreError::Corrupt("key_id"))?;
                        let key = store.vault.create_key(workspace_id, Purpose::Data, id)?;
                        insert_key(connection, workspace_id, &key, now).await?;
                        Ok(true)
                    }
                    _ => Ok(false),
                }
            })
        });
        self.batch(|| self.run(work.clone())).await
    }

    async fn rows_under_others(&self, workspace_id: &str, newest: u32) -> Result<u64, StoreError> {
        let sealed = self.sealed_rows(workspace_id).await?;
        let others = sealed.iter().filter(|&(&id, _)| id != newest);
        let total: i64 = others.map(|(_, rows)| SealedRows::total(*rows)).sum();
        Ok(u64::try_from(total).unwrap_or(0))
    }
}

impl Tenant {
    /// Seals the rows of one table again that are under an old data key.
    async fn reseal_table(
        &self,
        table: &'static str,
        old: u32,
        mut done: impl FnMut(u64),
    ) -> Result<(), StoreError> {
        loop {
            let rows = self.rows_under(table, old).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for batch in rows.chunks(ROWS_PER_TRANSACTION) {
                let batch: Arc<[SealedRow]> = batch.into();
                let resealed = self
                    .store
                    .batch(|| {
                        let batch = Arc::clone(&batch);
                        self.write(move |tenant| tenant.reseal(table, Arc::clone(&batch)))
                    })
                    .await?;
                done(resealed);
            }
        }
    }

    async fn rows_under(
        &self,
        table: &'static str,
        data_key_id: u32,
    ) -> Result<Vec<SealedRow>, StoreError> {
        let sql = format!(
            "select id, sealed from {table} where workspace_id = $1 and data_key_id = $2 limit $3"
        );
        let rows = sqlx::query(AssertSqlSafe(sql))
            .bind(self.workspace_id.clone())
            .bind(i64::from(data_key_id))
            .bind(ROWS_PER_SELECT)
            .fetch_all(&self.store.readers)
            .await?;
        let row = |row: &AnyRow| {
            Ok(SealedRow {
                id: row.try_get("id")?,
                sealed: row.try_get("sealed")?,
            })
        };
        rows.iter().map(row).collect()
    }

    /// Seals rows under the newest data key, each unless it has changed since it was found: then it is under the newest
    /// key already, or gone.
    fn reseal(&self, table: &'static str, rows: Arc<[SealedRow]>) -> Work<u64> {
        let tenant = self.clone();
        Work::new(move |connection| {
            let (tenant, rows) = (tenant.clone(), Arc::clone(&rows));
            Box::pin(async move {
                let sql = format!(
                    "update {table} set data_key_id = $4, sealed = $5 \
                     where workspace_id = $1 and id = $2 and sealed = $3"
                );
                let mut resealed = 0;
                for row in rows.iter() {
                    let fresh = tenant
                        .resealed(table, row)
                        .map_err(|error| StoreError::Sealed(table, row.id.clone(), error))?;
                    let updated = sqlx::query(AssertSqlSafe(sql.clone()))
                        .bind(tenant.workspace_id.clone())
                        .bind(row.id.clone())
                        .bind(row.sealed.clone())
                        .bind(i64::from(tenant.keys.data_key_id()))
                        .bind(fresh)
                        .execute(&mut *connection)
                        .await?;
                    resealed += updated.rows_affected();
                }
                Ok(resealed)
            })
        })
    }

    fn resealed(&self, table: &str, row: &SealedRow) -> Result<Vec<u8>, VaultError> {
        // A blanked answer.
        if row.sealed.is_empty() {
            return Ok(Vec::new());
        }
        let context = SealContext::record(table, &row.id);
        self.keys
            .seal(&context, &self.keys.open(&context, &row.sealed)?)
    }

    /// Removes an old data key, unless something is sealed under it.
    async fn remove_data_key(&self, old: u32) -> Result<bool, StoreError> {
        let workspace_id = self.workspace_id.clone();
        let work = Work::new(move |connection| {
            let workspace_id = workspace_id.clone();
            Box::pin(async move {
                for table in SEALED_TABLES {
                    let sql = format!(
                        "select 1 from {} where workspace_id = $1 and data_key_id = $2 limit 1",
                        table.name()
                    );
                    let row = sqlx::query(AssertSqlSafe(sql))
                        .bind(workspace_id.clone())
                        .bind(i64::from(old))
                        .fetch_optional(&mut *connection)
                        .await?;
                    if row.is_some() {
                        return Ok(false);
                    }
                }
                sqlx::query(DELETE_DATA_KEY)
                    .bind(workspace_id)
                    .bind(i64::from(old))
                    .execute(connection)
                    .await?;
                Ok(true)
            })
        });
        self.store.batch(|| self.store.run(work.clone())).await
    }
}
