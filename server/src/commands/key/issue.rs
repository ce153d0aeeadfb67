//! Creation of an API key.

use anyhow::Result;
use jiff::Timestamp;
use konektor_spec::Spec;

use crate::{
    commands::context::Context,
    domain::{api_key::ApiKey, workspace::Workspace},
    store::{Store, api_keys::StoredKey},
};

/// The permissions of a new key.
pub(crate) struct Grant {
    /// The name of the key.
    pub(crate) name: String,
    /// Scopes of the API document.
    pub(crate) scopes: Vec<String>,
    /// Ranges of addresses that the key may be used from; empty for anywhere.
    pub(crate) ip_allow: Vec<String>,
    /// When the key expires.
    pub(crate) expires_at: Option<Timestamp>,
}

/// Creates a key and stores its hash.
pub(crate) async fn issue(
    store: &Store,
    workspace: &Workspace,
    grant: Grant,
    context: &Context,
) -> Result<ApiKey> {
    let key = ApiKey::generate(&mut context.randomness.rng());
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
        created_at: context.clock.now(),
    };
    store.create_api_key(&stored).await?;
    Ok(key)
}

/// The scopes of the API document.
pub(crate) fn known_scopes() -> Vec<&'static str> {
    let scopes = Spec::builtin().scopes().iter();
    scopes.map(|scope| scope.name.as_str()).collect()
}
