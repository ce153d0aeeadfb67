//! API keys: found by their public id, kept as a keyed hash of their secret.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Engine, Store, StoreError, Tenant,
    engine::{Columns, query},
    workspaces::{self, workspace_columns, wrapped_key_columns},
};
use crate::domain::{time::to_millis, workspace::Workspace};

/// What a [`StoredKey`] is read from, in the order of [`read_api_key`].
macro_rules! api_key_columns {
    () => {
        "api_key.id, api_key.workspace_id, api_key.name, secret_hash, scopes, ip_allow, expires_at, revoked_at, \
         last_used_at, api_key.created_at"
    };
}

/// The key with an id, or else the next one, or else the last one; with its workspace, and a row for each of the
/// workspace's own keys.
const SELECT_NEAREST: &str = concat!(
    "select ",
    api_key_columns!(),
    ", ",
    workspace_columns!(),
    ", ",
    wrapped_key_columns!(),
    " from api_key join workspace on workspace.id = api_key.workspace_id \
     left join workspace_key on workspace_key.workspace_id = workspace.id \
     where api_key.id = coalesce(\
     (select min(id) from api_key where id >= $1), (select max(id) from api_key)) \
     order by purpose, key_id"
);

const SELECT_ALL: &str = concat!(
    "select ",
    api_key_columns!(),
    " from api_key where workspace_id = $1 order by created_at, id"
);

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
    /// The key with this public id, its workspace and that workspace's part of the store. A miss must not be quicker than
    /// a hit: when no key has this id the result is another key, and None only when there are no keys at all.
    pub async fn nearest_api_key(&self, id: &str) -> Result<Option<Known>, StoreError> {
        // Every request asks this first: a connection that turns out to be broken is found here.
        let rows = self
            .read_again(async || {
                let nearest = query(SELECT_NEAREST).bind(id);
                Ok(nearest.fetch_all(&self.readers).await?)
            })
            .await?;
        let Some(first) = rows.first() else {
            return Ok(None);
        };
        let mut columns = first.columns();
        let key = read_api_key(&mut columns)?;
        let workspace = workspaces::read_workspace(&mut columns)?;
        let mut wrapped = Vec::with_capacity(rows.len());
        for row in &rows {
            let columns = row.columns_from(columns.position());
            wrapped.extend(workspaces::read_joined_key(columns)?);
        }
        Ok(Some(Known {
            key,
            tenant: self.open_tenant(&workspace, wrapped),
            workspace,
        }))
    }

    /// The keys of a workspace, oldest first, ended ones too.
    pub async fn api_keys(&self, workspace_id: &str) -> Result<Vec<StoredKey>, StoreError> {
        let rows = query(SELECT_ALL)
            .bind(workspace_id)
            .fetch_all(&self.readers)
            .await?;
        rows.iter()
            .map(|row| read_api_key(&mut row.columns()))
            .collect()
    }

    /// Saves a new key.
    pub async fn create_api_key(&self, key: &StoredKey) -> Result<(), StoreError> {
        query(INSERT_API_KEY)
            .bind(key.id.as_str())
            .bind(key.workspace_id.as_str())
            .bind(key.name.as_str())
            .bind(key.secret_hash.as_slice())
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
        let revoked = query(REVOKE_KEY)
            .bind(id)
            .bind(to_millis(now))
            .execute(&self.writers)
            .await?;
        Ok(revoked > 0)
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
        query(sql)
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
        query(REVOKE_ALL_KEYS)
            .bind(workspace_id)
            .bind(to_millis(now))
            .execute(&self.writers)
            .await?;
        Ok(())
    }
}

fn read_api_key(columns: &mut Columns<'_>) -> Result<StoredKey, StoreError> {
    let list = |text: String| text.split_whitespace().map(str::to_owned).collect();
    Ok(StoredKey {
        id: columns.next()?,
        workspace_id: columns.next()?,
        name: columns.next()?,
        secret_hash: columns.next()?,
        scopes: list(columns.next()?),
        ip_allow: list(columns.next()?),
        expires_at: columns.next()?,
        revoked_at: columns.next()?,
        last_used_at: columns.next()?,
        created_at: columns.next()?,
    })
}
