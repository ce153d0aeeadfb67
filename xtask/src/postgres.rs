//! A throwaway PostgreSQL server, and `cargo xtask postgres`, which runs a command with one.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{
    debian,
    process::{self, Group},
};

/// The environment variable that tells the tests which PostgreSQL to use.
pub(crate) const TEST_URL: &str = "KONEKTOR_TEST_POSTGRES_URL";

/// How long a server may take to accept its first connection.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The arguments of `cargo xtask postgres`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Command to run, for example: cargo test -p konektor-tests
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

/// Runs a command while a throwaway server is running.
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

/// Installs PostgreSQL if it is missing.
pub(crate) fn install() -> Result<()> {
    if is_installed() {
        Ok(())
    } else {
        debian::install(&[debian::POSTGRESQL])
    }
}

/// Whether PostgreSQL is installed.
pub(crate) fn is_installed() -> bool {
    programs().is_some()
}

/// A PostgreSQL server on a free port of 127.0.0.1, with user `postgres` and no password.
///
/// Its data is in a temporary directory. Dropping it stops the server and removes the directory.
pub(crate) struct Postgres {
    process: Group,
    cluster: Cluster,
    port: u16,
}

impl Postgres {
    /// Creates a cluster and starts its server, without durable commits.
    ///
    /// # Errors
    ///
    /// If PostgreSQL is not installed or does not start. The error contains the log.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(Durability::Off)
    }

    /// Like [`Self::start`], but commits are durable, as by default.
    pub(crate) fn start_durable() -> Result<Self> {
        Self::start_with(Durability::On)
    }

    fn start_with(durability: Durability) -> Result<Self> {
        let cluster = Cluster::create(durability)?;
        let port = free_port()?;
        let process = cluster.start(port)?;
        Ok(Self {
            process,
            cluster,
            port,
        })
    }

    /// The port that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the database `postgres`.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Stops the server immediately, without a clean shutdown.
    pub(crate) fn crash(&mut self) -> Result<()> {
        self.process.signal(Signal::QUIT)?;
        let ended = self.process.wait_timeout(START_TIMEOUT)?;
        ended.context("PostgreSQL did not exit").map(drop)
    }

    /// Restarts the server after [`Self::crash`].
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.process = self.cluster.start(self.port)?;
        Ok(())
    }

    /// Suspends all processes of the server until the returned guard is dropped.
    pub(crate) fn freeze(&self) -> Result<Frozen> {
        let frozen = Frozen(self.process_ids()?);
        frozen.signal(Signal::STOP);
        Ok(frozen)
    }

    /// The processes of the server, including those of its connections, which have their own groups.
    fn process_ids(&self) -> Result<Vec<Pid>> {
        let leader = self.process.id();
        let children = fs::read_to_string(format!("/proc/{leader}/task/{leader}/children"))?;
        let ids = children.split_whitespace().map(str::to_owned);
        ids.chain([leader.to_string()])
            .map(|id| Pid::from_raw(id.parse()?).context("invalid process id"))
            .collect()
    }

    /// Keeps the server running, and prints its URL and how to stop it.
    pub(crate) fn keep(self) {
        let url = self.url();
        let process = self.process.id();
        self.process.release();
        let directory = self.cluster.directory.keep();
        println!(
            "kept      {url}\n          data and log in {}",
            directory.display()
        );
        println!("          stop it with: kill {process}");
    }
}

/// The URL of the database `postgres` on `port` of 127.0.0.1.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Suspended processes. Dropping this resumes them.
pub(crate) struct Frozen(Vec<Pid>);

impl Frozen {
    fn signal(&self, signal: Signal) {
        for id in &self.0 {
            // The process of a closed connection no longer exists.
            let _ = kill_process(*id, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

/// Whether commits survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durability {
    Off,
    On,
}

struct Cluster {
    programs: PathBuf,
    account: Option<Account>,
    directory: TempDir,
    durability: Durability,
}

impl Cluster {
    /// Creates a cluster with a linguistic collation where that is supported (ICU, since version 15), so
    /// that tests do not depend on the `C` collation.
    fn create(durability: Durability) -> Result<Self> {
        let cluster = Self {
            programs: programs().context("PostgreSQL is not installed")?,
            account: Account::for_server()?,
            directory: tempfile::Builder::new().prefix("konektor-pg").tempdir()?,
            durability,
        };
        if let Some(account) = &cluster.account {
            let directory = cluster.directory.path();
            chown(directory, Some(account.user), Some(account.group))?;
        }
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "--pgdata=data",
            "--username=postgres",
            "--auth=trust",
            "--no-sync",
        ]);
        initdb.args(["--no-locale", "--encoding=UTF8"]);
        if cluster.version()? >= 15 {
            initdb.args(["--locale-provider=icu", "--icu-locale=id-ID"]);
        }
        process::read(&mut initdb).context("creating a PostgreSQL cluster")?;
        Ok(cluster)
    }

    fn start(&self, port: u16) -> Result<Group> {
        let log = fs::File::create(self.directory.path().join("log"))?;
        let mut postgres = self.command("postgres");
        postgres
            .args(["-D", "data", "-p", &port.to_string()])
            .stdout(log.try_clone()?)
            .stderr(log);
        let settings = [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=.",
            "max_connections=300",
            "wal_level=minimal",
            "max_wal_senders=0",
        ];
        // The data does not outlive the run.
        let not_durable = [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ];
        let not_durable = not_durable
            .iter()
            .filter(|_| self.durability == Durability::Off);
        for setting in settings.iter().chain(not_durable) {
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
            if process.has_exited()? || started.elapsed() > START_TIMEOUT {
                let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
                bail!("the throwaway PostgreSQL did not start:\n{log}");
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
            .with_context(|| format!("no version number in {text:?}"))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(&self.directory);
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

/// The user that the server runs as if this runs as root, because PostgreSQL refuses to run as root.
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
            .context("PostgreSQL cannot run as root, and there is no user postgres or nobody")?;
        let id = |option: &str| -> Result<u32> {
            Ok(process::read(Command::new("id").args([option, name]))?.parse()?)
        };
        Ok(Some(Self {
            user: id("-u")?,
            group: id("-g")?,
        }))
    }
}

/// The directory of the server's programs, of the newest version. On Debian they are not in `PATH`.
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

/// Returns a free port of 127.0.0.1.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
