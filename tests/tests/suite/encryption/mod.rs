//! Keys that are replaced while servers run: the commands of the real program beside real servers.

mod hammer;
mod name_index;
mod rotation;
mod shredding;

use konektor_tests::{Database, program};
use serde_json::Value;
use tokio::process::Command;

/// The server's program with a command of several words, on a test's database and with its master key.
pub(crate) fn command(database: &Database, words: &str) -> Command {
    let mut command = program("konektor-server");
    command
        .args(words.split_whitespace())
        .args(["--json", "--database-url", &database.url])
        .env("KONEKTOR_MASTER_KEY", &*database.master_key.to_base64());
    command
}

/// What a command that succeeds prints.
pub(crate) async fn run(mut command: Command) -> Value {
    let output = command.output().await.unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    serde_json::from_slice(&output.stdout).unwrap()
}
