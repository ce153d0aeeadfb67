//! `konektor-server workspace delete`

use anyhow::Result;
use serde_json::json;

use crate::commands::{
    context::Context,
    database::{self, DatabaseArgs},
    output, progress,
    remains::warn_of_old_keys,
};

/// Permanently delete a workspace with its leads, keys and tickets
#[derive(clap::Args)]
#[command(after_help = "\
The keys of the workspace are deleted first. From then on its API keys are refused, and nobody can decrypt its data, \
not even with the database and the master key. Then its rows are deleted in small batches, while servers run. If it is \
interrupted, run it again.

On SQLite the deleted data is overwritten and the -wal file is emptied. On PostgreSQL the table of keys is rewritten; \
the WAL, replicas and backups contain the deleted keys until they are recycled or deleted. Older backups of either can \
be decrypted with the master key.")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open_without_key(context).await?;
    let workspace = database::workspace(&store, &args.id).await?;
    if !args.yes {
        let (id, name) = (&workspace.id, &workspace.name);
        output::confirm(
            &format!("deleting {id} ({name})"),
            &format!("Delete {id} ({name}) with all its leads, keys and tickets?"),
            "nothing was deleted",
        )?;
    }
    store.delete_keys(&workspace.id).await?;
    // The keys are deleted first, because deleting the rows may take long.
    store.erase_deleted_keys().await?;
    let bar = progress::bar("rows")?;
    let deleted = store
        .delete_workspace(&workspace.id, |done, of| progress::show(&bar, done, of))
        .await?;
    bar.finish_and_clear();
    if !deleted {
        return Err(database::no_workspace(&workspace.id));
    }
    let erased = store.erase_deleted_keys().await?;
    warn_of_old_keys(&store, erased);
    context.output.print(
        &json!({ "workspaceId": workspace.id, "deleted": true, "erased": erased }),
        || format!("deleted {} ({})", workspace.id, workspace.name),
    )?;
    Ok(())
}
