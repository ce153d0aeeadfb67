//! `konektor-server migrate`

use anyhow::Result;
use serde_json::json;

use super::{context::Context, database::DatabaseArgs};

/// Update the schema of the database, or create it in a new one
#[derive(clap::Args)]
#[command(after_help = "\
It needs no master key. What is missing is applied as a whole or not at all; of several at once one applies it, and \
the others wait. `serve` does the same when it starts, unless it is told --no-migrate; every other command refuses a \
schema that is older or newer than the program. Stop the servers of the old version before.

Where the schema is to change before the servers do:
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
