//! `--dry-run` and `--watch`.

use std::time::Duration;

use clap::{Args, value_parser};

// `--dry-run`, for commands that change something.
#[derive(Args)]
pub(crate) struct DryRun {
    #[arg(long, help = "Show what would be sent or written, and change nothing")]
    pub(crate) dry_run: bool,
}

impl DryRun {
    /// Returns what to show, in a dry run.
    pub(crate) fn then<T>(&self, show: impl FnOnce() -> T) -> Option<T> {
        self.dry_run.then(show)
    }
}

// `--watch`
#[derive(Args)]
pub(crate) struct Watch {
    #[arg(
        long = "watch",
        value_name = "SECONDS",
        value_parser = value_parser!(u64).range(1..),
        help = "Refresh every N seconds until Ctrl-C; in a pipe, append"
    )]
    seconds: Option<u64>,
}

impl Watch {
    /// The time between two refreshes.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }
}
