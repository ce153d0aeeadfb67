//! `cargo xtask spec`: openapi.yaml as other people's tools see it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{paths, process, tools::Toolbox};

/// The arguments of `cargo xtask spec`.
#[derive(Default, clap::Args)]
pub(crate) struct Args {
    /// Only lint; generate no clients
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

/// By Redocly, whose settings in redocly.yaml make an error of every warning.
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

/// Puts the few lines that use a generated client beside it.
fn copy_usage(file: &str, client: &Path) -> Result<PathBuf> {
    let copy = client.join(file);
    fs::copy(paths::tool_settings().join("spec").join(file), &copy)?;
    Ok(copy)
}
