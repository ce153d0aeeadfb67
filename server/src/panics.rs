//! Panics are faults of the program. The log names the place of a panic and not its message, which may repeat data.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
};

use futures::FutureExt;

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught. It ended one request or job and nothing else.
#[derive(Debug, thiserror::Error)]
#[error("panicked at {0}")]
pub struct Panicked(String);

/// Logs the place of every panic from now on, instead of printing its message to stderr.
pub(crate) fn log_places() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "panicked");
        PLACE.with_borrow_mut(|last| *last = Some(place));
    }));
}

/// Runs a future, and returns its result or where it panicked.
pub(crate) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // What the future borrowed is dropped, or only read for the log.
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|_| {
        let place = PLACE.with_borrow_mut(Option::take);
        Panicked(place.unwrap_or_else(|| "an unknown place".to_owned()))
    })
}
