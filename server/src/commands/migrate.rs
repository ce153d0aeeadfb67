//! `konektor-server migrate`

use anyhow::Result;
use serde_json::json;

use super::{context::Context, database::DatabaseArgs};

/// Update the schema of the database, or create it in a new one
#[derive(clap::Args)]
#[command(after_help = "\
Needs no master key. Missing migrations are applied entirely or not at all. If several processes migrate at once, one \
applies them and the others wait. `serve` also migrates when it starts, unless --no-migrate is set. Every other command \
refuses a schema that is older or newer than the program. Stop servers of the old version first.

To update the schema before the servers:
  konektor-server migrate
  konektor-server serve --no-migrate")]
pub(super) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let (database, engine) = args.database.migrate(context).await?;
    context.output.print(
        &json!({ "database": database, "engine": engine.to_string() }),
        || format!("the schema of {database} ({engine}) is up to date"),
    )?;
    Ok(())
}
