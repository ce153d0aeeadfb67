//! Work in the background: at the start of the server, and then at intervals.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::state::AppState;

/// How often expired idempotent answers are deleted, and the counts of leads created each day are folded.
const CLEAN_UP_INTERVAL: Duration = Duration::from_mins(10);

/// How often the times of the last use of keys are written.
const LAST_USED_INTERVAL: Duration = Duration::from_mins(1);

/// How often unused keys of workspaces are dropped from memory.
const DROP_KEYS_INTERVAL: Duration = Duration::from_mins(1);

/// How long the keys of a workspace stay in memory without being used.
const UNUSED_KEYS_TTL: Duration = Duration::from_mins(10);

/// How long one run may take. A run that a database never answers would keep its connection from requests.
const RUN_TIMEOUT: Duration = Duration::from_secs(30);

/// Runs all jobs until it is dropped, which may happen at any moment.
pub(crate) async fn run(state: Arc<AppState>) {
    let store = state.store();
    tokio::join!(
        every(CLEAN_UP_INTERVAL, async || {
            let now = state.clock().now();
            let deleted = store.forget_answers(now, state.idempotency_ttl()).await;
            warn_on_error(deleted, "expired idempotent answers were not deleted");
        }),
        every(CLEAN_UP_INTERVAL, async || warn_on_error(
            store.fold_lead_days().await,
            "the counts of leads created each day were not folded"
        )),
        every(LAST_USED_INTERVAL, || state.gate().last_used().write(store)),
        every(DROP_KEYS_INTERVAL, async || store
            .forget_unused_keys(UNUSED_KEYS_TTL)),
    );
}

/// What failed is tried again at the next interval.
fn warn_on_error<T>(result: Result<T, impl Into<anyhow::Error>>, message: &str) {
    if let Err(error) = result {
        let cause = format!("{:#}", error.into());
        tracing::warn!(cause, "{message}");
    }
}

async fn every<F: Future<Output = ()>>(period: Duration, job: impl Fn() -> F) -> Infallible {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let _ = timeout(RUN_TIMEOUT, job()).await; // The next run does what this one did not.
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_job_runs_at_once_and_then_at_every_interval() {
        let done = Semaphore::new(0);
        let work = every(Duration::from_millis(1), async || done.add_permits(1));
        tokio::select! {
            never = work => match never {},
            thrice = done.acquire_many(3) => assert!(thrice.is_ok()),
        }
    }
}
