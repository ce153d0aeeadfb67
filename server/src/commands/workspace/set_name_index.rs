//! `konektor-server workspace set-name-index`

use anyhow::Result;
use clap::ValueEnum;

use super::view::as_json;
use crate::commands::{
    context::Context,
    database::{self, DatabaseArgs},
    progress,
};

/// Switch the search for leads by name on or off
#[derive(clap::Args)]
#[command(after_help = "\
On: the database contains a keyed hash of every word of a name, and of every prefix of three or more letters. Without \
the index key of the workspace the hashes reveal no name, but they reveal which leads share one, and how common it is. \
Existing leads get their hashes in small batches, while servers run. Until all have them, a search finds no lead by \
name, rather than some.

Off: the hashes are deleted. A search finds leads by phone, email, uniqueCode and externalRef only.

If either is interrupted, run it again to continue.

Examples:
  konektor-server workspace set-name-index ID off
  konektor-server workspace set-name-index ID on")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// Whether leads can be found by name
    state: Switch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let bar = progress::bar("names")?;
    let watch = |done, of| progress::show(&bar, done, of);
    let store = match args.state {
        // Building the index reads the names of leads, which needs the master key.
        Switch::On => {
            let store = args.database.open(context).await?;
            let workspace = database::workspace(&store, &args.id).await?;
            store.build_name_index(&workspace, watch).await?;
            store
        }
        Switch::Off => {
            let store = args.database.open_without_key(context).await?;
            let workspace = database::workspace(&store, &args.id).await?;
            store.remove_name_index(&workspace.id, watch).await?;
            store
        }
    };
    bar.finish_and_clear();
    let workspace = database::workspace(&store, &args.id).await?;
    context.output.print(&as_json(&workspace), || {
        format!(
            "the name index of {} ({}) is {}",
            workspace.id,
            workspace.name,
            workspace.name_index.as_str()
        )
    })?;
    Ok(())
}
