//! Structured logs on stderr: a line for each request with its id, workspace, operation, status and time.
//!
//! Paths, queries, bodies and headers are never logged: they hold phone numbers, names and keys.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing::subscriber::set_global_default;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// For people on a terminal, for machines elsewhere.
    #[must_use]
    pub fn fitting() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Pretty
        } else {
            Self::Json
        }
    }
}

/// What is logged unless `RUST_LOG` chooses. sqlx repeats the notices of PostgreSQL, which say nothing new.
const USUAL: &str = "info,sqlx=warn";

/// Starts logging; `RUST_LOG` chooses what is logged. A second call changes nothing.
pub fn init(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(USUAL));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    // Not `try_init`, which also takes what libraries give to the crate `log`: rlibphonenumber gives it phone numbers.
    let started = match format {
        LogFormat::Pretty => set_global_default(builder.with_target(false).finish()),
        LogFormat::Json => set_global_default(builder.json().flatten_event(true).finish()),
    };
    // Another part of the same process has started it: its choice holds.
    drop(started);
}
