//! `konektor-server key revoke`

use anyhow::{Result, bail};
use serde_json::json;

use crate::{
    commands::{context::Context, database::DatabaseArgs},
    domain::api_key::ApiKey,
};

/// Revoke a key permanently; takes effect immediately
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The id of the key (the part between kna_ and the next _), or the whole key
    id: String,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open_without_key(context).await?;
    // A whole key is accepted, so that a leaked key can be revoked as it was found.
    let whole = ApiKey::parse(&args.id);
    let id = whole.as_ref().map_or(&*args.id, ApiKey::id);
    if !store.revoke_api_key(id, context.clock.now()).await? {
        // The message does not repeat the argument, which may be a key that lacks a letter.
        bail!("there is no key with this id; the id is the part between kna_ and the next _");
    }
    context
        .output
        .print(&json!({ "keyId": id, "revoked": true }), || {
            format!("revoked {id}")
        })?;
    Ok(())
}
