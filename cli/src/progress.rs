//! How far something long has come, for a person at a terminal.

use std::fmt::Write;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::{desk::Desk, output::clean};

/// ` leads.csv  ━━━━━━━╸    1,240/3,000 · 58 a minute · 30 min left`, while `what` is shown at its start.
pub(crate) fn bar(desk: &Desk<'_>, what: &str, all: u64) -> ProgressBar {
    let target = if desk.world.stderr_is_terminal && !desk.world.is_dumb() {
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
    bar.set_message(clean::line(what));
    desk.notices.above(Some(bar.clone()));
    bar
}

/// Says beside the count how many were taken, and how many were not.
pub(crate) fn tally(bar: &ProgressBar, good: u64, bad: u64) {
    bar.set_prefix(format!(
        " · {} ok · {} bad",
        HumanCount(good),
        HumanCount(bad)
    ));
}

fn rate(state: &ProgressState, to: &mut dyn Write) {
    let _fits = write!(to, "{:.0}", state.per_sec() * 60.0);
}

/// Takes the bar away.
pub(crate) fn end(desk: &Desk<'_>, bar: &ProgressBar) {
    desk.notices.above(None);
    bar.finish_and_clear();
}
