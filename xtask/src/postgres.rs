//! A throw-away PostgreSQL server, and `cargo xtask postgres`, which runs a command beside one.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use tempfile::TempDir;

use crate::{
    debian,
    process::{self, Group},
};

/// Where the tests look for their PostgreSQL.
pub(crate) const TEST_URL: &str = "KONEKTOR_TEST_POSTGRES_URL";

/// How long a server may take to accept its first connection.
const START: Duration = Duration::from_mins(1);

/// The arguments of `cargo xtask postgres`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The command, for example: cargo test -p konektor-tests
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Runs the given command while a throw-away server is up.
pub(crate) fn run(args: &Args) -> Result<()> {
    install()?;
    let postgres = Postgres::start()?;
    let [program, arguments @ ..] = args.command.as_slice() else {
        return Ok(());
    };
    process::run(
        Command::new(program)
            .args(arguments)
            .env(TEST_URL, postgres.url()),
    )
}

/// Installs PostgreSQL if it is missing and may be installed.
pub(crate) fn install() -> Result<()> {
    if is_installed() {
        Ok(())
    } else {
        debian::install(&[debian::POSTGRESQL])
    }
}

/// Whether a server can be started on this machine.
pub(crate) fn is_installed() -> bool {
    programs().is_some()
}

/// A PostgreSQL server on a free port of 127.0.0.1, with user `postgres`, no password and
/// everything in a temporary directory. Dropping it ends the server and removes the directory.
pub(crate) struct Postgres {
    process: Group,
    directory: TempDir,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts a server for it. Reaches nothing outside this machine.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not start; then with what it has logged.
    pub(crate) fn start() -> Result<Self> {
        let programs = programs().context("PostgreSQL is not installed")?;
        let account = Account::for_server()?;
        let directory = tempfile::Builder::new().prefix("konektor-pg").tempdir()?;
        if let Some(account) = &account {
            chown(directory.path(), Some(account.user), Some(account.group))?;
        }
        let server = Server {
            programs,
            account,
            directory: directory.path(),
        };

        server.make_cluster()?;
        let port = free_port()?;
        let process = server.start(port)?;
        Ok(Self {
            process,
            directory,
            port,
        })
    }

    /// The URL of the server's own database.
    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// Leaves the server running and its directory in place, and says how to end it.
    pub(crate) fn keep(self) {
        let url = self.url();
        let process = self.process.id();
        self.process.release();
        let directory = self.directory.keep();
        println!(
            "kept      {url}\n          data and log in {}",
            directory.display()
        );
        println!("          to end it: kill {process}");
    }
}

struct Server<'a> {
    programs: PathBuf,
    account: Option<Account>,
    directory: &'a Path,
}

impl Server<'_> {
    /// With the collation of a language where there is one (ICU, since version 15): an order that
    /// is right only under `C` must not pass here and fail at a customer's.
    fn make_cluster(&self) -> Result<()> {
        let mut initdb = self.command("initdb");
        initdb.args([
            "--pgdata=data",
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
        ]);
        initdb.args(["--no-locale", "--encoding=UTF8"]);
        if self.version()? >= 15 {
            initdb.args(["--locale-provider=icu", "--icu-locale=id-ID"]);
        }
        process::read(&mut initdb).context("making a PostgreSQL cluster")?;
        Ok(())
    }

    fn start(&self, port: u16) -> Result<Group> {
        let log = fs::File::create(self.directory.join("log"))?;
        let mut postgres = self.command("postgres");
        postgres
            .args(["-D", "data", "-p", &port.to_string()])
            .stdout(log.try_clone()?)
            .stderr(log);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=.",
            "max_connections=300",
            // Nothing here outlives the run, so nothing has to survive a power cut.
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
            "wal_level=minimal",
            "max_wal_senders=0",
        ] {
            postgres.args(["-c", setting]);
        }
        let mut process = Group::spawn(&mut postgres, Signal::QUIT)?;
        self.wait_until_ready(&mut process, port)?;
        Ok(process)
    }

    fn wait_until_ready(&self, process: &mut Group, port: u16) -> Result<()> {
        let started = Instant::now();
        let port = port.to_string();
        while !process::succeeds(self.command("pg_isready").args([
            "--host=127.0.0.1",
            "--port",
            &port,
        ])) {
            process::check_interrupted()?;
            if process.has_ended()? || started.elapsed() > START {
                let log = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
                bail!("the throw-away PostgreSQL does not start:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// The major version.
    fn version(&self) -> Result<u32> {
        let text = process::read(self.command("initdb").arg("--version"))?;
        text.split(|letter: char| !letter.is_ascii_digit())
            .find(|part| !part.is_empty())
            .and_then(|major| major.parse().ok())
            .with_context(|| format!("no version in {text:?}"))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.directory);
        for (name, _) in env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(&name);
            }
        }
        if let Some(account) = &self.account {
            command.uid(account.user).gid(account.group);
        }
        command
    }
}

/// Whom the server runs as when this runs as root, which PostgreSQL refuses.
struct Account {
    user: u32,
    group: u32,
}

impl Account {
    fn for_server() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let name = ["postgres", "nobody"]
            .into_iter()
            .find(|name| process::succeeds(Command::new("id").arg(name)))
            .context("PostgreSQL does not run as root, and there is no user postgres or nobody")?;
        let number = |of: &str| -> Result<u32> {
            Ok(process::read(Command::new("id").args([of, name]))?.parse()?)
        };
        Ok(Some(Self {
            user: number("-u")?,
            group: number("-g")?,
        }))
    }
}

/// The directory of the newest PostgreSQL. Debian keeps the server's programs out of `PATH`.
fn programs() -> Option<PathBuf> {
    let debian = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        versions
            .filter_map(|version| version.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .max()
            .map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")))
    };
    let in_path = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect::<Vec<_>>();
    debian().into_iter().chain(in_path).find(|directory| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|program| directory.join(program).is_file())
    })
}

/// A port of 127.0.0.1 that nobody listens on just now.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
