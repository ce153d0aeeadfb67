//! Progress of long commands, on a terminal.

use std::time::Duration;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};

/// A progress bar on stderr with a message. It is hidden if stderr is not a terminal.
pub(super) fn bar(message: &'static str) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template(
        " {msg:8} {wide_bar} {human_pos}/{human_len} · {elapsed_precise}",
    )?;
    let bar = ProgressBar::no_length().with_style(style);
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// Updates the bar.
pub(super) fn show(bar: &ProgressBar, done: u64, total: u64) {
    bar.update(|state| {
        state.set_len(total);
        state.set_pos(done);
    });
}
