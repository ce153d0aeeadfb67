//! `cargo xtask deny`: what Cargo.lock brings in, held to deny.toml.

use std::process::Command;

use anyhow::Result;

use crate::{process, tools::Toolbox};

/// Checks licences, bans and sources, and known holes where their database can be reached.
pub(crate) fn run() -> Result<()> {
    let tools = Toolbox::open("deny")?;
    process::run(deny(&tools, &["check", "bans", "licenses", "sources"]).arg("--show-stats"))?;
    if process::succeeds(&mut deny(&tools, &["fetch", "db"])) {
        return process::run(&mut deny(
            &tools,
            &["check", "--disable-fetch", "advisories"],
        ));
    }
    eprintln!("advisories were not checked: their database cannot be reached from here");
    Ok(())
}

fn deny(tools: &Toolbox, arguments: &[&str]) -> Command {
    let mut command = tools.command("cargo-deny");
    // The registry was asked when the programs were built.
    command.args(["--locked", "--all-features"]).args(arguments);
    command
}
