//! `konektor-server workspace …`

use anyhow::{Result, bail};
use clap::{Subcommand, ValueEnum, builder::PossibleValuesParser, value_parser};
use konektor_spec::Spec;
use serde_json::{Value, json};

use super::{
    UsageError,
    database::{self, DatabaseArgs},
    encryption,
    output::{self, Output, fields},
    program, progress,
};
use crate::{
    clock::Clock,
    domain::{
        id, time, time_zone,
        workspace::{NameIndex, Workspace},
    },
};

/// The plan whose limit is agreed with each customer.
const CUSTOM_PLAN: &str = "custom";
/// The plan of a workspace unless somebody chooses.
const DEFAULT_PLAN: &str = "starter";
pub(super) const TIME_ZONE: &str = "Asia/Jakarta";
pub(super) const CURRENCY: &str = "IDR";
const LANGUAGE: &str = "id";
const DATE_FORMAT: &str = "DD/MM/YYYY";
const LONGEST_NAME: usize = 200;

/// Make, show, change and delete workspaces
#[derive(Subcommand)]
pub(super) enum Command {
    Create(Create),
    /// List all workspaces
    List {
        #[command(flatten)]
        database: DatabaseArgs,
    },
    /// Show one workspace
    Show {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The workspace's id
        id: String,
    },
    Delete(Delete),
    SetPlan(SetPlan),
    SetNameIndex(SetNameIndex),
}

/// Make a workspace and print its id
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  konektor-server workspace create --name 'Toko Budi Online' --plan pro
  konektor-server workspace create --name Klinik --plan pro --no-name-index
  konektor-server workspace create --name Acme --plan custom --requests-per-minute 1000 --timezone Asia/Makassar")]
pub(super) struct Create {
    #[command(flatten)]
    database: DatabaseArgs,
    #[command(flatten)]
    options: Options,
}

/// What a new workspace is like.
#[derive(clap::Args)]
struct Options {
    /// What people call it
    #[arg(long, value_parser = parse_name)]
    name: String,
    /// Its plan, which sets its requests a minute
    #[arg(long, default_value = DEFAULT_PLAN, value_parser = PossibleValuesParser::new(Spec::builtin().enum_values("Plan")))]
    plan: String,
    /// Its IANA time zone, in which its days and weeks begin
    #[arg(long, value_name = "ZONE", default_value = TIME_ZONE, value_parser = time_zone::canonical)]
    timezone: String,
    /// Its currency, as three letters (ISO 4217)
    #[arg(long, value_name = "CODE", default_value = CURRENCY, value_parser = parse_currency)]
    currency: String,
    /// The most leads created a day; no limit unless given
    #[arg(long, value_name = "N", value_parser = value_parser!(i64).range(0..))]
    leads_per_day: Option<i64>,
    /// Its own limit of requests a minute; for plan custom only
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
    /// Leads are not found by their names, of which the database then holds not even hashes
    #[arg(long)]
    no_name_index: bool,
}

/// Delete a workspace with its leads, keys and tickets, so that nothing of it can be read again
#[derive(clap::Args)]
#[command(after_help = "\
Its keys go first: from then on its API keys are refused, and what it sealed opens for nobody, whoever has the \
database and the master key. Then its rows go, in small batches beside running servers; interrupted, it is run again.

On SQLite what is deleted is overwritten, and the -wal file emptied. On PostgreSQL the table of keys is written anew; \
PostgreSQL's own log (WAL), replicas and backups hold the deleted keys until they are recycled or deleted. A backup \
from before, of either, opens with the master key.")]
pub(super) struct Delete {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Let leads be found by their names, or not
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
pub(super) struct SetNameIndex {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// Whether leads are found by their names
    state: Switch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Move a workspace to another plan; works at once
#[derive(clap::Args)]
pub(super) struct SetPlan {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    id: String,
    /// The new plan
    #[arg(value_parser = PossibleValuesParser::new(Spec::builtin().enum_values("Plan")))]
    plan: String,
    /// Its own limit of requests a minute; for plan custom only
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..))]
    requests_per_minute: Option<u32>,
}

pub(super) async fn run(command: Command, output: Output, clock: &Clock) -> Result<()> {
    match command {
        Command::Create(args) => create(args, output, clock).await,
        Command::List { database } => list(&database, output).await,
        Command::Show { database, id } => show(&database, &id, output, clock).await,
        Command::Delete(args) => delete(args, output).await,
        Command::SetPlan(args) => set_plan(args, output).await,
        Command::SetNameIndex(args) => set_name_index(args, output).await,
    }
}

