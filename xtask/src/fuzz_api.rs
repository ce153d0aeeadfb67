//! `cargo xtask fuzz-api`: schemathesis makes up requests from openapi.yaml, good ones and bad
//! ones, and compares the real server's answers with the document.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::{
    cargo, paths,
    postgres::{self, Postgres},
    process,
    server::Server,
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

/// A kind of database.
#[derive(Clone, Copy, ValueEnum)]
enum Engine {
    /// A file
    Sqlite,
    /// A server of its own
    Postgres,
}

/// Starts a server with some leads in it and lets schemathesis loose on it.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::open("fuzz")?;
    process::run(cargo::cargo("build").args([
        "--release",
        "--locked",
        "--bin",
        "konektor-server",
    ]))?;
    let program = paths::target()?.join("release/konektor-server");

    let directory = tempfile::Builder::new().prefix("konektor-fuzz").tempdir()?;
    let postgres = start_postgres(args.engine)?;
    let database_url = postgres.as_ref().map_or_else(
        || format!("sqlite:{}", directory.path().join("konektor.db").display()),
        Postgres::url,
    );
    let log = directory.path().join("server.log");
    let server = Server::start(&program, &database_url, &log)?;
    let api_key = workspace_with_leads(&server)?;

    let mut schemathesis = tools.command("schemathesis");
    schemathesis
        .arg("--config-file")
        .arg(paths::tool_settings().join("fuzz/schemathesis.toml"))
        .arg("run")
        .arg(paths::openapi())
        .args(["--url", &server.api_url()])
        .args(["--max-examples", &args.examples.to_string()])
        .env("KONEKTOR_API_KEY", api_key)
        // Where it leaves the failures for `schemathesis replay`.
        .current_dir(tools.workshop("run")?);
    if let Some(seed) = args.seed {
        schemathesis.args(["--seed", &seed.to_string()]);
    }
    process::run(&mut schemathesis)
        .inspect_err(|_| show_last_lines(&log))
        .context("the server does not answer as openapi.yaml says")
}

fn start_postgres(engine: Engine) -> Result<Option<Postgres>> {
    match engine {
        Engine::Sqlite => Ok(None),
        Engine::Postgres => {
            postgres::install()?;
            Postgres::start().map(Some)
        }
    }
}

/// A key for a workspace that may send as fast as it can.
fn workspace_with_leads(server: &Server) -> Result<String> {
    let workspace = server.ask(
        &["workspace", "create", "--name", "Fuzz", "--plan", "custom"]
            .into_iter()
            .chain(["--requests-per-minute", "1000000"])
            .collect::<Vec<_>>(),
        "workspaceId",
    )?;
    process::run(
        server
            .command()
            .args(["seed", "--workspace", &workspace, "--leads", "200"]),
    )?;
    server.ask(
        &["key", "create", "--workspace", &workspace, "--all-scopes"],
        "apiKey",
    )
}

fn show_last_lines(log: &Path) {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines = text.lines().collect::<Vec<_>>();
    eprintln!("\nThe server has logged last:");
    for line in &lines[lines.len().saturating_sub(20)..] {
        eprintln!("{line}");
    }
}
