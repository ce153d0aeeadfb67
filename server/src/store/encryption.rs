//! How a workspace is encrypted: its keys, under which master key each is wrapped, and how much is sealed under it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::{
    Store, StoreError,
    engine::query,
    workspaces::{self, wrapped_key_columns},
};
use crate::{
    domain::workspace::Workspace,
    vault::{Purpose, VaultError},
};

const SELECT_KEY_STATES: &str = concat!(
    "select ",
    wrapped_key_columns!(),
    ", created_at from workspace_key where workspace_id = $1 order by purpose, key_id"
);

/// A table with sealed rows; all have the columns `workspace_id`, `id`, `data_key_id` and `sealed`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealedTable {
    Lead,
    Ticket,
    Idempotency,
}

/// All tables with sealed rows.
pub(super) const SEALED_TABLES: [SealedTable; 3] = [
    SealedTable::Lead,
    SealedTable::Ticket,
    SealedTable::Idempotency,
];

impl SealedTable {
    /// Its name in the database.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Lead => "lead",
            Self::Ticket => "ticket",
            Self::Idempotency => "idempotency",
        }
    }
}

/// A workspace's encryption.
#[derive(Debug, Clone)]
pub struct Encryption {
    /// Its keys.
    pub keys: Vec<KeyState>,
    /// Why the given master keys do not open them; None when they do.
    pub locked: Option<VaultError>,
}

/// One key.
#[derive(Debug, Clone)]
pub struct KeyState {
    /// What it is for.
    pub purpose: Purpose,
    /// Its number among the workspace's keys of this purpose.
    pub key_id: u32,
    /// The master key that wraps it; None when rows are sealed under a key that is missing.
    pub master_key_id: Option<u32>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// What is sealed under it.
    pub sealed: SealedRows,
}

/// How many rows are sealed under a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SealedRows {
    /// Leads.
    pub leads: i64,
    /// Tickets.
    pub tickets: i64,
    /// Answers kept for requests that are sent again.
    pub kept_answers: i64,
}

impl Encryption {
    /// Whether rows are still to be moved from an older data key to the newest.
    #[must_use]
    pub fn is_rotating(&self) -> bool {
        let is_data = |key: &&KeyState| key.purpose == Purpose::Data;
        self.keys.iter().filter(is_data).count() > 1
    }
}

impl SealedRows {
    /// Those of a table.
    fn get_mut(&mut self, table: SealedTable) -> &mut i64 {
        match table {
            SealedTable::Lead => &mut self.leads,
            SealedTable::Ticket => &mut self.tickets,
            SealedTable::Idempotency => &mut self.kept_answers,
        }
    }

    /// All of them.
    #[must_use]
    pub fn total(self) -> i64 {
        self.leads + self.tickets + self.kept_answers
    }
}

impl Store {
    /// How a workspace is encrypted.
    pub async fn encryption(&self, workspace: &Workspace) -> Result<Encryption, StoreError> {
        let mut sealed = self.sealed_rows(&workspace.id).await?;
        let rows = query(SELECT_KEY_STATES)
            .bind(workspace.id.as_str())
            .fetch_all(&self.readers)
            .await?;
        let (mut keys, mut all_wrapped) = (Vec::new(), Vec::new());
        for row in &rows {
            let mut columns = row.columns();
            let wrapped = workspaces::read_key(&mut columns)?;
            let under_key = match wrapped.purpose {
                Purpose::Data => sealed.remove(&wrapped.key_id),
                Purpose::Index => None,
            };
            keys.push(KeyState {
                purpose: wrapped.purpose,
                key_id: wrapped.key_id,
                master_key_id: Some(wrapped.master_key_id),
                created_at: Some(columns.next()?),
                sealed: under_key.unwrap_or_default(),
            });
            all_wrapped.push(wrapped);
        }
        // Rows of a workspace whose keys are deleted already.
        keys.extend(sealed.into_iter().map(|(key_id, sealed)| KeyState {
            purpose: Purpose::Data,
            key_id,
            master_key_id: None,
            created_at: None,
            sealed,
        }));
        let locked = self.vault.open_workspace(&workspace.id, &all_wrapped).err();
        Ok(Encryption { keys, locked })
    }

    /// How much is sealed under each data key.
    pub(super) async fn sealed_rows(
        &self,
        workspace_id: &str,
    ) -> Result<BTreeMap<u32, SealedRows>, StoreError> {
        let mut all: BTreeMap<u32, SealedRows> = BTreeMap::new();
        for table in SEALED_TABLES {
            let sql = format!(
                "select data_key_id, count(*) from {} where workspace_id = $1 group by data_key_id",
                table.name()
            );
            let rows = query(AssertSqlSafe(sql))
                .bind(workspace_id)
                .fetch_all(&self.readers)
                .await?;
            for row in rows {
                let key_id = workspaces::number(row.get(0)?, "data_key_id")?;
                *all.entry(key_id).or_default().get_mut(table) = row.get(1)?;
            }
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::temporary;

    const TABLES: &str = "select sqlite_master.name from sqlite_master \
        join pragma_table_info(sqlite_master.name) as field on field.name = 'sealed' order by 1";

    #[tokio::test]
    async fn no_table_with_sealed_rows_is_missing() {
        let (_folder, store) = temporary().await;
        let rows = query(TABLES).fetch_all(&store.readers).await.unwrap();
        let tables: Vec<&str> = rows.iter().map(|row| row.get(0).unwrap()).collect();
        let mut known = SEALED_TABLES.map(SealedTable::name);
        known.sort_unstable();
        assert_eq!(tables, known);
    }
}