async fn create(args: Create, output: Output, clock: &Clock) -> Result<()> {
    let options = args.options;
    check_own_limit(&options.plan, options.requests_per_minute)?;
    let store = args.database.open_or_create().await?;
    let workspace = Workspace {
        plan: options.plan,
        requests_per_minute: options.requests_per_minute,
        leads_per_day: options.leads_per_day,
        timezone: options.timezone,
        currency: options.currency,
        name_index: if options.no_name_index {
            NameIndex::Off
        } else {
            NameIndex::On
        },
        ..new(&options.name, clock)
    };
    store.create_workspace(&workspace).await?;
    let json = json!({
        "workspaceId": workspace.id,
        "timezone": workspace.timezone,
        "utcOffset": time_zone::offset(&workspace.timezone, clock.now()),
    });
    output.print(&json, || {
        let (id, program) = (&workspace.id, program());
        let next = format!("{program} key create --workspace {id} --all-scopes");
        fields([
            ("workspace", id.clone()),
            ("timezone", with_offset(&workspace.timezone, clock)),
            ("next", next),
        ])
    })?;
    Ok(())
}

async fn list(database: &DatabaseArgs, output: Output) -> Result<()> {
    let workspaces = database.open_without_key().await?.workspaces().await?;
    let json: Vec<Value> = workspaces.iter().map(as_json).collect();
    output.print(&json!({ "workspaces": json }), || {
        if workspaces.is_empty() {
            let program = program();
            return format!("no workspaces yet; {program} workspace create --name NAME makes one");
        }
        let rows = workspaces.iter().map(|workspace| {
            let limit = effective_limit(workspace);
            [
                workspace.id.clone(),
                workspace.name.clone(),
                workspace.plan.clone(),
                limit.map_or_else(|| "-".to_owned(), output::grouped),
                workspace.timezone.clone(),
                time::format(workspace.created_at),
            ]
        });
        output::table(
            ["ID", "NAME", "PLAN", "REQUESTS/MIN", "TIMEZONE", "CREATED"],
            rows,
        )
    })?;
    Ok(())
}

async fn show(database: &DatabaseArgs, id: &str, output: Output, clock: &Clock) -> Result<()> {
    let store = database.open_without_key().await?;
    let workspace = database::workspace(&store, id).await?;
    output.print(&as_json(&workspace), || {
        let limit = effective_limit(&workspace).map_or_else(
            || "none: this plan has no Agent API".to_owned(),
            output::grouped,
        );
        let leads = workspace
            .leads_per_day
            .map_or_else(|| "no limit".to_owned(), output::grouped);
        fields([
            ("id", workspace.id.clone()),
            ("name", workspace.name.clone()),
            ("plan", workspace.plan.clone()),
            ("requests a minute", limit),
            ("leads a day", leads),
            ("timezone", with_offset(&workspace.timezone, clock)),
            ("currency", workspace.currency.clone()),
            ("language", workspace.language.clone()),
            ("date format", workspace.date_format.clone()),
            ("tracking code", workspace.tracking_code.clone()),
            ("name index", workspace.name_index.as_str().to_owned()),
            ("created", time::format(workspace.created_at)),
        ])
    })?;
    Ok(())
}

async fn delete(args: Delete, output: Output) -> Result<()> {
    let store = args.database.open_without_key().await?;
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
    // At once, for the rows may take their time.
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
    encryption::warn_of_remains(&store, erased);
    output.print(
        &json!({ "workspaceId": workspace.id, "deleted": true, "erased": erased }),
        || format!("deleted {} ({})", workspace.id, workspace.name),
    )?;
    Ok(())
}

async fn set_name_index(args: SetNameIndex, output: Output) -> Result<()> {
    let bar = progress::bar("names")?;
    let watch = |done, of| progress::show(&bar, done, of);
    let store = match args.state {
        // The names of leads have to be read.
        Switch::On => {
            let store = args.database.open().await?;
            let workspace = database::workspace(&store, &args.id).await?;
            store.build_name_index(&workspace, watch).await?;
            store
        }
        Switch::Off => {
            let store = args.database.open_without_key().await?;
            let workspace = database::workspace(&store, &args.id).await?;
            store.remove_name_index(&workspace.id, watch).await?;
            store
        }
    };
    bar.finish_and_clear();
    let workspace = database::workspace(&store, &args.id).await?;
    output.print(&as_json(&workspace), || {
        format!(
            "the name index of {} ({}) is {}",
            workspace.id,
            workspace.name,
            workspace.name_index.as_str()
        )
    })?;
    Ok(())
}

