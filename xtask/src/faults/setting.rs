//! What a fault happens to, and how its figures are told.

use std::{path::Path, time::Duration};

use crate::deployment::Engine;

/// What a fault happens to.
pub(super) struct Setting<'a> {
    pub(super) program: &'a Path,
    pub(super) engine: Engine,
    pub(super) rounds: u32,
}

/// The value that a share of all values does not exceed.
pub(super) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(sorted.len() * percent / 100)
        .or(sorted.get(last))
        .copied()
        .unwrap_or_default()
}

/// A time for people.
pub(super) fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}
