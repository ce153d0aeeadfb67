//! `konektor-server workspace show`

use anyhow::Result;

use super::view::{as_json, effective_limit, with_offset};
use crate::{
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        output::{self, fields},
    },
    domain::time,
};

/// Show one workspace
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open_without_key(context).await?;
    let workspace = database::workspace(&store, &args.id).await?;
    context.output.print(&as_json(&workspace), || {
        let limit = effective_limit(&workspace).map_or_else(
            || "none: this plan has no Agent API".to_owned(),
            output::grouped,
        );
        let leads = workspace
            .leads_per_day
            .map_or_else(|| "no limit".to_owned(), output::grouped);
        fields([
            ("id", workspace.id.clone()),
            ("name", workspace.name.clone()),
            ("plan", workspace.plan.clone()),
            ("requests a minute", limit),
            ("leads a day", leads),
            ("timezone", with_offset(&workspace.timezone, &context.clock)),
            ("currency", workspace.currency.clone()),
            ("language", workspace.language.clone()),
            ("date format", workspace.date_format.clone()),
            ("tracking code", workspace.tracking_code.clone()),
            ("name index", workspace.name_index.as_str().to_owned()),
            ("created", time::format(workspace.created_at)),
        ])
    })?;
    Ok(())
}
