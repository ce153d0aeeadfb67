//! Catches panics. The log shows the location of a panic and not its message, which may contain data.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
};

use futures::FutureExt;

thread_local! {
    /// The location of the last panic of this thread.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A caught panic. It ended one request or job and nothing else.
#[derive(Debug, thiserror::Error)]
#[error("panicked at {0}")]
pub struct Panicked(String);

/// Logs the location of every panic from now on, instead of printing its message to stderr.
pub(crate) fn log_locations() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
        tracing::error!(place, "panicked");
        PLACE.with_borrow_mut(|last| *last = Some(place));
    }));
}

/// Runs a future, and returns its result or the location of its panic.
pub(crate) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // This is unwind safe: what the future borrowed is dropped, or only read for the log.
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|_| {
        let place = PLACE.with_borrow_mut(Option::take);
        Panicked(place.unwrap_or_else(|| "an unknown location".to_owned()))
    })
}
