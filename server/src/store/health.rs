//! Whether the database takes writes: a full disk answers every read.

use std::time::Duration;

use super::Work;

/// How long a database that is well may take to say so.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How long what was seen of it holds.
pub(super) const FRESH: Duration = Duration::from_millis(250);

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
