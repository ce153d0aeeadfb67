//! `cargo xtask fuzz-api`: schemathesis makes up requests from openapi.yaml, good ones and bad
//! ones, and compares the real server's answers with the document.

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
    /// The database under the server
    #[arg(long, value_enum, default_value = "sqlite")]
    engine: Engine,
    /// Requests made up for each operation, beside the fixed ones that probe each limit
    #[arg(long, default_value_t = 100)]
    examples: u32,
    /// Repeat the run that printed this seed
    #[arg(long)]
    seed: Option<u128>,
}

/// Starts a server with some leads in it and lets schemathesis loose on it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::open("fuzz")?;
    let program = deployment::build_server()?;
    let database = Database::start(args.engine)?;
    let deployment = Deployment::start(&program, &database.url(), None)?;
    deployment.seed(200)?;

    let mut schemathesis = tools.command("schemathesis");
    schemathesis
        .arg("--config-file")
        .arg(paths::tool_settings().join("fuzz/schemathesis.toml"))
        .arg("run")
        .arg(paths::openapi())
        .args(["--url", &deployment.server.api_url()])
        .args(["--max-examples", &args.examples.to_string()])
        .env("KONEKTOR_API_KEY", &deployment.api_key)
        // Where it leaves the failures for `schemathesis replay`.
        .current_dir(tools.scratch_dir("run")?);
    if let Some(seed) = args.seed {
        schemathesis.args(["--seed", &seed.to_string()]);
    }
    process::run(&mut schemathesis)
        .inspect_err(|_| show_last_lines(&deployment.log()))
        .context("the server does not answer as openapi.yaml says")
}

fn show_last_lines(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    eprintln!("\nThe server has logged last:");
    for line in &lines[lines.len().saturating_sub(20)..] {
        eprintln!("{line}");
    }
}
