//! The database that a command works on.

use anyhow::{Context as _, Result, anyhow, bail};

use super::{context::Context, master_key, usage::program};
use crate::{
    domain::workspace::Workspace,
    settings::{DatabaseSettings, Flag},
    store::{DatabaseUrl, Engine, OpenOptions, SchemaError, SchemaPolicy, Store, StoreError},
    vault::{MasterKeys, Vault},
};

/// The options of all commands that need a database.
#[derive(clap::Args)]
pub(super) struct DatabaseArgs {
    #[arg(
        long,
        value_name = "URL",
        help = "The database: sqlite:FILE or a postgres:// URL [env: KONEKTOR_DATABASE_URL] [default: sqlite:konektor.db]"
    )]
    database_url: Option<String>,
}

impl DatabaseArgs {
    pub(super) fn flags(&self) -> Vec<Flag> {
        let url = self.database_url.clone();
        url.map(|value| Flag {
            flag: "--database-url",
            key: "database.url",
            value,
        })
        .into_iter()
        .collect()
    }

    /// Opens the database for a command that reads or writes personal data or keys.
    pub(super) async fn open(&self, context: &Context) -> Result<Store> {
        let settings = self.settings(context)?;
        let options = OpenOptions::new(SchemaPolicy::RequireCurrent, &settings);
        open(&settings.url, master_key::from_environment()?, options).await
    }

    /// Opens the database for the command that creates the first row. It may be the first command on a new database.
    pub(super) async fn open_or_create(&self, context: &Context) -> Result<Store> {
        let settings = self.settings(context)?;
        let options = OpenOptions::new(SchemaPolicy::CreateIfEmpty, &settings);
        open(&settings.url, master_key::from_environment()?, options).await
    }

    /// Opens the database without a master key, so that an API key can be revoked in a hurry.
    pub(super) async fn open_without_key(&self, context: &Context) -> Result<Store> {
        self.open_with(context, MasterKeys::none()).await
    }

    /// Opens the database with these master keys, without checking that they are the right ones.
    pub(super) async fn open_with(
        &self,
        context: &Context,
        master_keys: MasterKeys,
    ) -> Result<Store> {
        let settings = self.settings(context)?;
        let options = OpenOptions::new(SchemaPolicy::RequireCurrent, &settings);
        connect(&settings.url, master_keys, options).await
    }

    /// Updates the schema, which needs no master key. Returns a description of the database and its engine.
    pub(super) async fn migrate(&self, context: &Context) -> Result<(String, Engine)> {
        let settings = self.settings(context)?;
        let options = OpenOptions::new(SchemaPolicy::Migrate, &settings);
        let store = connect(&settings.url, MasterKeys::none(), options).await?;
        let engine = store.engine();
        store.close().await;
        Ok((describe(&settings.url), engine))
    }

    fn settings(&self, context: &Context) -> Result<DatabaseSettings> {
        context.database_settings(self.flags())
    }
}

/// Opens a database and checks that the master keys are the right ones.
pub(super) async fn open(
    url: &str,
    master_keys: MasterKeys,
    options: OpenOptions,
) -> Result<Store> {
    let store = connect(url, master_keys, options).await?;
    store
        .check_master_keys()
        .await
        .with_context(|| describe(url))?;
    Ok(store)
}

async fn connect(url: &str, master_keys: MasterKeys, options: OpenOptions) -> Result<Store> {
    match Store::open(url, Vault::new(master_keys), options).await {
        // The error says what is wrong, and there is no database to name.
        Err(StoreError::Url(error)) => bail!(error),
        Err(StoreError::Schema(error)) => {
            let (database, advice) = (describe(url), advice(&error));
            bail!("cannot use {database}: {error}; {advice}")
        }
        Err(StoreError::Pooler(error)) => bail!("cannot use {}: {error}", describe(url)),
        opened => opened.with_context(|| format!("cannot open {}", describe(url))),
    }
}

/// What to do about a schema that does not match.
fn advice(error: &SchemaError) -> String {
    let program = program();
    match error {
        SchemaError::Missing => format!(
            "run {program} migrate, or create the first workspace with {program} workspace create"
        ),
        SchemaError::Older => format!("run {program} migrate"),
        SchemaError::Newer(_) => "use that version, or a newer one".to_owned(),
        SchemaError::Foreign => format!(
            "give Konektor a database of its own, or run {program} migrate to create its tables beside the existing ones"
        ),
    }
}

/// The workspace with this id.
pub(super) async fn workspace(store: &Store, id: &str) -> Result<Workspace> {
    store.workspace(id).await?.ok_or_else(|| no_workspace(id))
}

/// The workspace with this id, or all of them.
pub(super) async fn workspaces(store: &Store, id: Option<&str>) -> Result<Vec<Workspace>> {
    match id {
        Some(id) => Ok(vec![workspace(store, id).await?]),
        None => Ok(store.workspaces().await?),
    }
}

pub(super) fn no_workspace(id: &str) -> anyhow::Error {
    let program = program();
    anyhow!("there is no workspace {id:?}; {program} workspace list shows all")
}

/// Describes a database for people: the file, or host and name; never user and password.
pub(super) fn describe(url: &str) -> String {
    url.parse::<DatabaseUrl>()
        .map_or_else(|_| "the database".to_owned(), |url| url.to_string())
}
