//! `cargo xtask bench`: how fast things are.

mod cli;
mod server;

use anyhow::Result;
use clap::Subcommand;

/// What is measured.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// What the command line costs before it does anything
    Cli(cli::Args),
    /// What a request costs the server
    Server(server::Args),
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Cli(args) => cli::run(args),
        Bench::Server(args) => server::run(args),
    }
}
