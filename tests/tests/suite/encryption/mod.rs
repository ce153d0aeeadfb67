//! Key rotation and deletion while servers run.

mod hammer;
mod name_index;
mod rotation;
mod shredding;

use konektor_tests::{Database, program};
use serde_json::Value;
use tokio::process::Command;

/// Builds a `konektor-server` command on a test database, with its master key.
pub(crate) fn command(database: &Database, words: &str) -> Command {
    let mut command = program("konektor-server");
    command
        .args(words.split_whitespace())
        .args(["--json", "--database-url", &database.url])
        .env("KONEKTOR_MASTER_KEY", &*database.master_key.to_base64());
    command
}

/// Runs a command that must succeed, and returns its output.
pub(crate) async fn run(mut command: Command) -> Value {
    let output = command.output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}
