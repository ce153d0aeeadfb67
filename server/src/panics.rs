//! Panics are faults of the program. The log says where one happened, never in which words: they may repeat data.

use std::{
    cell::RefCell,
    panic::{self, AssertUnwindSafe},
};

use futures::FutureExt;

thread_local! {
    /// Where this thread panicked last.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that ended what was carried out, and nothing else.
#[derive(Debug, thiserror::Error)]
#[error("panicked at {0}")]
pub struct Panicked(String);

/// From now on the log names the place of every panic, instead of stderr its words.
pub(crate) fn log_places() {
    panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        tracing::error!(place, "panicked");
        PLACE.with_borrow_mut(|last| *last = Some(place));
    }));
}

/// The result of a future, or where it panicked.
pub(crate) async fn catch<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    // Whatever was borrowed is dropped, or looked at only for what the log says.
    let caught = AssertUnwindSafe(future).catch_unwind().await;
    caught.map_err(|_| {
        let place = PLACE.with_borrow_mut(Option::take);
        Panicked(place.unwrap_or_else(|| "an unknown place".to_owned()))
    })
}
