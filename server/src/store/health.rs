//! Whether the database takes writes: a full disk answers every read.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::{Instant, timeout};

use super::{
    Engine, Store, StoreError, Write,
    engine::{Connection, query},
};

/// How long a healthy database may take to reply.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long the result of a check is used.
const PING_TTL: Duration = Duration::from_millis(250);

/// Changes the one row of its table each time, so that something has to reach the disk.
const PROBE: &str = "insert into write_probe (id, writes) values (1, 1) \
    on conflict (id) do update set writes = write_probe.writes + 1";

/// A write that changes nothing for anybody.
struct Probe;

impl Write<Store> for Probe {
    type Output = ();

    async fn run(&self, _: &Store, connection: &mut Connection) -> Result<(), StoreError> {
        query(PROBE).execute(connection).await?;
        Ok(())
    }
}

impl Store {
    /// Whether the database replies and, if a write found it full or away, takes writes again. Callers within a
    /// moment share one check.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut last = self.last_check.lock().await;
        let healthy = match *last {
            Some((at, healthy)) if at.elapsed() < PING_TTL => healthy,
            _ => {
                let checked = timeout(PING_TIMEOUT, self.check()).await;
                let healthy = matches!(checked, Ok(Ok(())));
                *last = Some((Instant::now(), healthy));
                healthy
            }
        };
        if healthy {
            Ok(())
        } else {
            Err(sqlx::Error::PoolTimedOut.into())
        }
    }

    async fn check(&self) -> Result<(), StoreError> {
        query("select 1").execute(&self.health).await?;
        let failed = self.failed_writes.load(Ordering::Relaxed);
        if failed > 0 {
            self.probe().await?;
            // Another write may have failed meanwhile.
            let _ = self.failed_writes.compare_exchange(
                failed,
                0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
        Ok(())
    }

    async fn probe(&self) -> Result<(), StoreError> {
        match self.engine {
            // It has one writer.
            Engine::Sqlite => self.write(Probe).await,
            Engine::Postgres => {
                let mut connection = self.health.acquire().await?;
                Probe.run(self, &mut connection).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use crate::{settings::DatabaseSettings, store::tests::temporary};

    #[tokio::test]
    async fn a_database_whose_readers_are_all_in_use_is_healthy() {
        let (_folder, store) = temporary().await;
        let mut in_use = Vec::new();
        for _ in 0..DatabaseSettings::default().sqlite_readers.get() {
            in_use.push(store.readers.acquire().await.unwrap());
        }
        let another = timeout(Duration::from_millis(50), store.readers.acquire());
        assert!(another.await.is_err());
        store.ping().await.unwrap();
    }
}
