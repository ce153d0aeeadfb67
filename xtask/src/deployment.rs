//! A server with everything it needs: a database, a workspace and a key that may do everything.

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

/// A kind of database.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// A file
    Sqlite,
    /// A server of its own
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

/// Builds the server as it is given to people.
pub(crate) fn build_server() -> Result<PathBuf> {
    process::run(cargo::cargo("build").args([
        "--release",
        "--locked",
        "--bin",
        "konektor-server",
    ]))?;
    Ok(paths::target()?.join("release/konektor-server"))
}

/// An empty database that goes away with this value.
pub(crate) enum Database {
    /// The folder of its file.
    Sqlite(TempDir),
    /// Its server.
    Postgres(Postgres),
}

impl Database {
    /// Makes one; on PostgreSQL one that keeps what it has acknowledged.
    pub(crate) fn start(engine: Engine) -> Result<Self> {
        Ok(match engine {
            Engine::Sqlite => Self::Sqlite(folder()?),
            Engine::Postgres => {
                postgres::install()?;
                Self::Postgres(Postgres::start_durable()?)
            }
        })
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => sqlite_url(folder.path()),
            Self::Postgres(postgres) => postgres.url(),
        }
    }
}

/// The URL of a file in this folder.
pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join("konektor.db").display())
}

/// A server on a database, with a workspace that may send as fast as it can.
pub(crate) struct Deployment {
    pub(crate) server: Server,
    pub(crate) api_key: String,
    workspace: String,
    folder: TempDir,
}

impl Deployment {
    /// Starts `program` on the database, with so many open files if it matters.
    pub(crate) fn start(
        program: &Path,
        database_url: &str,
        open_files: Option<u32>,
    ) -> Result<Self> {
        let folder = folder()?;
        let log = folder.path().join("server.log");
        let server = Server::start(program, database_url, &log, open_files)?;
        let create = ["workspace", "create", "--name", "Uji", "--plan", "custom"];
        let unhindered = ["--requests-per-minute", "1000000"];
        let workspace = server.ask(&[&create[..], &unhindered].concat(), "workspaceId")?;
        let create = ["key", "create", "--workspace", &workspace, "--all-scopes"];
        let api_key = server.ask(&create, "apiKey")?;
        Ok(Self {
            server,
            api_key,
            workspace,
            folder,
        })
    }

    /// A key that is well formed and good no more.
    pub(crate) fn revoked_key(&self) -> Result<String> {
        let create = [
            "key",
            "create",
            "--workspace",
            &self.workspace,
            "--all-scopes",
        ];
        let key = self.server.ask(&create, "apiKey")?;
        process::read(
            self.server
                .command()
                .args(["key", "revoke", &key, "--json"]),
        )?;
        Ok(key)
    }

    /// Makes so many leads up.
    pub(crate) fn seed(&self, leads: u32) -> Result<()> {
        let mut seed = self.server.command();
        seed.args(["seed", "--workspace", &self.workspace]);
        process::run(seed.args(["--leads", &leads.to_string()]))
    }

    /// Where the server's log is.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new()
        .prefix("konektor-deployment")
        .tempdir()?)
}
