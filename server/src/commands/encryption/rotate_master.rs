//! `konektor-server encryption rotate-master`

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::commands::{
    context::Context, database::DatabaseArgs, progress, remains::warn_of_old_keys,
};

/// Wrap every workspace's keys under the first of `KONEKTOR_MASTER_KEYS`
#[derive(clap::Args)]
#[command(after_help = "\
All servers must have the new master key already: `keygen --help` lists the steps. It takes a moment whatever the \
number of leads, because sealed data does not change. If it is interrupted, run it again.

Example:
  KONEKTOR_MASTER_KEYS=2:NEW,1:OLD konektor-server encryption rotate-master")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open(context).await?;
    let sealing = store.vault().master_keys().sealing_id();
    let workspaces = store.workspaces().await?;
    let bar = progress::bar("keys")?;
    let mut keys = 0;
    for (done, workspace) in (1..).zip(&workspaces) {
        keys += store
            .rewrap_keys(&workspace.id)
            .await
            .with_context(|| workspace.id.clone())?;
        progress::show(&bar, done, workspaces.len() as u64);
    }
    bar.finish_and_clear();
    let erased = store.erase_deleted_keys().await?;
    warn_of_old_keys(&store, erased);
    context.output.print(
        &json!({ "masterKeyId": sealing, "rewrapped": keys, "erased": erased }),
        || match keys {
            0 => format!("every key was already wrapped under master key {sealing}"),
            keys => format!("wrapped {keys} keys under master key {sealing}"),
        },
    )?;
    Ok(())
}
