//! What can be typed after `konektor-server`: one file for each command.
//!
//! Results go to stdout (with `--json` as one JSON object), everything else to stderr. The exit code is 0, 2 for
//! a wrong command line, and 1 for every other failure.

mod database;
mod demo;
mod encryption;
mod key;
mod keygen;
mod lead;
mod master_key;
mod migrate;
mod openapi;
mod output;
mod progress;
mod seed;
mod serve;
mod workspace;

use std::{env, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::clock::Clock;
use output::Output;

const EXAMPLES: &str = "\
Examples:
  konektor-server serve --demo                            Try it: example leads and a key, no preparation
  export KONEKTOR_MASTER_KEY=$(konektor-server keygen)    Make the key that encrypts personal data; keep it
  konektor-server workspace create --name 'Toko Budi'     Make a workspace
  konektor-server key create --workspace ID --all-scopes  Make an API key for it
  konektor-server serve                                   Serve the API";

/// The Konektor Agent API server
#[derive(Parser)]
#[command(name = "konektor-server", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object instead of words for people
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Migrate(migrate::Args),
    #[command(subcommand)]
    Workspace(workspace::Command),
    #[command(subcommand)]
    Key(key::Command),
    #[command(subcommand)]
    Lead(lead::Command),
    #[command(subcommand)]
    Encryption(encryption::Command),
    Seed(seed::Args),
    /// Print the API document, openapi.yaml (with --json as JSON)
    Openapi,
    Keygen(keygen::Args),
}

/// A command line that cannot be meant; shown like the parser's own errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct UsageError(String);

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return unparsed(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            if error.is::<UsageError>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints what the parser says, help included, without a database URL that stands where none belongs.
fn unparsed(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    let redacted = env::args_os().fold(plain.clone(), |text, argument| {
        match password_url(&argument.to_string_lossy()) {
            Some(url) => text.replace(url, "postgres://..."),
            None => text,
        }
    });
    if redacted == plain {
        // Nobody listens to what cannot be printed.
        let _ = error.print();
    } else {
        eprint!("{redacted}");
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The part of an argument that is a URL in which a password may be.
fn password_url(argument: &str) -> Option<&str> {
    let begins = ["postgres:", "postgresql:", "sqlite://"]
        .iter()
        .filter_map(|scheme| argument.find(scheme))
        .min()?;
    argument.get(begins..)
}

fn run(cli: Cli) -> Result<()> {
    let output = Output { json: cli.json };
    let clock = Clock::system();
    tokio::runtime::Runtime::new()?.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args, output, clock).await,
            Command::Migrate(args) => migrate::run(args, output).await,
            Command::Workspace(command) => workspace::run(command, output, &clock).await,
            Command::Key(command) => key::run(command, output, &clock).await,
            Command::Lead(command) => lead::run(command, output, &clock).await,
            Command::Encryption(command) => encryption::run(command, output, &clock).await,
            Command::Seed(args) => seed::run(args, output, &clock).await,
            Command::Openapi => openapi::run(output),
            Command::Keygen(_) => keygen::run(output),
        }
    })
}

/// How this program was called, so that a hint can be typed as it stands.
fn program() -> String {
    env::args()
        .next()
        .unwrap_or_else(|| "konektor-server".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
