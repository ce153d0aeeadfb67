//! `konektor-server encryption …`

use anyhow::{Context, Result};
use clap::{ArgGroup, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    database::{self, DatabaseArgs},
    master_key,
    output::{self, Output, grouped},
    program, progress,
};
use crate::{
    clock::Clock,
    domain::{time, workspace::Workspace},
    store::{
        Engine, Rotated, Store, StoreError,
        encryption::{Encryption, KeyState},
    },
    vault::{MasterKeys, Purpose, VaultError},
};

/// Show and replace the keys of workspaces, while servers run
#[derive(Subcommand)]
pub(super) enum Command {
    Status(Status),
    RotateMaster(RotateMaster),
    RotateData(RotateData),
}

/// Show every workspace's keys: what is sealed under each, and which master key wraps it
#[derive(clap::Args)]
#[command(after_help = "\
It needs no master key, and says of those it is given whether they open the keys. A workspace has one data key, or \
more while they rotate, and one index key, under which emails, phones and words of names are found.")]
pub(super) struct Status {
    #[command(flatten)]
    database: DatabaseArgs,
    /// This workspace alone
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
}

/// Wrap every workspace's keys under the first of `KONEKTOR_MASTER_KEYS`
#[derive(clap::Args)]
#[command(after_help = "\
Servers have to have the new master key already: `keygen --help` has the steps. It takes a moment whatever the number \
of leads, for what is sealed stays as it is; interrupted, it is run again.

Example:
  KONEKTOR_MASTER_KEYS=2:NEW,1:OLD konektor-server encryption rotate-master")]
pub(super) struct RotateMaster {
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Give a workspace a new data key, seal everything under it, and remove the old key
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["workspace", "all"])),
    after_help = "\
Leads, tickets and kept answers are sealed again in small batches, while servers read, search and write. Interrupted \
in any way, it goes on when it is run again, and begins no second key before the first is done. On SQLite it takes \
turns with the server, so that writes wait some milliseconds longer.

The index key stays as it is: emails, phones and words of names are found by hashes under it, and it opens nothing. \
A backup from before opens with its own old keys and the master key.

