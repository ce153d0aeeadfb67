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
With the index on, the database holds a keyed hash of every word of a name and of every beginning of three letters or \
more. Without the workspace's index key they tell no name, but they tell which leads share one, and how common it is. \
Off, they are removed: a search then finds leads by phone, email, uniqueCode and externalRef, and none by its name.

On again, every lead gets its hashes, in small batches beside running servers; until all have them a search finds \
none by name, rather than some. Interrupted, either way goes on when it is run again.

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
