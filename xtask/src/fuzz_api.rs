//! `cargo xtask fuzz-api`: schemathesis generates valid and invalid requests from openapi.yaml, and
//! checks the responses of a running server against it.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use crate::{
    deployment::{self, Database, Deployment, Engine},
    paths, process,
    tools::Toolbox,
};

/// The arguments of `cargo xtask fuzz-api`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Database under the server
    #[arg(long, value_enum, default_value = "sqlite")]
    engine: Engine,
    /// Number of random requests per operation, in addition to those that test each limit
    #[arg(long, default_value_t = 100)]
    examples: u32,
    /// Seed of an earlier run to repeat
    #[arg(long)]
    seed: Option<u128>,
}

/// Starts a server with sample leads and runs schemathesis against it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let program = deployment::build_server()?;
    let database = Database::start(args.engine)?;
    let deployment = Deployment::start(&program, &database.url(), None)?;
    deployment.seed(200)?;
    check(&deployment, args.examples, args.seed)
}

/// Runs schemathesis against a server with this number of random requests per operation.
pub(crate) fn check(deployment: &Deployment, examples: u32, seed: Option<u128>) -> Result<()> {
    let tools = Toolbox::open("fuzz")?;
    let mut schemathesis = tools.command("schemathesis");
    schemathesis
        .arg("--config-file")
        .arg(paths::tool_settings().join("fuzz/schemathesis.toml"))
        .arg("run")
        .arg(paths::openapi())
        .args(["--url", &deployment.server.api_url()])
        .args(["--max-examples", &examples.to_string()])
        .env("KONEKTOR_API_KEY", &deployment.api_key)
        // `schemathesis replay` reads the failures from here.
        .current_dir(tools.scratch_dir("run")?);
    if let Some(seed) = seed {
        schemathesis.args(["--seed", &seed.to_string()]);
    }
    process::run(&mut schemathesis)
        .inspect_err(|_| show_last_lines(&deployment.log()))
        .context("the server does not conform to openapi.yaml")
}

fn show_last_lines(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    eprintln!("\nLast lines of the server's log:");
    for line in &lines[lines.len().saturating_sub(20)..] {
        eprintln!("{line}");
    }
}
