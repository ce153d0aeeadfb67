//! `konektor-server key …`

use anyhow::{Result, bail};
use clap::{ArgGroup, Subcommand, builder::PossibleValuesParser};
use jiff::Timestamp;
use konektor_spec::Spec;
use serde_json::{Value, json};

use super::{
    UsageError,
    database::{self, DatabaseArgs},
    output::{self, Output, fields},
};
use crate::{
    clock::Clock,
    domain::{
        address::{AddressError, Allowlist},
        api_key::ApiKey,
        time,
        workspace::Workspace,
    },
    store::{Store, api_keys::StoredKey},
};

/// Make, list and revoke API keys
#[derive(Subcommand)]
pub(super) enum Command {
    Create(Create),
    /// List a workspace's keys, ended ones too
    List {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The workspace's id
        #[arg(long, value_name = "ID")]
        workspace: String,
    },
    /// End a key for good; works at once
    Revoke {
        #[command(flatten)]
        database: DatabaseArgs,
        /// The key's id (what stands between kna_ and the next _), or the whole key
        id: String,
    },
}

/// Make an API key and show it, this once
#[derive(clap::Args)]
#[command(
    group(ArgGroup::new("scopes").required(true).args(["scope", "all_scopes"])),
    after_help = "\
Examples:
  konektor-server key create --workspace ID --all-scopes
  konektor-server key create --workspace ID --name reports --scope agent.analytics.read --expires-at 2027-01-01T00:00:00Z
  konektor-server key create --workspace ID --all-scopes --ip-allow 203.0.113.0/24 --ip-allow 2001:db8::/32"
)]
pub(super) struct Create {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: String,
    /// What people call the key
    #[arg(long, default_value = "API key", value_parser = super::workspace::parse_name)]
    name: String,
    /// What the key may do; may be given several times
    #[arg(long, value_parser = PossibleValuesParser::new(known_scopes()))]
    scope: Vec<String>,
    /// The key may do everything
    #[arg(long)]
    all_scopes: bool,
    /// An address or range it may be used from; may be given several times; from anywhere unless given
    #[arg(long, value_name = "ADDR_OR_CIDR", value_parser = parse_address)]
    ip_allow: Vec<String>,
    /// When it ends by itself, e.g. 2027-01-01T00:00:00Z
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    expires_at: Option<Timestamp>,
}

/// What a new key may do, from where and until when.
pub(super) struct Grant {
    /// What people call it.
    pub(super) name: String,
    /// Scopes of the API document.
    pub(super) scopes: Vec<String>,
    /// Ranges of addresses; empty for anywhere.
    pub(super) ip_allow: Vec<String>,
    /// When it ends by itself.
    pub(super) expires_at: Option<Timestamp>,
}

pub(super) async fn run(command: Command, output: Output, clock: &Clock) -> Result<()> {
    match command {
        Command::Create(args) => create(args, output, clock).await,
        Command::List {
            database,
            workspace,
        } => list(&database, &workspace, output, clock).await,
        Command::Revoke { database, id } => revoke(&database, &id, output, clock).await,
    }
}

async fn create(args: Create, output: Output, clock: &Clock) -> Result<()> {
    if args.expires_at.is_some_and(|end| end <= clock.now()) {
        bail!(UsageError(
            "--expires-at has to be in the future".to_owned()
        ));
    }
    let store = args.database.open().await?;
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
    let key = issue(&store, &workspace, grant, clock).await?;

    if Spec::builtin()
        .requests_per_minute(&workspace.plan)
        .is_none()
    {
        eprintln!(
            "note: plan {} has no Agent API; the key answers 403 until that changes",
            workspace.plan
        );
    }
    let text = key.text();
    output.print(&json!({ "keyId": key.id(), "apiKey": *text }), || {
        fields([
            ("key", format!("{}   (shown this once)", *text)),
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

/// Makes a key and keeps what is needed to know it again.
pub(super) async fn issue(
    store: &Store,
    workspace: &Workspace,
    grant: Grant,
    clock: &Clock,
) -> Result<ApiKey> {
    let key = ApiKey::generate(&mut rand::rng());
    let tenant = store.tenant(workspace).await?;
    let stored = StoredKey {
        id: key.id().to_owned(),
        workspace_id: workspace.id.clone(),
        name: grant.name,
        secret_hash: tenant.keys().api_key_hash(&key).to_vec(),
        scopes: grant.scopes,
        ip_allow: grant.ip_allow,
        expires_at: grant.expires_at,
        revoked_at: None,
        last_used_at: None,
        created_at: clock.now(),
    };
    store.create_api_key(&stored).await?;
    Ok(key)
}

async fn list(
    database: &DatabaseArgs,
    workspace: &str,
    output: Output,
    clock: &Clock,
) -> Result<()> {
    let store = database.open_without_key().await?;
    let workspace = database::workspace(&store, workspace).await?;
    let keys = store.api_keys(&workspace.id).await?;
    let json: Vec<Value> = keys.iter().map(as_json).collect();
    output.print(&json!({ "keys": json }), || {
        if keys.is_empty() {
            return format!("{} ({}) has no keys yet", workspace.id, workspace.name);
        }
        let rows = keys.iter().map(|key| {
            [
                key.id.clone(),
                key.name.clone(),
                state(key, clock),
                key.last_used_at
                    .map_or_else(|| "never".to_owned(), time::format),
                if key.ip_allow.is_empty() {
                    "anywhere".to_owned()
                } else {
                    key.ip_allow.join(" ")
                },
                key.scopes.join(" "),
            ]
        });
        output::table(["ID", "NAME", "STATE", "LAST USED", "FROM", "SCOPES"], rows)
    })?;
    Ok(())
}

async fn revoke(database: &DatabaseArgs, id: &str, output: Output, clock: &Clock) -> Result<()> {
    let store = database.open_without_key().await?;
    // Whoever has only the key itself, as found in a leak, need not take it apart.
    let whole = ApiKey::parse(id);
    let id = whole.as_ref().map_or(id, ApiKey::id);
    if !store.revoke_api_key(id, clock.now()).await? {
        // Not repeated: it may be a key with a letter missing.
        bail!("there is no key with this id, which is what stands between kna_ and the next _");
    }
    output.print(&json!({ "keyId": id, "revoked": true }), || {
        format!("revoked {id}")
    })?;
    Ok(())
}

fn as_json(key: &StoredKey) -> Value {
    json!({
        "keyId": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "ipAllow": key.ip_allow,
        "expiresAt": key.expires_at.map(time::format),
        "revokedAt": key.revoked_at.map(time::format),
        "lastUsedAt": key.last_used_at.map(time::format),
        "createdAt": time::format(key.created_at),
    })
}

fn state(key: &StoredKey, clock: &Clock) -> String {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) => format!("revoked {}", time::format(at)),
        (None, Some(at)) if at <= clock.now() => format!("expired {}", time::format(at)),
        (None, Some(at)) => format!("until {}", time::format(at)),
        (None, None) => "active".to_owned(),
    }
}

/// The scopes of the API document.
pub(super) fn known_scopes() -> Vec<&'static str> {
    let scopes = Spec::builtin().scopes().iter();
    scopes.map(|scope| scope.name.as_str()).collect()
}

fn parse_address(entry: &str) -> Result<String, AddressError> {
    Allowlist::parse([entry]).map(|list| list.to_string())
}

fn parse_time(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map(time::whole_millis)
        .map_err(|_| "no time such as 2027-01-01T00:00:00Z (RFC 3339)".to_owned())
}
