//! The chores of this repository: `cargo xtask <chore>`.

mod bench;
mod cargo;
mod client;
mod debian;
mod deny;
mod deployment;
mod faults;
mod fuzz;
mod fuzz_api;
mod generate;
mod layers;
mod paths;
mod postgres;
mod process;
mod server;
mod spec;
mod test;
mod tools;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// The chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Chore {
    /// Run every check there is, from nothing: installs what is missing and cleans up after itself
    Test(test::Args),
    /// Lint openapi.yaml and compile the clients that other people's generators make of it
    Spec(spec::Args),
    /// Write the generated part of the SDK anew from openapi.yaml
    Generate {
        /// Change nothing; fail when the generated code is not what openapi.yaml says
        #[arg(long)]
        check: bool,
    },
    /// Check that the modules of each crate import each other in one direction only
    Layers,
    /// Check the licences, sources and known holes of all dependencies
    Deny,
    /// Let libFuzzer, where it is installed, look for texts that break a property
    Fuzz(fuzz::Args),
    /// Send the real server a few thousand requests made up from openapi.yaml
    FuzzApi(fuzz_api::Args),
    /// Measure how fast things are
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Kill, stop, starve and crowd the real server, and see what becomes of it
    Faults(faults::Args),
    /// Run a command with a throw-away PostgreSQL in `KONEKTOR_TEST_POSTGRES_URL`
    Postgres(postgres::Args),
}

fn main() -> ExitCode {
    match run(Chore::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<()> {
    process::stop_children_on_signals()?;
    match chore {
        Chore::Test(args) => test::run(&args),
        Chore::Spec(args) => spec::run(&args),
        Chore::Generate { check } => generate::run(check),
        Chore::Layers => layers::run(),
        Chore::Deny => deny::run(),
        Chore::Fuzz(args) => fuzz::run(&args),
        Chore::Faults(args) => faults::run(&args),
        Chore::FuzzApi(args) => fuzz_api::run(&args),
        Chore::Bench(bench) => bench::run(&bench),
        Chore::Postgres(args) => postgres::run(&args),
    }
}
