//! Percentiles of latencies, and their format in the report.

use std::time::Duration;

/// Returns a percentile of durations in ascending order, or zero if there are none.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(sorted.len() * percent / 100)
        .or(sorted.get(last))
        .copied()
        .unwrap_or_default()
}

/// Formats a duration in whole milliseconds.
pub(super) fn ms(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}
