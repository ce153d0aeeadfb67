//! Background work, which runs when the server starts and then at intervals.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{error::with_causes, settings::JobSettings, state::AppState};

/// Runs all jobs until it is dropped. It may be dropped at any await point.
pub(crate) async fn run(state: Arc<AppState>) {
    let store = state.store();
    let JobSettings {
        clean_up_interval,
        last_used_interval,
        drop_keys_interval,
        unused_keys_ttl,
        run_timeout,
    } = state.settings().jobs.clone();
    tokio::join!(
        every(clean_up_interval, run_timeout, async || {
            let now = state.clock().now();
            let deleted = store.forget_answers(now, state.idempotency_ttl()).await;
            warn_on_error(
                deleted,
                "expired responses to idempotent requests were not deleted",
            );
        }),
        every(clean_up_interval, run_timeout, async || warn_on_error(
            store.fold_lead_days().await,
            "the counts of leads created each day were not folded"
        )),
        every(last_used_interval, run_timeout, || state
            .gate()
            .last_used()
            .write(store)),
        every(drop_keys_interval, run_timeout, async || store
            .forget_unused_keys(unused_keys_ttl)),
    );
}

/// Logs an error. The job runs again at the next interval.
fn warn_on_error<T>(result: Result<T, impl Into<anyhow::Error>>, message: &str) {
    if let Err(error) = result {
        let cause = with_causes(&error.into());
        tracing::warn!(cause, "{message}");
    }
}

async fn every<F: Future<Output = ()>>(
    period: Duration,
    run_timeout: Duration,
    job: impl Fn() -> F,
) -> Infallible {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let _ = timeout(run_timeout, job()).await; // The next run continues after a timeout.
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn a_job_runs_at_once_and_then_at_every_interval() {
        let done = Semaphore::new(0);
        let work = every(Duration::from_millis(1), Duration::MAX, async || {
            done.add_permits(1);
        });
        tokio::select! {
            never = work => match never {},
            thrice = done.acquire_many(3) => assert!(thrice.is_ok()),
        }
    }
}
