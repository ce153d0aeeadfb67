//! Structured logs on stderr: a line for each request with its id, workspace, operation, status and time.
//!
//! Paths, queries, bodies and headers are never logged: they hold phone numbers, names and keys.
//!
//! A thread of its own writes the lines. They are queued while stderr is read more slowly. When the queue is full,
//! lines are dropped and counted, and requests continue.

use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tracing::{Subscriber, subscriber::set_global_default};
use tracing_appender::non_blocking::{ErrorCounter, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

impl LogFormat {
    /// For people on a terminal, JSON everywhere else.
    #[must_use]
    pub fn default_for_stderr() -> Self {
        if std::io::stderr().is_terminal() {
            Self::Pretty
        } else {
            Self::Json
        }
    }
}

/// The filter without `RUST_LOG`. sqlx also logs the notices of PostgreSQL, which say nothing new.
const DEFAULT_FILTER: &str = "info,sqlx=warn";

/// The most lines in the queue, which take about ten megabytes.
const MAX_QUEUED_LINES: usize = 32_768;

/// The interval between reports of lost lines.
const LOSS_REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// Keeps logging running. Dropping it flushes the queue, unless nobody reads stderr.
#[must_use = "logging ends when it is dropped"]
pub struct Logging {
    losses: Losses,
    _writer: WorkerGuard,
}

/// The number of lost lines, and how many of them have been reported.
#[derive(Clone)]
struct Losses {
    counter: ErrorCounter,
    reported: usize,
}

/// Starts logging. `RUST_LOG` selects what is logged. A second call has no effect.
pub fn init(format: LogFormat) -> Logging {
    let (logging, subscriber) = start(format, io::stderr(), MAX_QUEUED_LINES);
    // `try_init` would also log records of the crate `log`, and rlibphonenumber logs phone numbers there.
    // An error means that logging was started before, and that configuration stays.
    drop(set_global_default(subscriber));
    logging
}

fn start(
    format: LogFormat,
    writer: impl Write + Send + 'static,
    queue: usize,
) -> (Logging, Box<dyn Subscriber + Send + Sync>) {
    let (writer, guard) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(queue)
        .finish(writer);
    let logging = Logging {
        losses: Losses {
            counter: writer.error_counter(),
            reported: 0,
        },
        _writer: guard,
    };
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer);
    let subscriber: Box<dyn Subscriber + Send + Sync> = match format {
        LogFormat::Pretty => Box::new(builder.with_target(false).finish()),
        LogFormat::Json => Box::new(builder.json().flatten_event(true).finish()),
    };
    (logging, subscriber)
}

impl Logging {
    /// Logs how many lines were lost, as soon as the queue has room for that line. It never returns.
    pub fn report_losses(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut losses = self.losses.clone();
        async move {
            loop {
                sleep(LOSS_REPORT_INTERVAL).await;
                losses.report();
            }
        }
    }
}

impl Losses {
    fn report(&mut self) {
        let lost = self.counter.dropped_lines();
        if lost > self.reported {
            tracing::warn!(lines = lost - self.reported, "log lines were lost");
            // If this line is lost too, the next report includes it.
            if self.counter.dropped_lines() == lost {
                self.reported = lost;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use parking_lot::Mutex;

    use tracing::subscriber::with_default;

    use super::*;

    /// Blocks every write until it is told to continue.
    struct Stalled {
        go_on: mpsc::Receiver<()>,
        read: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // An error means that the test has ended, and writes no longer block.
            let _ = self.go_on.recv();
            let mut read = self.read.lock();
            read.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stands_still_holds_up_nobody_and_is_told_what_it_missed() {
        let (hold, go_on) = mpsc::channel();
        let read = Arc::<Mutex<Vec<u8>>>::default();
        let stalled = Stalled {
            go_on,
            read: Arc::clone(&read),
        };
        let (logging, subscriber) = start(LogFormat::Json, stalled, 4);
        let mut losses = logging.losses.clone();
        with_default(subscriber, || {
            for number in 0..100 {
                tracing::info!(number, "a line");
            }
            // Four are queued, and one may already have been taken from the queue.
            let lost = losses.counter.dropped_lines();
            assert!((95..=96).contains(&lost), "{lost}");
            drop(hold);
            while losses.reported == 0 {
                std::thread::sleep(Duration::from_millis(10));
                losses.report();
            }
        });
        drop(logging);
        let read = read.lock();
        let text = String::from_utf8_lossy(&read);
        assert!(text.lines().count() >= 5, "{text}");
        let last = text.lines().last().unwrap_or_default();
        assert!(
            last.contains("log lines were lost") && last.contains("\"lines\":9"),
            "{text}"
        );
    }
}
