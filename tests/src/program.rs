//! The programs of this workspace on the database of a test.

use konektor_testing::ServerProcess;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::Database;

/// Returns a command that starts a program of this workspace.
#[must_use]
pub fn program(name: &str) -> Command {
    let mut command = Command::from(konektor_testing::program(name));
    command.kill_on_drop(true);
    command
}

/// Returns a command that serves a database on a free port. `log` is the value of `RUST_LOG`.
#[must_use]
pub fn serve(database: &Database, log: &str) -> std::process::Command {
    let mut command = konektor_testing::program("konektor-server");
    command
        .args(["serve", "--json", "--log-format", "json"])
        .args(["--database-url", &database.url])
        .env("KONEKTOR_LISTEN", "127.0.0.1:0")
        .env("KONEKTOR_MASTER_KEY", &*database.master_key.to_base64())
        .env("RUST_LOG", log);
    command
}

/// Starts a server process on a database. `log` is the value of `RUST_LOG`.
#[must_use]
pub fn start_server(database: &Database, log: &str) -> ServerProcess {
    ServerProcess::start(&mut serve(database, log))
}

/// Sends a signal to a child process.
///
/// # Panics
/// When it has exited already.
#[expect(
    clippy::expect_used,
    reason = "a helper of tests fails the test that calls it"
)]
pub fn signal(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let id = id.and_then(Pid::from_raw).expect("a running process");
    kill_process(id, signal).expect("a running process");
}
