//! `konektor-server encryption …`

mod rotate_data;
mod rotate_master;
mod status;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

/// Show and replace the keys of workspaces, while servers run
#[derive(Subcommand)]
pub(super) enum Command {
    Status(status::Args),
    RotateMaster(rotate_master::Args),
    RotateData(rotate_data::Args),
}

pub(super) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Status(args) => status::run(args, context).await,
        Command::RotateMaster(args) => rotate_master::run(args, context).await,
        Command::RotateData(args) => rotate_data::run(args, context).await,
    }
}
