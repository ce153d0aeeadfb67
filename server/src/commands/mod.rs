//! The command line of `konektor-server`: one file for each command, in folders that follow the command line.
//!
//! Results go to stdout (with `--json` as one JSON object), everything else to stderr. The exit code is 0, 2 for
//! a wrong command line, and 1 for every other failure.

mod config;
mod context;
mod database;
mod encryption;
mod key;
mod keygen;
mod lead;
mod master_key;
mod migrate;
mod openapi;
mod output;
mod progress;
mod remains;
mod seed;
mod serve;
mod settings_args;
mod usage;
mod workspace;

use std::{env, path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use self::{context::Context, output::Output, usage::UsageError};
use crate::{clock::Clock, error::with_causes, randomness::Randomness};

const EXAMPLES: &str = "\
Examples:
  konektor-server serve --demo                            Try it, with sample leads
  export KONEKTOR_MASTER_KEY=$(konektor-server keygen)    Create a master key
  konektor-server workspace create --name 'Toko Budi'     Create a workspace
  konektor-server key create --workspace ID --all-scopes  Create an API key
  konektor-server serve                                   Serve the API";

/// The Konektor Agent API server
#[derive(Parser)]
#[command(name = "konektor-server", version, after_help = EXAMPLES, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object instead of text
    #[arg(long, global = true)]
    json: bool,
    /// Read settings from this TOML file; `config show` lists them
    #[arg(long, global = true, value_name = "FILE", env = "KONEKTOR_CONFIG")]
    config: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    Serve(serve::Args),
    Migrate(migrate::Args),
    #[command(subcommand)]
    Config(config::Command),
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

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return print_parse_error(&error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_causes(&error));
            if error.is::<UsageError>() {
                ExitCode::from(2)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

/// Prints the message of the parser, which may be help. A misplaced database URL is redacted.
fn print_parse_error(error: &clap::Error) -> ExitCode {
    let plain = error.render().to_string();
    let redacted = env::args_os().fold(plain.clone(), |text, argument| {
        match password_url(&argument.to_string_lossy()) {
            Some(url) => text.replace(url, "postgres://..."),
            None => text,
        }
    });
    if redacted == plain {
        let _ = error.print(); // A closed terminal cannot show an error either.
    } else {
        eprint!("{redacted}");
    }
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// The part of an argument that is a URL which may contain a password.
fn password_url(argument: &str) -> Option<&str> {
    let begins = ["postgres:", "postgresql:", "sqlite://"]
        .iter()
        .filter_map(|scheme| argument.find(scheme))
        .min()?;
    argument.get(begins..)
}

fn run(cli: Cli) -> Result<()> {
    let context = &Context {
        output: Output { json: cli.json },
        clock: Clock::system(),
        randomness: Randomness::system(),
        config: cli.config,
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        match cli.command {
            Command::Serve(args) => serve::run(args, context).await,
            Command::Migrate(args) => migrate::run(args, context).await,
            Command::Config(command) => config::run(command, context),
            Command::Workspace(command) => workspace::run(command, context).await,
            Command::Key(command) => key::run(command, context).await,
            Command::Lead(command) => lead::run(command, context).await,
            Command::Encryption(command) => encryption::run(command, context).await,
            Command::Seed(args) => seed::run(args, context).await,
            Command::Openapi => openapi::run(context),
            Command::Keygen(_) => keygen::run(context),
        }
    })
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
