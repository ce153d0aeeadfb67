//! Replacing keys while servers run.
//!
//! A workspace with more than one data key is being rotated. There is no other record of it, so that an interrupted
//! rotation continues with the rows that are left. Once older writes have ended, nothing more is sealed under the old key
//! ([`super::write_keys`]): its rows only become fewer, and the key is deleted with the last of them.

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError, Tenant, Write,
    encryption::{SEALED_TABLES, SealedRows},
    engine::{Connection, Row, query},
    workspaces::{self, insert_key, wrapped_key_columns},
};
use crate::{
    domain::workspace::Workspace,
    vault::{Purpose, SealContext, VaultError},
};

const SELECT_WRAPPED_KEYS: &str = concat!(
    "select ",
    wrapped_key_columns!(),
    " from workspace_key where workspace_id = $1"
);

const UPDATE_WRAPPED_KEY: &str = "update workspace_key set master_key_id = $4, wrapped = $5 \
    where workspace_id = $1 and purpose = $2 and key_id = $3";

const DELETE_DATA_KEY: &str =
    "delete from workspace_key where workspace_id = $1 and purpose = 'data' and key_id = $2";

/// How many rows are read at once.
const ROWS_PER_SELECT: i64 = 2_000;

/// How many rows are sealed in one transaction, so that no other write waits long.
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
    /// Wraps every key of a workspace under the sealing master key; how many were under another one.
    pub async fn rewrap_keys(&self, workspace_id: &str) -> Result<u64, StoreError> {
        self.batch(|| self.write(RewrapKeys(workspace_id.to_owned())))
            .await
    }

    async fn rewrap(
        &self,
        connection: &mut Connection,
        workspace_id: &str,
    ) -> Result<u64, StoreError> {
        let sql = format!("{SELECT_WRAPPED_KEYS}{}", self.row_lock());
        let rows = query(AssertSqlSafe(sql))
            .bind(workspace_id)
            .fetch_all(&mut *connection)
            .await?;
        let mut rewrapped = 0;
        for row in rows {
            let wrapped = workspaces::read_key(&mut row.columns())?;
            let Some(key) = self.vault.rewrap_key(workspace_id, &wrapped)? else {
                continue;
            };
            query(UPDATE_WRAPPED_KEY)
                .bind(workspace_id)
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

    /// Makes a new data key, or continues with that of an interrupted rotation, seals everything under it and deletes the
    /// older ones. The progress is how many rows are sealed, and how many there are.
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
        self.batch(|| {
            self.write(BeginRotation {
                workspace_id: workspace.id.clone(),
                now,
            })
        })
        .await
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
            for rows in rows.chunks(ROWS_PER_TRANSACTION) {
                let resealed = self
                    .store
                    .batch(|| {
                        self.write(Reseal {
                            table,
                            rows: rows.to_vec(),
                        })
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
        let rows = query(AssertSqlSafe(sql))
            .bind(self.workspace_id.as_str())
            .bind(i64::from(data_key_id))
            .bind(ROWS_PER_SELECT)
            .fetch_all(&self.store.readers)
            .await?;
        let row = |row: &Row| {
            Ok(SealedRow {
                id: row.get(0)?,
                sealed: row.get(1)?,
            })
        };
        rows.iter().map(row).collect()
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
        self.store
            .batch(|| {
                self.store.write(RemoveDataKey {
                    workspace_id: self.workspace_id.clone(),
                    key_id: old,
                })
            })
            .await
    }
}

/// Wraps the keys of a workspace under the master key that seals; the output is how many were under another.
struct RewrapKeys(String);

impl Write<Store> for RewrapKeys {
    type Output = u64;

    async fn run(&self, store: &Store, connection: &mut Connection) -> Result<u64, StoreError> {
        store.rewrap(connection, &self.0).await
    }
}

/// Makes a new data key; false when there is more than one already.
struct BeginRotation {
    workspace_id: String,
    now: Timestamp,
}

impl Write<Store> for BeginRotation {
    type Output = bool;

    async fn run(&self, store: &Store, connection: &mut Connection) -> Result<bool, StoreError> {
        let keys = workspaces::keys(connection, &self.workspace_id).await?;
        let data = keys.iter().filter(|key| key.purpose == Purpose::Data);
        let ids: Vec<_> = data.map(|key| key.key_id).collect();
        match ids.as_slice() {
            [] => Err(StoreError::NoWorkspace),
            [only] => {
                // Of two that begin at once, both draw this number: the second fails and starts again.
                let id = only.checked_add(1).ok_or(StoreError::Corrupt("key_id"))?;
                let key = store
                    .vault
                    .create_key(&self.workspace_id, Purpose::Data, id)?;
                insert_key(connection, &self.workspace_id, &key, self.now).await?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

/// Seals rows of a table under the newest data key. A row that has changed since it was read is skipped: it is under
/// the newest key already, or gone. The output is how many rows were sealed.
struct Reseal {
    table: &'static str,
    rows: Vec<SealedRow>,
}

impl Write<Tenant> for Reseal {
    type Output = u64;

    async fn run(&self, tenant: &Tenant, connection: &mut Connection) -> Result<u64, StoreError> {
        let table = self.table;
        let sql = format!(
            "update {table} set data_key_id = $4, sealed = $5 \
             where workspace_id = $1 and id = $2 and sealed = $3"
        );
        let mut resealed = 0;
        for row in &self.rows {
            let sealed = tenant
                .resealed(table, row)
                .map_err(|error| StoreError::Sealed(table, row.id.clone(), error))?;
            let updated = query(AssertSqlSafe(sql.as_str()))
                .bind(tenant.workspace_id.as_str())
                .bind(row.id.as_str())
                .bind(row.sealed.as_slice())
                .bind(i64::from(tenant.keys.data_key_id()))
                .bind(sealed)
                .execute(&mut *connection)
                .await?;
            resealed += updated;
        }
        Ok(resealed)
    }
}

/// Removes a data key; false when something is sealed under it.
struct RemoveDataKey {
    workspace_id: String,
    key_id: u32,
}

impl Write<Store> for RemoveDataKey {
    type Output = bool;

    async fn run(&self, _: &Store, connection: &mut Connection) -> Result<bool, StoreError> {
        let key_id = i64::from(self.key_id);
        for table in SEALED_TABLES {
            let sql = format!(
                "select 1 from {} where workspace_id = $1 and data_key_id = $2 limit 1",
                table.name()
            );
            let row = query(AssertSqlSafe(sql))
                .bind(self.workspace_id.as_str())
                .bind(key_id)
                .fetch_optional(&mut *connection)
                .await?;
            if row.is_some() {
                return Ok(false);
            }
        }
        query(DELETE_DATA_KEY)
            .bind(self.workspace_id.as_str())
            .bind(key_id)
            .execute(connection)
            .await?;
        Ok(true)
    }
}
