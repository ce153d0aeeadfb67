//! `cargo xtask bench`: performance measurements.

mod cli;
mod server;

use anyhow::Result;
use clap::Subcommand;

/// A benchmark.
#[derive(Subcommand)]
pub(crate) enum Bench {
    /// Measure the startup time of the command line
    Cli(cli::Args),
    /// Measure the CPU time of each kind of request on the server
    Server(server::Args),
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    match bench {
        Bench::Cli(args) => cli::run(args),
        Bench::Server(args) => server::run(args),
    }
}
