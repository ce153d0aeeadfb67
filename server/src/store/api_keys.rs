//! API keys: found by their public id, kept as a keyed hash of their secret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Row, any::AnyRow};

use super::{Engine, Store, StoreError, Tenant, workspaces};
use crate::domain::{
    time::{from_millis, to_millis},
    workspace::Workspace,
};

const COLUMNS: &str = "api_key.id as key_id, api_key.workspace_id as workspace_id, api_key.name as key_name, secret_hash, scopes, ip_allow, \
    expires_at, revoked_at, last_used_at, api_key.created_at as key_created_at";

/// The key with an id; else the one after it, or the last one.
const NEAREST: &str =
    "coalesce((select min(id) from api_key where id >= $1), (select max(id) from api_key))";

const INSERT_API_KEY: &str = "insert into api_key (id, workspace_id, name, secret_hash, scopes, ip_allow, expires_at, created_at) \
    values ($1, $2, $3, $4, $5, $6, $7, $8)";

const REVOKE_KEY: &str = "update api_key set revoked_at = coalesce(revoked_at, $2) where id = $1";

const REVOKE_ALL_KEYS: &str =
    "update api_key set revoked_at = $2 where workspace_id = $1 and revoked_at is null";

/// Times by key, as one JSON object; a key that another process knows a later use of keeps it.
const SQLITE_SET_LAST_USED: &str = "update api_key set last_used_at = used.value from json_each($1) as used \
    where api_key.id = used.key and coalesce(last_used_at, 0) < used.value";
const POSTGRES_SET_LAST_USED: &str = "update api_key set last_used_at = used.value::bigint \
    from json_each_text($1::json) as used \
    where api_key.id = used.key and coalesce(last_used_at, 0) < used.value::bigint";

/// What is kept of an API key.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The public id.
    pub id: String,
    /// Whose it is.
    pub workspace_id: String,
    /// What people call it.
    pub name: String,
    /// The keyed hash of its secret.
    pub secret_hash: Vec<u8>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Addresses and CIDR ranges it may be used from; empty for anywhere.
    pub ip_allow: Vec<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was ended.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, a minute ago at the latest.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An API key that was looked up, and whose it is.
pub struct Known {
    /// The key.
    pub key: StoredKey,
    /// Its workspace.
    pub workspace: Workspace,
    /// That workspace's part of the store, or why its keys do not open.
    pub tenant: Result<Tenant, StoreError>,
}

impl Store {
    /// The key with this public id, and its workspace with that one's part of the store. When there is none it is
    /// another key, and None only when there is no key at all: for whom a miss must not be quicker.
    pub async fn nearest_api_key(&self, id: &str) -> Result<Option<Known>, StoreError> {
        let sql = format!(
            "select workspace.*, {COLUMNS}, purpose, workspace_key.key_id as wrapped_key_id, master_key_id, wrapped \
             from api_key join workspace on workspace.id = api_key.workspace_id \
             left join workspace_key on workspace_key.workspace_id = workspace.id \
             where api_key.id = {NEAREST} order by purpose, wrapped_key_id"
        );
        // A row for each of the workspace's own keys, and one without when it has none.
        // What every request asks first, so that the rest of it finds connections that work.
        let rows = self
            .read_again(async || {
                let query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str())).bind(id.to_owned());
                Ok(query.fetch_all(&self.readers).await?)
            })
            .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let workspace = workspaces::read(first)?;
        let mut wrapped = Vec::with_capacity(rows.len());
        for row in &rows {
            if row.try_get::<Option<String>, _>("purpose")?.is_some() {
                wrapped.push(workspaces::read_key_as(row, "wrapped_key_id")?);
            }
        }
        Ok(Some(Known {
            key: read(first)?,
            tenant: self.open_tenant(&workspace, wrapped),
            workspace,
        }))
    }

    /// The keys of a workspace, oldest first, ended ones too.
    pub async fn api_keys(&self, workspace_id: &str) -> Result<Vec<StoredKey>, StoreError> {
        let sql = format!(
            "select {COLUMNS} from api_key where workspace_id = $1 order by created_at, id"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(workspace_id.to_owned())
            .fetch_all(&self.readers)
            .await?;
        rows.iter().map(read).collect()
    }

    /// Saves a new key.
    pub async fn create_api_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        sqlx::query(INSERT_API_KEY)
            .bind(key.id.clone())
            .bind(key.workspace_id.clone())
            .bind(key.name.clone())
            .bind(key.secret_hash.clone())
            .bind(key.scopes.join(" "))
            .bind(key.ip_allow.join(" "))
            .bind(key.expires_at.map(to_millis))
            .bind(to_millis(key.created_at))
            .execute(&self.writers)
            .await?;
        Ok(())
    }

    /// Ends a key; false when there is none with this id. Ending it again changes nothing.
    pub async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool, StoreError> {
        let revoked = sqlx::query(REVOKE_KEY)
            .bind(id.to_owned())
            .bind(to_millis(now))
            .execute(&self.writers)
            .await?;
        Ok(revoked.rows_affected() > 0)
    }

    /// Writes when keys were last used, unless a later use is known.
    pub async fn set_last_used(
        &self,
        used: &BTreeMap<String, Timestamp>,
    ) -> Result<(), StoreError> {
        if used.is_empty() {
            return Ok(());
        }
        let sql = match self.engine {
            Engine::Sqlite => SQLITE_SET_LAST_USED,
            Engine::Postgres => POSTGRES_SET_LAST_USED,
        };
        let times = used
            .iter()
            .map(|(id, at)| (id.clone(), to_millis(*at).into()));
        sqlx::query(sql)
            .bind(Value::Object(times.collect()).to_string())
            .execute(&self.writers)
            .await?;
        Ok(())
    }

    /// Ends every key of a workspace.
    pub async fn revoke_api_keys(
        &self,
        workspace_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(REVOKE_ALL_KEYS)
            .bind(workspace_id.to_owned())
            .bind(to_millis(now))
            .execute(&self.writers)
            .await?;
        Ok(())
    }
}

fn read(row: &AnyRow) -> Result<StoredKey, StoreError> {
    let list = |column: &str| -> Result<Vec<String>, StoreError> {
        Ok(row
            .try_get::<String, _>(column)?
            .split_whitespace()
            .map(str::to_owned)
            .collect())
    };
    let time = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        Ok(row.try_get::<Option<i64>, _>(column)?.map(from_millis))
    };
    Ok(StoredKey {
        id: row.try_get("key_id")?,
        workspace_id: row.try_get("workspace_id")?,
        name: row.try_get("key_name")?,
        secret_hash: row.try_get("secret_hash")?,
        scopes: list("scopes")?,
        ip_allow: list("ip_allow")?,
        expires_at: time("expires_at")?,
        revoked_at: time("revoked_at")?,
        last_used_at: time("last_used_at")?,
        created_at: from_millis(row.try_get("key_created_at")?),
    })
}
