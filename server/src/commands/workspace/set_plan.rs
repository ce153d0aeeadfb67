//! `konektor-server workspace set-plan`

use anyhow::Result;
use clap::{builder::PossibleValuesParser, value_parser};
use konektor_spec::Spec;

use super::{new_workspace::check_own_limit, view::as_json};
use crate::commands::{
    context::Context,
    database::{self, DatabaseArgs},
};

/// Change the plan of a workspace; takes effect immediately
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// The new plan
    #[arg(value_parser = PossibleValuesParser::new(Spec::builtin().enum_values("Plan")))]
    plan: String,
    /// The limit of requests per minute; only with plan custom
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    check_own_limit(&args.plan, args.requests_per_minute)?;
    let store = args.database.open_without_key(context).await?;
    let found = store
        .set_plan(&args.id, &args.plan, args.requests_per_minute)
        .await?;
    if !found {
        return Err(database::no_workspace(&args.id));
    }
    let workspace = database::workspace(&store, &args.id).await?;
    context.output.print(&as_json(&workspace), || {
        format!(
            "{} ({}) is on plan {}",
            workspace.id, workspace.name, workspace.plan
        )
    })?;
    Ok(())
}
