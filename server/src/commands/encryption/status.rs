//! `konektor-server encryption status`

use anyhow::Result;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        master_key,
        output::{self, grouped},
        usage::program,
    },
    domain::{time, workspace::Workspace},
    store::encryption::{Encryption, KeyState},
    vault::{MasterKeys, Purpose, VaultError},
};

/// Show the keys of every workspace: what is sealed under each, and which master key wraps it
#[derive(clap::Args)]
#[command(after_help = "\
Needs no master key; if some are set, it shows whether they open the keys. A workspace has one data key (more during a \
rotation) and one index key, which hashes emails, phones and words of names for searches.")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Show this workspace only
    #[arg(long, value_name = "ID")]
    workspace: Option<String>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let master_keys = master_key::from_environment_if_set()?.unwrap_or_else(MasterKeys::none);
    let store = args.database.open_with(context, master_keys).await?;
    let mut all = Vec::new();
    for workspace in database::workspaces(&store, args.workspace.as_deref()).await? {
        let encryption = store.encryption(&workspace).await?;
        all.push((workspace, encryption));
    }
    let given = store.vault().master_keys();
    let json = json!({
        "masterKeys": given.ids().collect::<Vec<_>>(),
        "workspaces": all.iter().map(|(workspace, encryption)| as_json(workspace, encryption)).collect::<Vec<_>>(),
    });
    context.output.print(&json, || words(given, &all))?;
    Ok(())
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
        format!("\n{id} is being rotated; if that was interrupted: {program} encryption rotate-data --workspace {id}")
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
        format!("{id} (a different key is given)")
    } else {
        format!("{id} (given)")
    }
}

/// The date only: with the time of day, lines are too long for a terminal.
fn day(time: Timestamp) -> String {
    time::format(time).chars().take(10).collect()
}