Examples:
  konektor-server encryption rotate-data --workspace ID
  konektor-server encryption rotate-data --all"
)]
pub(super) struct RotateData {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
    /// Every workspace, one after the other
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(command: Command, output: Output, clock: &Clock) -> Result<()> {
    match command {
        Command::Status(args) => status(args, output).await,
        Command::RotateMaster(args) => rotate_master(args, output).await,
        Command::RotateData(args) => rotate_data(args, output, clock).await,
    }
}

async fn status(args: Status, output: Output) -> Result<()> {
    let master_keys = master_key::given()?.unwrap_or_else(MasterKeys::none);
    let store = args.database.open_with(master_keys).await?;
    let mut all = Vec::new();
    for workspace in chosen(&store, args.workspace.as_deref()).await? {
        let encryption = store.encryption(&workspace).await?;
        all.push((workspace, encryption));
    }
    let given = store.vault().master_keys();
    let json = json!({
        "masterKeys": given.ids().collect::<Vec<_>>(),
        "workspaces": all.iter().map(|(workspace, encryption)| as_json(workspace, encryption)).collect::<Vec<_>>(),
    });
    output.print(&json, || words(given, &all))?;
    Ok(())
}

async fn rotate_master(args: RotateMaster, output: Output) -> Result<()> {
    let store = args.database.open().await?;
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
    warn_of_remains(&store, erased);
    output.print(
        &json!({ "masterKeyId": sealing, "rewrapped": keys, "erased": erased }),
        || match keys {
            0 => format!("every key was under master key {sealing} already"),
            keys => format!("wrapped {keys} keys under master key {sealing}"),
        },
    )?;
    Ok(())
}

async fn rotate_data(args: RotateData, output: Output, clock: &Clock) -> Result<()> {
    let store = args.database.open().await?;
    let bar = progress::bar("rows")?;
    let mut all = Vec::new();
    for workspace in chosen(&store, args.workspace.as_deref()).await? {
        let watch = |done, of| progress::show(&bar, done, of);
        match store.rotate_data_key(&workspace, clock.now(), watch).await {
            Ok(rotated) => all.push((workspace.id, rotated)),
            Err(StoreError::NoWorkspace) if args.all => eprintln!(
                "note: {id} has no keys any more; {program} workspace delete {id} removes the rest of it",
                id = workspace.id,
                program = program()
            ),
            Err(error) => Err(error).with_context(|| format!("{} is not done", workspace.id))?,
        }
    }
    bar.finish_and_clear();
    let erased = store.erase_deleted_keys().await?;
    warn_of_remains(&store, erased);
    let as_json = |(workspace_id, rotated): &(String, Rotated)| {
        json!({
            "workspaceId": workspace_id,
            "dataKeyId": rotated.data_key_id,
            "rows": rotated.rows,
            "resumed": rotated.resumed,
        })
    };
    output.print(
        &json!({ "workspaces": all.iter().map(as_json).collect::<Vec<_>>(), "erased": erased }),
        || {
            let line = |(workspace_id, rotated): &(String, Rotated)| {
                let Rotated {
                    data_key_id,
                    resumed,
                    rows,
                } = *rotated;
                let went_on = if resumed {
                    " (went on with an interrupted rotation)"
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

/// Says what is left of keys that are no longer there.
pub(super) fn warn_of_remains(store: &Store, erased: bool) {
    let kept = match store.engine() {
        Engine::Sqlite => {
            "a reader kept copies of the old keys in the -wal file; they go with the last server that is stopped"
        }
        Engine::Postgres => {
            "another transaction kept the old keys in the file of the table workspace_key; \
             `vacuum full workspace_key` removes them"
        }
    };
    if !erased {
        eprintln!("note: {kept}");
    }
    if store.engine() == Engine::Postgres {
        eprintln!(
            "note: PostgreSQL's own log (WAL), replicas and backups hold the old keys, wrapped, until they are \
             recycled or deleted"
        );
    }
}

async fn chosen(store: &Store, id: Option<&str>) -> Result<Vec<Workspace>> {
    match id {
        Some(id) => Ok(vec![database::workspace(store, id).await?]),
        None => Ok(store.workspaces().await?),
    }
}

fn as_json(workspace: &Workspace, encryption: &Encryption) -> Value {
    let key = |key: &KeyState| {
        let mut json = json!({
            "purpose": key.purpose.as_str(),
            "keyId": key.key_id,
            "masterKeyId": key.master_key_id,
            "createdAt": key.created_at.map(time::format),
        });
        if key.purpose == Purpose::Data {
            json["leads"] = key.sealed.leads.into();
            json["tickets"] = key.sealed.tickets.into();
            json["keptAnswers"] = key.sealed.kept_answers.into();
        }
        json
    };
    json!({
        "workspaceId": workspace.id,
        "name": workspace.name,
        "keys": encryption.keys.iter().map(key).collect::<Vec<_>>(),
        "opens": encryption.locked.is_none(),
        "rotating": encryption.is_rotating(),
    })
}

fn words(given: &MasterKeys, all: &[(Workspace, Encryption)]) -> String {
    if all.is_empty() {
        return "no workspaces yet".to_owned();
    }
    let rows = all.iter().flat_map(|(workspace, encryption)| {
        encryption.keys.iter().map(|key| {
            let count = |rows: i64| match key.purpose {
                Purpose::Data => grouped(rows),
                Purpose::Index => "-".to_owned(),
            };
            [
                workspace.id.clone(),
                format!("{} {}", key.purpose.as_str(), key.key_id),
                master_key_words(given, key.master_key_id, encryption.locked),
                count(key.sealed.leads),
                count(key.sealed.tickets),
                count(key.sealed.kept_answers),
                key.created_at.map_or_else(|| "-".to_owned(), day),
            ]
        })
    });
    let headings = [
        "WORKSPACE",
        "KEY",
        "MASTER KEY",
        "LEADS",
        "TICKETS",
        "KEPT ANSWERS",
        "CREATED",
    ];
    let table = output::table(headings, rows);
    let rotating = all
        .iter()
        .filter(|(_, encryption)| encryption.is_rotating());
    let hints = rotating.map(|(workspace, _)| {
        let (id, program) = (&workspace.id, program());
        format!("\n{id} is being rotated; if nothing does it any more: {program} encryption rotate-data --workspace {id}")
    });
    [table]
        .into_iter()
        .chain(hints)
        .collect::<Vec<_>>()
        .join("\n")
}

fn master_key_words(given: &MasterKeys, id: Option<u32>, locked: Option<VaultError>) -> String {
    let Some(id) = id else {
        return "deleted".to_owned();
    };
    if !given.ids().any(|known| known == id) {
        format!("{id} (not given)")
    } else if locked == Some(VaultError::DamagedKey) {
        format!("{id} (another one is given)")
    } else {
        format!("{id} (given)")
    }
}

/// The day alone: a whole time makes lines too long for a terminal.
fn day(time: Timestamp) -> String {
    time::format(time).chars().take(10).collect()
}
