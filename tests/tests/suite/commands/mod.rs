//! The commands of `konektor-server` on a database.

mod database_url;
mod pooler;
mod schema;
mod time_zone;

use std::process::Output;

use konektor_tests::{Database, program};
use tokio::process::Command;

/// Builds a command on a database, with its master key.
fn command(database: &Database, words: &str) -> Command {
    let mut command = program("konektor-server");
    command
        .args(words.split_whitespace())
        .args(["--json", "--database-url", &database.url])
        .env("KONEKTOR_MASTER_KEY", &*database.master_key.to_base64());
    command
}

async fn run(mut command: Command) -> Output {
    command.output().await.unwrap()
}

/// Returns the error message of a refused command.
async fn refused(command: Command) -> String {
    let output = run(command).await;
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(output.stdout.is_empty());
    stderr
}
