//! `konektor-server key …`

mod create;
pub(super) mod issue;
mod list;
mod revoke;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

/// Create, list and revoke API keys
#[derive(Subcommand)]
pub(super) enum Command {
    Create(create::Args),
    List(list::Args),
    Revoke(revoke::Args),
}

pub(super) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Create(args) => create::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
        Command::Revoke(args) => revoke::run(args, context).await,
    }
}
