//! Which database a command works on, and opening it.

use anyhow::{Context, Result, anyhow, bail};

use super::{master_key, program};
use crate::{
    domain::workspace::Workspace,
    store::{DatabaseUrl, OpenOptions, SchemaError, SchemaPolicy, Store, StoreError},
    vault::{MasterKeys, Vault},
};

/// A file in the working directory.
pub(super) const DEFAULT_URL: &str = "sqlite:konektor.db";

/// The option of all commands that need a database.
#[derive(clap::Args)]
pub(super) struct DatabaseArgs {
    /// The database: sqlite:FILE or a postgres:// URL
    #[arg(
        long,
        value_name = "URL",
        env = "KONEKTOR_DATABASE_URL",
        hide_env_values = true,
        default_value = DEFAULT_URL
    )]
    pub(super) database_url: String,
}

impl DatabaseArgs {
    /// Opens it for a command that reads or writes personal data or keys.
    pub(super) async fn open(&self) -> Result<Store> {
        let policy = SchemaPolicy::RequireCurrent;
        open(&self.database_url, master_key::from_environment()?, policy).await
    }

    /// Opens it for the command that makes the first row, which may be the first to use a new database.
    pub(super) async fn open_or_create(&self) -> Result<Store> {
        let policy = SchemaPolicy::CreateIfEmpty;
        open(&self.database_url, master_key::from_environment()?, policy).await
    }

    /// Opens it for a command that needs no key: whoever has to revoke an API key in a hurry needs no other.
    pub(super) async fn open_without_key(&self) -> Result<Store> {
        self.open_with(MasterKeys::none()).await
    }

    /// Opens it with these keys, whether or not they are those it needs.
    pub(super) async fn open_with(&self, master_keys: MasterKeys) -> Result<Store> {
        let policy = SchemaPolicy::RequireCurrent;
        connect(&self.database_url, master_keys, policy).await
    }

    /// Opens it without any key and brings its schema up to date.
    pub(super) async fn migrate(&self) -> Result<Store> {
        let policy = SchemaPolicy::Migrate;
        connect(&self.database_url, MasterKeys::none(), policy).await
    }
}

/// Opens a database and makes sure that the master keys are those it needs.
pub(super) async fn open(
    url: &str,
    master_keys: MasterKeys,
    options: impl Into<OpenOptions>,
) -> Result<Store> {
    let store = connect(url, master_keys, options).await?;
    store
        .check_master_keys()
        .await
        .with_context(|| describe(url))?;
    Ok(store)
}

async fn connect(
    url: &str,
    master_keys: MasterKeys,
    options: impl Into<OpenOptions>,
) -> Result<Store> {
    match Store::open(url, Vault::new(master_keys), options).await {
        // It says what is wrong, and there is nothing to name.
        Err(StoreError::Url(error)) => bail!(error),
        Err(StoreError::Schema(error)) => {
            let (database, advice) = (describe(url), advice(&error));
            bail!("cannot use {database}: {error}; {advice}")
        }
        Err(StoreError::Pooler(error)) => bail!("cannot use {}: {error}", describe(url)),
        opened => opened.with_context(|| format!("cannot open {}", describe(url))),
    }
}

/// What to do about a schema that does not fit.
fn advice(error: &SchemaError) -> String {
    let program = program();
    match error {
        SchemaError::Missing => format!(
            "run {program} migrate, or make its first workspace with {program} workspace create"
        ),
        SchemaError::Older => format!("run {program} migrate"),
        SchemaError::Newer(_) => "use that version, or a newer one".to_owned(),
        SchemaError::Foreign => format!(
            "give Konektor a database of its own, or run {program} migrate to put its tables beside those"
        ),
    }
}

/// The workspace with this id.
pub(super) async fn workspace(store: &Store, id: &str) -> Result<Workspace> {
    store.workspace(id).await?.ok_or_else(|| no_workspace(id))
}

pub(super) fn no_workspace(id: &str) -> anyhow::Error {
    let program = program();
    anyhow!("there is no workspace {id:?}; {program} workspace list shows those there are")
}

/// A database for people: the file, or host and name; never user and password.
pub(super) fn describe(url: &str) -> String {
    url.parse::<DatabaseUrl>()
        .map_or_else(|_| "the database".to_owned(), |url| url.to_string())
}
