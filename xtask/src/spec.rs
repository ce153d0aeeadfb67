//! `cargo xtask spec`: checks openapi.yaml with third-party tools.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{paths, process, tools::Toolbox};

/// The arguments of `cargo xtask spec`.
#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Lint only; generate no clients
    #[arg(long)]
    quick: bool,
}

/// Lints openapi.yaml, then generates and compiles a TypeScript and a Python client.
pub(crate) fn run(args: &Args) -> Result<()> {
    let tools = Toolbox::open("spec")?;
    lint(&tools)?;
    if !args.quick {
        compile_typescript_client(&tools)?;
        compile_python_client(&tools)?;
    }
    Ok(())
}

/// Runs Redocly. redocly.yaml turns every warning into an error.
fn lint(tools: &Toolbox) -> Result<()> {
    process::run(
        tools
            .command("redocly")
            .args(["lint", "openapi.yaml"])
            .env("REDOCLY_TELEMETRY", "off")
            .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"),
    )
}

fn compile_typescript_client(tools: &Toolbox) -> Result<()> {
    let client = tools.scratch_dir("typescript")?;
    process::run(
        tools
            .command("openapi-typescript")
            .arg(paths::openapi())
            .arg("--output")
            .arg(client.join("api.ts")),
    )?;
    let usage = copy_usage("usage.ts", &client)?;
    process::run(
        tools
            .command("tsc")
            .args([
                "--noEmit",
                "--strict",
                "--target",
                "es2022",
                "--lib",
                "es2022,dom",
            ])
            .args(["--module", "preserve"])
            .arg(usage),
    )
}

fn compile_python_client(tools: &Toolbox) -> Result<()> {
    let client = tools.scratch_dir("python")?;
    process::run(
        tools
            .command("openapi-python-client")
            .args(["generate", "--fail-on-warning", "--meta", "none", "--path"])
            .arg(paths::openapi())
            .arg("--output-path")
            .arg(client.join("konektor_client")),
    )?;
    let usage = copy_usage("usage.py", &client)?;
    process::run(
        tools
            .command("python")
            .args(["-m", "compileall", "-q"])
            .arg(&client),
    )?;
    process::run(tools.command("python").args(["-W", "error"]).arg(usage))
}

/// Copies a program that uses the generated client into its directory.
fn copy_usage(file: &str, client: &Path) -> Result<PathBuf> {
    let copy = client.join(file);
    fs::copy(paths::tool_settings().join("spec").join(file), &copy)?;
    Ok(copy)
}
