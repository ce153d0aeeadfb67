//! `konektor-server key revoke`

use anyhow::{Result, bail};
use serde_json::json;

use crate::{
    commands::{context::Context, database::DatabaseArgs},
    domain::api_key::ApiKey,
};

/// End a key for good; works at once
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The key's id (what stands between kna_ and the next _), or the whole key
    id: String,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let store = args.database.open_without_key(context).await?;
    // Whoever has only the key itself, as found in a leak, need not take it apart.
    let whole = ApiKey::parse(&args.id);
    let id = whole.as_ref().map_or(&*args.id, ApiKey::id);
    if !store.revoke_api_key(id, context.clock.now()).await? {
        // Not repeated: it may be a key with a letter missing.
        bail!("there is no key with this id, which is what stands between kna_ and the next _");
    }
    context
        .output
        .print(&json!({ "keyId": id, "revoked": true }), || {
            format!("revoked {id}")
        })?;
    Ok(())
}
