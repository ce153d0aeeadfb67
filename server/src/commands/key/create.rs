//! `konektor-server key create`

use anyhow::{Result, bail};
use clap::{ArgGroup, builder::PossibleValuesParser};
use jiff::Timestamp;
use konektor_spec::Spec;
use serde_json::json;

use super::issue::{Grant, issue, known_scopes};
use crate::{
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        output::fields,
        usage::UsageError,
        workspace::new_workspace::parse_name,
    },
    domain::{
        address::{AddressError, Allowlist},
        time,
    },
};

/// Create an API key and print it once
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("scopes").required(true).args(["scope", "all_scopes"])),
    after_help = "\
Examples:
  konektor-server key create --workspace ID --all-scopes
  konektor-server key create --workspace ID --name reports --scope agent.analytics.read --expires-at 2027-01-01T00:00:00Z
  konektor-server key create --workspace ID --all-scopes --ip-allow 203.0.113.0/24 --ip-allow 2001:db8::/32"
)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// The name of the key
    #[arg(long, default_value = "API key", value_parser = parse_name)]
    name: String,
    /// A scope of the key; can be repeated
    #[arg(long, value_parser = PossibleValuesParser::new(known_scopes()))]
    scope: Vec<String>,
    /// Give the key all scopes
    #[arg(long)]
    all_scopes: bool,
    /// An address or range that the key may be used from; can be repeated [default: anywhere]
    #[arg(long, value_name = "ADDR_OR_CIDR", value_parser = parse_address)]
    ip_allow: Vec<String>,
    /// When the key expires, e.g. 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_at: Option<Timestamp>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    if args
        .expires_at
        .is_some_and(|end| end <= context.clock.now())
    {
        bail!(UsageError("--expires-at must be in the future".to_owned()));
    }
    let store = args.database.open(context).await?;
    let workspace = database::workspace(&store, &args.workspace).await?;
    let scopes = known_scopes()
        .into_iter()
        .filter(|known| args.all_scopes || args.scope.iter().any(|scope| scope == known))
        .map(str::to_owned)
        .collect();
    let grant = Grant {
        name: args.name,
        scopes,
        ip_allow: args.ip_allow,
        expires_at: args.expires_at,
    };
    let scopes = grant.scopes.join(" ");
    let key = issue(&store, &workspace, grant, context).await?;

    if Spec::builtin()
        .requests_per_minute(&workspace.plan)
        .is_none()
    {
        eprintln!(
            "note: plan {} has no Agent API; requests with this key return 403 until the plan changes",
            workspace.plan
        );
    }
    let text = key.text();
    context
        .output
        .print(&json!({ "keyId": key.id(), "apiKey": *text }), || {
            fields([
                ("key", format!("{}   (shown only once)", *text)),
                ("id", key.id().to_owned()),
                (
                    "workspace",
                    format!("{} ({})", workspace.id, workspace.name),
                ),
                ("scopes", scopes),
            ])
        })?;
    Ok(())
}

fn parse_address(entry: &str) -> Result<String, AddressError> {
    Allowlist::parse([entry]).map(|list| list.to_string())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map(time::whole_millis)
        .map_err(|_| "not a time such as 2027-01-01T00:00:00Z (RFC 3339)".to_owned())
}
