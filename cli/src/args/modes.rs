//! Other ways to run a command.

use std::time::Duration;

use clap::{Args, value_parser};

// `--dry-run`, for operations that change something.
#[derive(Args)]
pub(crate) struct DryRun {
    #[arg(long, help = "Show what would be sent, and send nothing")]
    pub(crate) dry_run: bool,
}

impl DryRun {
    /// What is to be shown, if it is wanted.
    pub(crate) fn then<T>(&self, show: impl FnOnce() -> T) -> Option<T> {
        self.dry_run.then(show)
    }
}

// `--dry-run`, for commands that change something on this machine.
#[derive(Args)]
pub(crate) struct LocalDryRun {
    #[arg(long, help = "Show what would be written, and write nothing")]
    pub(crate) dry_run: bool,
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
    /// How long to wait between two answers.
    pub(crate) fn pause(&self) -> Option<Duration> {
        self.seconds.map(Duration::from_secs)
    }
}
