//! Development tasks of this repository: `cargo xtask <task>`.

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
mod interop;
mod layers;
mod package;
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

/// Development tasks of this repository
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Run all checks and tests on SQLite and PostgreSQL, installing missing tools first
    Test(test::Args),
    /// Lint openapi.yaml
    Spec,
    /// Use generated clients in TypeScript, Python, Go and Java, and schemathesis, against a running server
    Interop(interop::Args),
    /// Regenerate the code derived from openapi.yaml
    Generate {
        /// Change nothing; fail if the generated code is out of date
        #[arg(long)]
        check: bool,
    },
    /// Check the module layers of each crate
    Layers,
    /// Check the licenses, sources and security advisories of all dependencies
    Deny,
    /// Fuzz the parsers with libFuzzer (requires cargo-fuzz)
    Fuzz(fuzz::Args),
    /// Fuzz a running server with requests generated from openapi.yaml
    FuzzApi(fuzz_api::Args),
    /// Measure performance
    #[command(subcommand)]
    Bench(bench::Bench),
    /// Inject faults into a running server and check that no acknowledged write is lost
    Faults(faults::Args),
    /// Run a command with a throwaway PostgreSQL in `KONEKTOR_TEST_POSTGRES_URL`
    Postgres(postgres::Args),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    process::stop_children_on_signals()?;
    match task {
        Task::Test(args) => test::run(&args),
        Task::Spec => spec::run(),
        Task::Interop(args) => interop::run(&args),
        Task::Generate { check } => generate::run(check),
        Task::Layers => layers::run(),
        Task::Deny => deny::run(),
        Task::Fuzz(args) => fuzz::run(&args),
        Task::Faults(args) => faults::run(&args),
        Task::FuzzApi(args) => fuzz_api::run(&args),
        Task::Bench(bench) => bench::run(&bench),
        Task::Postgres(args) => postgres::run(&args),
    }
}
