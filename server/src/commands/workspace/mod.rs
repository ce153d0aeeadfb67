//! `konektor-server workspace …`

mod create;
mod delete;
mod list;
pub(super) mod new_workspace;
mod set_name_index;
mod set_plan;
mod show;
mod view;

use anyhow::Result;
use clap::Subcommand;

use super::context::Context;

/// Create, show, change and delete workspaces
#[derive(Subcommand)]
pub(super) enum Command {
    Create(create::Args),
    List(list::Args),
    Show(show::Args),
    Delete(delete::Args),
    SetPlan(set_plan::Args),
    SetNameIndex(set_name_index::Args),
}

pub(super) async fn run(command: Command, context: &Context) -> Result<()> {
    match command {
        Command::Create(args) => create::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Delete(args) => delete::run(args, context).await,
        Command::SetPlan(args) => set_plan::run(args, context).await,
        Command::SetNameIndex(args) => set_name_index::run(args, context).await,
    }
}
