//! `konektor-server key list`

use anyhow::Result;
use serde_json::{Value, json};

use crate::{
    clock::Clock,
    commands::{
        context::Context,
        database::{self, DatabaseArgs},
        output,
    },
    domain::time,
    store::api_keys::StoredKey,
};

/// List the keys of a workspace, including expired and revoked ones
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The workspace's id
    #[arg(long, value_name = "ID")]
    workspace: String,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open_without_key(context).await?;
    let workspace = database::workspace(&store, &args.workspace).await?;
    let keys = store.api_keys(&workspace.id).await?;
    let json: Vec<Value> = keys.iter().map(as_json).collect();
    context.output.print(&json!({ "keys": json }), || {
        if keys.is_empty() {
            return format!("{} ({}) has no keys yet", workspace.id, workspace.name);
        }
        let rows = keys.iter().map(|key| {
            [
                key.id.clone(),
                key.name.clone(),
                state(key, &context.clock),
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
