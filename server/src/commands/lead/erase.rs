//! `konektor-server lead erase`

use anyhow::{Result, anyhow};
use serde_json::json;

use crate::{
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        output,
    },
    store::{Candidate, Engine, EraseLead, Erased, Store, StoreError},
};

/// Permanently remove a person's data from a lead; the lead still counts in totals
#[derive(clap::Args)]
#[command(after_help = "\
Last name, email, phone, notes and externalRef become null, and the first name becomes Erased. The uniqueCode is \
replaced, because other systems may know the person by the old one. The hashes by which the lead was found are \
deleted, and so are the stored responses that contain it. Id, status, priority, source, platform, campaign, amounts, \
assignee and times stay, so totals do not change. Support tickets are not searched for the person.

On SQLite the removed data is overwritten and the -wal file is emptied. PostgreSQL keeps it in its files until the \
tables are vacuumed and their space is reused. The WAL, replicas and backups contain it until they are recycled or \
deleted.

Examples:
  konektor-server lead erase --workspace ID lead_01jhmh6v5e7m2q9r4s8t0w1x3y
  konektor-server lead erase --workspace ID CRM-1024 --yes")]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// The lead's id, uniqueCode, externalRef or phone
    handle: String,
    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open(context).await?;
    let workspace = database::workspace(&store, &args.workspace).await?;
    let tenant = store.tenant(&workspace).await?;
    let found = tenant.lead(&args.handle).await.map_err(explained)?;
    let lead_id = found.ok_or_else(no_lead)?.id;
    if !args.yes {
        let (id, name) = (&workspace.id, &workspace.name);
        output::confirm(
            &format!("erasing {lead_id} of {id} ({name})"),
            &format!("Erase the person behind {lead_id} of {id} ({name})?"),
            "nothing was erased",
        )?;
    }
    // The id is used, so that the erased lead is the confirmed one.
    let erase = EraseLead {
        handle: lead_id,
        now: context.clock.now(),
    };
    let erased = tenant.write(erase).await?.ok_or_else(no_lead)?;
    let overwritten = store.overwrite_changed_rows().await?;
    warn_of_remains(&store, overwritten);
    context.output.print(
        &json!({
            "workspaceId": workspace.id, "leadId": erased.lead_id, "fields": erased.fields,
            "answers": erased.answers, "overwritten": overwritten,
        }),
        || in_words(&erased),
    )?;
    Ok(())
}

fn in_words(erased: &Erased) -> String {
    let Erased {
        lead_id,
        fields,
        answers,
    } = erased;
    if fields.is_empty() && *answers == 0 {
        return format!("{lead_id} was erased before; nothing was left to erase");
    }
    let answers = match answers {
        1 => "1 stored response".to_owned(),
        answers => format!(
            "{} stored responses",
            output::grouped(i64::try_from(*answers).unwrap_or(i64::MAX))
        ),
    };
    let fields = if fields.is_empty() {
        "no field".to_owned()
    } else {
        fields.join(", ")
    };
    format!("erased {lead_id}: {fields}, and {answers}")
}

/// The message does not repeat the handle, which may be a phone number.
fn no_lead() -> anyhow::Error {
    anyhow!("no lead of this workspace has that id, uniqueCode, externalRef or phone")
}

fn explained(error: StoreError) -> anyhow::Error {
    let StoreError::Ambiguous(candidates) = error else {
        return error.into();
    };
    let each: Vec<_> = candidates
        .iter()
        .map(|Candidate { id, field }| format!("{id} by its {field}"))
        .collect();
    anyhow!("it matches {}: use the id of one", each.join(" and "))
}

fn warn_of_remains(store: &Store, overwritten: bool) {
    if overwritten {
        return;
    }
    match store.engine() {
        Engine::Sqlite => eprintln!(
            "note: another process is reading the database, so its -wal file still contains old rows; run this again to empty it"
        ),
        Engine::Postgres => eprintln!(
            "note: PostgreSQL's files contain the old rows until the tables are vacuumed and their space is reused"
        ),
    }
}
