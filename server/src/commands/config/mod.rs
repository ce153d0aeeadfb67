//! `konektor-server config …`

mod show;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

/// Show the settings of the server
#[derive(Subcommand)]
pub(super) enum Command {
    Show(show::Args),
}

pub(super) fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Show(args) => show::run(&args, context),
    }
}
