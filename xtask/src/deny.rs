//! `cargo xtask deny`: checks all dependencies against deny.toml.

use std::process::Command;

use anyhow::Result;

use crate::{process, tools::Toolbox};

/// Checks licenses, bans and sources, and security advisories if the advisory database can be fetched.
pub(crate) fn run() -> Result<()> {
    let tools = Toolbox::open("deny")?;
    process::run(deny(&tools, &["check", "bans", "licenses", "sources"]).arg("--show-stats"))?;
    if process::succeeds(&mut deny(&tools, &["fetch", "db"])) {
        return process::run(&mut deny(
            &tools,
            &["check", "--disable-fetch", "advisories"],
        ));
    }
    eprintln!("warning: skipped the security advisories: could not fetch the advisory database");
    Ok(())
}

fn deny(tools: &Toolbox, arguments: &[&str]) -> Command {
    let mut command = tools.command("cargo-deny");
    // The build has already fetched the registry index.
    command.args(["--locked", "--all-features"]).args(arguments);
    command
}
