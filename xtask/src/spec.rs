//! `cargo xtask spec`: lints openapi.yaml.

use anyhow::Result;

use crate::{process, tools::Toolbox};

/// Runs Redocly. redocly.yaml turns every warning into an error.
pub(crate) fn run() -> Result<()> {
    process::run(
        Toolbox::open("spec")?
            .command("redocly")
            .args(["lint", "openapi.yaml"])
            .env("REDOCLY_TELEMETRY", "off")
            .env("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true"),
    )
}
