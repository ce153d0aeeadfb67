//! What the server does beside answering: now, and then from time to time.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::{
    api::{idempotency, leads},
    app::App,
};

/// How often answers that nobody may ask for any more are removed, and the leads of each day added up.
const CLEANING: Duration = Duration::from_mins(10);

/// How often it is written when keys were last used.
const NOTING: Duration = Duration::from_mins(1);

/// How often opened keys that nobody uses are forgotten.
const FORGETTING: Duration = Duration::from_mins(1);

/// How long opened keys may go unused.
const UNUSED_KEYS: Duration = Duration::from_mins(10);

/// How long one run may take: a database that does not answer would keep a connection from those who ask it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Goes on until it is stopped, which may happen at any moment.
pub(crate) async fn run(app: Arc<App>) {
    tokio::join!(
        every(CLEANING, || idempotency::clean(&app)),
        every(CLEANING, || leads::fold_days(&app)),
        every(NOTING, || app.gate().last_used().write(app.store())),
        every(FORGETTING, async || app
            .store()
            .forget_unused_keys(UNUSED_KEYS)),
    );
}

async fn every<F: Future<Output = ()>>(period: Duration, work: impl Fn() -> F) -> Infallible {
    let mut time = interval(period);
    time.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        time.tick().await;
        // What was not done is done the next time.
        drop(timeout(PATIENCE, work()).await);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test]
    async fn work_is_done_at_once_and_then_again_and_again() {
        let done = Semaphore::new(0);
        let work = every(Duration::from_millis(1), async || done.add_permits(1));
        tokio::select! {
            never = work => match never {},
            thrice = done.acquire_many(3) => assert!(thrice.is_ok()),
        }
    }
}
