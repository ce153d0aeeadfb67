//! Whether the database takes writes: a full disk answers every read.

use std::time::Duration;

use super::Work;

/// How long a database that is well may take to say so.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long what was seen of it holds.
pub(super) const PING_TTL: Duration = Duration::from_millis(250);

/// Changes the one row of its table every time, so that something has to reach the disk.
const PROBE: &str = "insert into write_probe (id, writes) values (1, 1) \
    on conflict (id) do update set writes = write_probe.writes + 1";

/// A write that changes nothing for anybody.
pub(super) fn probe() -> Work<()> {
    Work::new(|connection| {
        Box::pin(async move {
            sqlx::query(PROBE).execute(connection).await?;
            Ok(())
        })
    })
}

#[cfg(test)]
mod tests {
    use crate::{
        store::{SchemaPolicy, Store},
        vault::{MasterKeys, Vault},
    };

    #[tokio::test]
    async fn a_database_whose_readers_are_all_in_use_is_well() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("k.db").display());
        let vault = Vault::new(MasterKeys::none());
        let store = Store::open(&url, vault, SchemaPolicy::Migrate)
            .await
            .unwrap();
        let mut in_use = Vec::new();
        while store.readers.num_idle() > 0 || store.readers.size() < 8 {
            in_use.push(store.readers.acquire().await.unwrap());
        }
        assert!(store.readers.try_acquire().is_none());
        store.ping().await.unwrap();
    }
}
