//! Which database a command works on, and opening it.

use anyhow::{Context, Result, anyhow};
use url::Url;

use super::{master_key, program};
use crate::{
    domain::workspace::Workspace,
    store::Store,
    vault::{MasterKeys, Vault},
};

/// A file in the working directory.
pub(super) const DEFAULT_URL: &str = "sqlite:konektor.db";

/// The option of all commands that need a database.
#[derive(clap::Args)]
pub(super) struct DatabaseArgs {
    /// The database: sqlite:FILE or a postgres: URL
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
        open(&self.database_url, master_key::from_environment()?).await
    }

    /// Opens it for a command that needs no key: whoever has to revoke an API key in a hurry needs no other.
    pub(super) async fn open_without_key(&self) -> Result<Store> {
        self.open_with(MasterKeys::none()).await
    }

    /// Opens it with these keys, whether or not they are those it needs.
    pub(super) async fn open_with(&self, master_keys: MasterKeys) -> Result<Store> {
        connect(&self.database_url, master_keys).await
    }
}

/// Opens a database and makes sure that the master keys are those it needs.
pub(super) async fn open(url: &str, master_keys: MasterKeys) -> Result<Store> {
    let store = connect(url, master_keys).await?;
    store
        .check_master_keys()
        .await
        .with_context(|| describe(url))?;
    Ok(store)
}

async fn connect(url: &str, master_keys: MasterKeys) -> Result<Store> {
    Store::open(url, Vault::new(master_keys))
        .await
        .with_context(|| format!("cannot open {}", describe(url)))
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
    if let Some(file) = url.strip_prefix("sqlite:") {
        let file = file.split('?').next().unwrap_or_default();
        return file.strip_prefix("//").unwrap_or(file).to_owned();
    }
    match Url::parse(url) {
        Ok(parsed) => {
            let host = parsed.host_str().unwrap_or("localhost");
            let port = parsed
                .port()
                .map_or(String::new(), |port| format!(":{port}"));
            format!("{host}{port}{}", parsed.path())
        }
        Err(_) => "the database".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_described_without_its_password() {
        for (url, expected) in [
            ("sqlite:konektor.db", "konektor.db"),
            (
                "sqlite:///var/lib/konektor.db?mode=rw",
                "/var/lib/konektor.db",
            ),
            (
                "postgres://me:secret@db.example:5433/crm?sslmode=require",
                "db.example:5433/crm",
            ),
            ("postgres:///crm", "localhost/crm"),
            ("mysql", "the database"),
        ] {
            assert_eq!(describe(url), expected);
        }
    }
}
