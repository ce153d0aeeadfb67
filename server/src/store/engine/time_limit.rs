//! How long a statement on an SQLite connection may run. PostgreSQL has a setting for that.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;
use sqlx::SqliteConnection;
use tokio::time::Instant;

/// How many steps of SQLite's virtual machine lie between two looks at the clock: a millisecond at most.
const STEPS_PER_CHECK: i32 = 10_000;

/// The end of the running statement's time; SQLite interrupts the statement after it.
///
/// The limit is shared with the thread on which SQLite runs. `begin`, `commit` and `rollback` have none, and take too few
/// steps to be interrupted: a commit that was interrupted might have happened.
#[derive(Clone, Default)]
pub(super) struct TimeLimit(Arc<Mutex<Option<Instant>>>);

impl TimeLimit {
    /// A limit for the statements of a connection.
    pub(super) async fn of(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let limit = Self::default();
        let seen = limit.clone();
        connection
            .lock_handle()
            .await?
            .set_progress_handler(STEPS_PER_CHECK, move || !seen.is_over());
        Ok(limit)
    }

    /// Gives the next statement so much time; None for any.
    pub(super) fn set(&self, time: Option<Duration>) {
        *self.0.lock() = time.map(|time| Instant::now() + time);
    }

    /// Ends the time of the running statement.
    pub(super) fn end(&self) {
        *self.0.lock() = Some(Instant::now());
    }

    fn is_over(&self) -> bool {
        self.0.lock().is_some_and(|until| Instant::now() >= until)
    }
}
