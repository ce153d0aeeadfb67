//! A progress bar on a terminal.

use std::fmt::Write;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{base::sanitize, session::Context};

/// Shows a bar that starts with `what`: ` leads.csv  ━━━━━━━╸    1,240/3,000 · 58 a minute · 30 min left`.
pub(crate) fn bar(context: &Context<'_>, what: &str, all: u64) -> ProgressBar {
    let target = if context.environment.stderr_is_terminal && !context.environment.is_dumb() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(all), target);
    let style = ProgressStyle::with_template(
        " {msg}  {bar:24} {human_pos}/{human_len}{prefix} · {rate} a minute · {eta} left",
    );
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━╸ ").with_key("rate", rate));
    }
    bar.set_message(sanitize::line(what));
    context.status_line.above(Some(bar.clone()));
    bar
}

/// Shows the counts of good and bad rows beside the bar.
pub(crate) fn tally(bar: &ProgressBar, good: u64, bad: u64) {
    bar.set_prefix(format!(
        " · {} ok · {} bad",
        HumanCount(good),
        HumanCount(bad)
    ));
}

fn rate(state: &ProgressState, to: &mut dyn Write) {
    let _ = write!(to, "{:.0}", state.per_sec() * 60.0); // Writing to a String cannot fail.
}

/// Removes the bar.
pub(crate) fn end(context: &Context<'_>, bar: &ProgressBar) {
    context.status_line.above(None);
    bar.finish_and_clear();
}
