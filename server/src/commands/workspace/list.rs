//! `konektor-server workspace list`

use anyhow::Result;
use serde_json::{Value, json};

use super::view::{as_json, effective_limit};
use crate::{
    commands::{context::Context, database::DatabaseArgs, output, usage::program},
    domain::time,
};

/// List all workspaces
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let workspaces = args
        .database
        .open_without_key(context)
        .await?
        .workspaces()
        .await?;
    let json: Vec<Value> = workspaces.iter().map(as_json).collect();
    context.output.print(&json!({ "workspaces": json }), || {
        if workspaces.is_empty() {
            let program = program();
            return format!(
                "no workspaces yet; create one with {program} workspace create --name NAME"
            );
        }
        let rows = workspaces.iter().map(|workspace| {
            let limit = effective_limit(workspace);
            [
                workspace.id.clone(),
                workspace.name.clone(),
                workspace.plan.clone(),
                limit.map_or_else(|| "-".to_owned(), output::grouped),
                workspace.timezone.clone(),
                time::format(workspace.created_at),
            ]
        });
        output::table(
            ["ID", "NAME", "PLAN", "REQUESTS/MIN", "TIMEZONE", "CREATED"],
            rows,
        )
    })?;
    Ok(())
}
