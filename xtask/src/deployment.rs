//! A running server with a database, a workspace and an API key with all scopes.

use std::{
    fmt::{self, Display},
    path::{Path, PathBuf},
};

use anyhow::Result;
use clap::ValueEnum;
use tempfile::TempDir;

use crate::{
    cargo, paths,
    postgres::{self, Postgres},
    process,
    server::Server,
};

/// A database engine.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// SQLite in a temporary file
    Sqlite,
    /// A throwaway PostgreSQL server
    Postgres,
}

impl Display for Engine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Builds the server in release mode and returns the path of the binary.
pub(crate) fn build_server() -> Result<PathBuf> {
    process::run(cargo::cargo("build").args([
        "--release",
        "--locked",
        "--bin",
        "konektor-server",
    ]))?;
    Ok(paths::target()?.join("release/konektor-server"))
}

/// A throwaway database.
pub(crate) enum Database {
    /// The directory of the database file.
    Sqlite(TempDir),
    /// The server.
    Postgres(Postgres),
}

impl Database {
    /// Creates an empty database. PostgreSQL runs with durable commits.
    pub(crate) fn start(engine: Engine) -> Result<Self> {
        Ok(match engine {
            Engine::Sqlite => Self::Sqlite(temp_dir()?),
            Engine::Postgres => {
                postgres::install()?;
                Self::Postgres(Postgres::start_durable()?)
            }
        })
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(directory) => sqlite_url(directory.path()),
            Self::Postgres(postgres) => postgres.url(),
        }
    }
}

/// The URL of a database file in `directory`.
pub(crate) fn sqlite_url(directory: &Path) -> String {
    format!("sqlite:{}", directory.join("konektor.db").display())
}

/// A running server with one workspace, whose rate limit is too high to matter.
pub(crate) struct Deployment {
    pub(crate) server: Server,
    pub(crate) api_key: String,
    workspace: String,
    directory: TempDir,
}

impl Deployment {
    /// Starts `program` on the database, with a limit of open files if one is given.
    pub(crate) fn start(
        program: &Path,
        database_url: &str,
        open_files: Option<u32>,
    ) -> Result<Self> {
        let directory = temp_dir()?;
        let log = directory.path().join("server.log");
        let server = Server::start(program, database_url, &log, open_files)?;
        let create = ["workspace", "create", "--name", "Uji", "--plan", "custom"];
        let unlimited = ["--requests-per-minute", "1000000"];
        let workspace = server.run_json(&[&create[..], &unlimited].concat(), "workspaceId")?;
        let create = ["key", "create", "--workspace", &workspace, "--all-scopes"];
        let api_key = server.run_json(&create, "apiKey")?;
        Ok(Self {
            server,
            api_key,
            workspace,
            directory,
        })
    }

    /// Creates an API key and revokes it.
    pub(crate) fn revoked_key(&self) -> Result<String> {
        let create = [
            "key",
            "create",
            "--workspace",
            &self.workspace,
            "--all-scopes",
        ];
        let key = self.server.run_json(&create, "apiKey")?;
        process::read(
            self.server
                .command()
                .args(["key", "revoke", &key, "--json"]),
        )?;
        Ok(key)
    }

    /// Creates sample leads.
    pub(crate) fn seed(&self, leads: u32) -> Result<()> {
        let mut seed = self.server.command();
        seed.args(["seed", "--workspace", &self.workspace]);
        process::run(seed.args(["--leads", &leads.to_string()]))
    }

    /// The path of the server's log.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }
}

fn temp_dir() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("konektor-deployment")
        .tempdir()?)
}