async fn set_plan(args: SetPlan, output: Output) -> Result<()> {
    check_own_limit(&args.plan, args.requests_per_minute)?;
    let store = args.database.open_without_key().await?;
    let found = store
        .set_plan(&args.id, &args.plan, args.requests_per_minute)
        .await?;
    if !found {
        return Err(database::no_workspace(&args.id));
    }
    let workspace = database::workspace(&store, &args.id).await?;
    output.print(&as_json(&workspace), || {
        format!(
            "{} ({}) is on plan {}",
            workspace.id, workspace.name, workspace.plan
        )
    })?;
    Ok(())
}

/// A workspace with this name and what else it has unless somebody chooses.
pub(super) fn new(name: &str, clock: &Clock) -> Workspace {
    let (now, mut rng) = (clock.now(), rand::rng());
    Workspace {
        id: id::workspace(now, &mut rng),
        name: name.to_owned(),
        plan: String::new(),
        requests_per_minute: None,
        leads_per_day: None,
        timezone: String::new(),
        currency: String::new(),
        language: LANGUAGE.to_owned(),
        date_format: DATE_FORMAT.to_owned(),
        tracking_code: id::tracking_code(&mut rng),
        name_index: NameIndex::On,
        created_at: now,
    }
}

fn as_json(workspace: &Workspace) -> Value {
    json!({
        "workspaceId": workspace.id,
        "name": workspace.name,
        "plan": workspace.plan,
        "requestsPerMinute": effective_limit(workspace),
        "leadsPerDay": workspace.leads_per_day,
        "timezone": workspace.timezone,
        "currency": workspace.currency,
        "language": workspace.language,
        "dateFormat": workspace.date_format,
        "trackingCode": workspace.tracking_code,
        "nameIndex": workspace.name_index.as_str(),
        "createdAt": time::format(workspace.created_at),
    })
}

/// Its own requests a minute or its plan's; None when the plan has no Agent API.
fn effective_limit(workspace: &Workspace) -> Option<u32> {
    let of_plan = Spec::builtin().requests_per_minute(&workspace.plan)?;
    Some(workspace.requests_per_minute.unwrap_or(of_plan))
}

fn check_own_limit(plan: &str, requests_per_minute: Option<u32>) -> Result<()> {
    if requests_per_minute.is_some() && plan != CUSTOM_PLAN {
        let usual = Spec::builtin().requests_per_minute(plan);
        let usual = usual.map_or_else(
            || "has no Agent API".to_owned(),
            |usual| format!("always has {usual}"),
        );
        bail!(UsageError(format!(
            "--requests-per-minute goes with plan {CUSTOM_PLAN} only; plan {plan} {usual}"
        )));
    }
    Ok(())
}

pub(super) fn parse_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    if name.is_empty() {
        Err("a name has at least one letter".to_owned())
    } else if name.chars().count() > LONGEST_NAME {
        Err(format!("a name has at most {LONGEST_NAME} letters"))
    } else if name.chars().any(char::is_control) {
        Err("a name is one line of text".to_owned())
    } else {
        Ok(name.to_owned())
    }
}

/// `Asia/Jakarta (UTC+07:00 now)`: the sign of `Etc/GMT+7` says the opposite of what people expect.
fn with_offset(timezone: &str, clock: &Clock) -> String {
    time_zone::offset(timezone, clock.now()).map_or_else(
        || timezone.to_owned(),
        |offset| format!("{timezone} ({offset} now)"),
    )
}

fn parse_currency(code: &str) -> Result<String, String> {
    if code.len() == 3 && code.bytes().all(|letter| letter.is_ascii_uppercase()) {
        Ok(code.to_owned())
    } else {
        Err("a currency has three capital letters, such as IDR".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_that_are_named_here_are_in_the_document() {
        for plan in [CUSTOM_PLAN, DEFAULT_PLAN] {
            assert!(
                Spec::builtin().requests_per_minute(plan).is_some(),
                "{plan}"
            );
        }
    }

    #[test]
    fn currencies_are_three_capitals() {
        assert!(parse_currency("USD").is_ok());
        for code in ["usd", "US", "USDT", "U$D", ""] {
            assert!(parse_currency(code).is_err(), "{code}");
        }
    }
}
