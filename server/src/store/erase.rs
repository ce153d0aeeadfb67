//! Erasing deleted keys from the files of the database.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{
    Engine, Store, StoreError,
    engine::{Connection, query, raw},
    error::sql_state,
};

/// How long to wait for readers that still need the log or the table.
const ERASE_TIMEOUT: Duration = Duration::from_secs(3);

const ERASE_RETRY_DELAY: Duration = Duration::from_millis(100);

/// The number of a transaction later than the deletion.
const SELECT_TRANSACTION: &str = "select pg_current_xact_id()::text";

/// Earlier transactions keep deleted rows alive, those of standbys and prepared ones included.
const SELECT_EARLIER: &str = "select 1::bigint from (\
    select backend_xmin as began from pg_stat_activity where datname = current_database() or datname is null \
    union all select xmin from pg_replication_slots \
    union all select transaction from pg_prepared_xacts where database = current_database()) as others \
    where age(began) > age($1::text::xid) limit 1";

/// Every request reads the table and must not wait for the lock of this statement.
const SET_LOCK_TIMEOUT: &str = "set lock_timeout = '500ms'";

/// SQLSTATE `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

impl Store {
    /// Overwrites what is left of deleted and replaced keys; false when other transactions prevented it.
    ///
    /// On SQLite pages are overwritten as rows go (`secure_delete`); copies of them are in the log until a checkpoint
    /// that no reader is in the way of. On PostgreSQL deleted rows stay in their table until it is written anew, and
    /// copies of them in its own log and in backups, which nothing here can reach.
    pub async fn erase_deleted_keys(&self) -> Result<bool, StoreError> {
        let mut connection = self.writers.connect().await?;
        let until = Instant::now() + ERASE_TIMEOUT;
        let now = match self.engine {
            Engine::Sqlite => String::new(),
            Engine::Postgres => {
                raw(SET_LOCK_TIMEOUT).execute(&mut connection).await?;
                query(SELECT_TRANSACTION)
                    .fetch_one(&mut connection)
                    .await?
                    .get(0)?
            }
        };
        loop {
            let erased = match self.engine {
                Engine::Sqlite => empty_log(&mut connection).await?,
                Engine::Postgres => rewrite_keys(&mut connection, &now).await?,
            };
            if erased || Instant::now() > until {
                connection.close().await?;
                return Ok(erased);
            }
            sleep(ERASE_RETRY_DELAY).await;
        }
    }
}

async fn empty_log(connection: &mut Connection) -> Result<bool, StoreError> {
    let row = query("pragma wal_checkpoint(truncate)")
        .fetch_one(connection)
        .await?;
    let busy: i64 = row.get(0)?;
    Ok(busy == 0)
}

/// The table has a handful of rows for each workspace, so that rewriting it is fast.
async fn rewrite_keys(connection: &mut Connection, deleted: &str) -> Result<bool, StoreError> {
    let earlier = query(SELECT_EARLIER)
        .bind(deleted)
        .fetch_optional(&mut *connection)
        .await?;
    if earlier.is_some() {
        return Ok(false);
    }
    let rewrite = raw("vacuum full workspace_key");
    match rewrite.execute(connection).await {
        Ok(_) => Ok(true),
        Err(error) if sql_state(&error) == Some(LOCK_NOT_AVAILABLE) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
