//! `konektor-server encryption rotate-data`

use anyhow::{Context as _, Result};
use clap::ArgGroup;
use serde_json::json;

use crate::{
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        output::grouped,
        progress,
        remains::warn_of_old_keys,
        usage::program,
    },
    store::{Rotated, StoreError},
};

/// Seal all data of a workspace under a new data key, and delete the old key
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["workspace", "all"])),
    after_help = "\
Leads, tickets and stored responses are sealed again in small batches, while servers run. If it is interrupted, run it \
again: it continues, and creates no other key before it is done. On SQLite it takes turns with the server, so that \
writes wait some milliseconds longer.

The index key does not change. It hashes emails, phones and words of names for searches, and decrypts nothing. Older \
backups can be read with the keys that they contain and the master key.

Examples:
  konektor-server encryption rotate-data --workspace ID
  konektor-server encryption rotate-data --all"
)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// Every workspace, one after the other
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open(context).await?;
    let bar = progress::bar("rows")?;
    let mut all = Vec::new();
    for workspace in database::workspaces(&store, args.workspace.as_deref()).await? {
        let watch = |done, of| progress::show(&bar, done, of);
        match store
            .rotate_data_key(&workspace, context.clock.now(), watch)
            .await
        {
            Ok(rotated) => all.push((workspace.id, rotated)),
            Err(StoreError::NoWorkspace) if args.all => eprintln!(
                "note: the keys of {id} are deleted; remove the rest of it with {program} workspace delete {id}",
                id = workspace.id,
                program = program()
            ),
            Err(error) => Err(error)
                .with_context(|| format!("could not rotate the key of {}", workspace.id))?,
        }
    }
    bar.finish_and_clear();
    let erased = store.erase_deleted_keys().await?;
    warn_of_old_keys(&store, erased);
    let as_json = |(workspace_id, rotated): &(String, Rotated)| {
        json!({
            "workspaceId": workspace_id,
            "dataKeyId": rotated.data_key_id,
            "rows": rotated.rows,
            "resumed": rotated.resumed,
        })
    };
    context.output.print(
        &json!({ "workspaces": all.iter().map(as_json).collect::<Vec<_>>(), "erased": erased }),
        || {
            let line = |(workspace_id, rotated): &(String, Rotated)| {
                let Rotated {
                    data_key_id,
                    resumed,
                    rows,
                } = *rotated;
                let went_on = if resumed {
                    " (continued an interrupted rotation)"
                } else {
                    ""
                };
                let rows = grouped(i64::try_from(rows).unwrap_or(i64::MAX));
                format!("{workspace_id}: sealed {rows} rows under data key {data_key_id}{went_on}")
            };
            all.iter().map(line).collect::<Vec<_>>().join("\n")
        },
    )?;
    Ok(())
}
