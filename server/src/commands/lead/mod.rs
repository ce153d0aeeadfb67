//! `konektor-server lead …`

mod erase;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

/// Erase a person's data from a lead
#[derive(Subcommand)]
pub(super) enum Command {
    Erase(erase::Args),
}

pub(super) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Erase(args) => erase::run(args, context).await,
    }
}
