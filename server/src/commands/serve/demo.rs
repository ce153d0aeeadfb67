//! The content of `serve --demo`: a workspace with plausible leads and a new key.

use std::{fs, path::Path};

use anyhow::{Result, bail};
use konektor_spec::Spec;

use crate::commands::{
    context::Context,
    key::issue::{Grant, issue, known_scopes},
    master_key,
    output::grouped,
    workspace::new_workspace::{CURRENCY, TIME_ZONE, new_workspace},
};
use crate::{
    domain::{api_key::ApiKey, workspace::Workspace},
    seed::SyntheticLeads,
    store::Store,
    vault::MasterKeys,
};

/// The demo has its own database, which never contains real data.
pub(super) const DATABASE_URL: &str = "sqlite:konektor-demo.db";

const DATABASE_FILE: &str = "konektor-demo.db";
const MASTER_KEY_FILE: &str = "konektor-demo.master-key";
const WORKSPACE: &str = "Toko Budi Online";
const PLAN: &str = "pro";
const LEADS: u32 = 2_013;
/// The name by which the key of an earlier start is found.
const KEY: &str = "demo";

/// The demo's workspace and the key that this start created.
pub(super) struct Demo {
    pub(super) workspace: Workspace,
    pub(super) key: ApiKey,
    leads: i64,
}

/// The files that the demo creates. Dropping this removes them, unless they are kept.
pub(super) struct NewFiles(Vec<String>);

impl NewFiles {
    /// Must be called before the demo's database is opened.
    pub(super) fn new() -> Self {
        let database = ["", "-wal", "-shm"].map(|suffix| format!("{DATABASE_FILE}{suffix}"));
        let files = database.into_iter().chain([MASTER_KEY_FILE.to_owned()]);
        Self(files.filter(|file| !Path::new(file).exists()).collect())
    }

    pub(super) fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for NewFiles {
    fn drop(&mut self) {
        for file in &self.0 {
            let _ = fs::remove_file(file); // It may not have been created.
        }
    }
}

/// The demo's own master key, which is created with its database.
pub(super) fn master_key() -> Result<MasterKeys> {
    let key = Path::new(MASTER_KEY_FILE);
    if Path::new(DATABASE_FILE).exists() && !key.exists() {
        bail!(
            "{DATABASE_FILE} is here and its key {MASTER_KEY_FILE} is not: \
             put the key back, or delete the database and start again"
        );
    }
    master_key::read_or_create(key)
}

/// Creates the workspace and its leads unless an earlier start did, revokes the key of that start, and creates a new
/// one.
pub(super) async fn prepare(store: &Store, context: &Context) -> Result<Demo> {
    let known = store.workspaces().await?;
    let workspace = match known.into_iter().find(|known| known.name == WORKSPACE) {
        Some(workspace) => workspace,
        None => create_workspace(store, context).await?,
    };
    let tenant = store.tenant(&workspace).await?;
    if tenant.lead_count().await? == 0 {
        let leads =
            SyntheticLeads::demo(Spec::builtin(), &workspace.id, LEADS, context.clock.now());
        tenant.insert_leads(leads.into_iter(), |_| {}).await?;
    }

    for key in store.api_keys(&workspace.id).await? {
        if key.name == KEY && key.revoked_at.is_none() {
            store.revoke_api_key(&key.id, context.clock.now()).await?;
        }
    }
    let grant = Grant {
        name: KEY.to_owned(),
        scopes: known_scopes().into_iter().map(str::to_owned).collect(),
        ip_allow: Vec::new(),
        expires_at: None,
    };
    let key = issue(store, &workspace, grant, context).await?;
    let leads = tenant.lead_count().await?;
    Ok(Demo {
        workspace,
        key,
        leads,
    })
}

async fn create_workspace(store: &Store, context: &Context) -> Result<Workspace> {
    let workspace = Workspace {
        plan: PLAN.to_owned(),
        timezone: TIME_ZONE.to_owned(),
        currency: CURRENCY.to_owned(),
        ..new_workspace(WORKSPACE, context)
    };
    store.create_workspace(&workspace).await?;
    Ok(workspace)
}

impl Demo {
    pub(super) fn words(&self, url: &str) -> String {
        let Workspace { name, plan, .. } = &self.workspace;
        let (leads, key) = (grouped(self.leads), self.key.text());
        format!(
            "  workspace  {name} · {plan} · {leads} leads
  key        {key}   (all scopes, shown this once)

  next       export KONEKTOR_BASE_URL={url} KONEKTOR_API_KEY={key}
             cargo run --bin konektor -- leads list",
            key = *key
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demos_plan_has_the_agent_api() {
        assert!(Spec::builtin().requests_per_minute(PLAN).is_some());
    }
}
