//! Whether the database takes writes: a full disk answers every read.

use std::time::Duration;

use sqlx::AnyConnection;

use super::{Store, StoreError, Write};

/// How long a healthy database may take to reply.
pub(super) const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the result of a look is used.
pub(super) const PING_TTL: Duration = Duration::from_millis(250);

/// Changes the one row of its table each time, so that something has to reach the disk.
const PROBE: &str = "insert into write_probe (id, writes) values (1, 1) \
    on conflict (id) do update set writes = write_probe.writes + 1";

/// A write that changes nothing for anybody.
pub(super) struct Probe;

impl Write<Store> for Probe {
    type Output = ();

    async fn run(&self, _: &Store, connection: &mut AnyConnection) -> Result<(), StoreError> {
        sqlx::query(PROBE).execute(connection).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::tests::temporary;

    #[tokio::test]
    async fn a_database_whose_readers_are_all_in_use_is_healthy() {
        let (_folder, store) = temporary().await;
        let mut in_use = Vec::new();
        while store.readers.num_idle() > 0 || store.readers.size() < 8 {
            in_use.push(store.readers.acquire().await.unwrap());
        }
        assert!(store.readers.try_acquire().is_none());
        store.ping().await.unwrap();
    }
}
