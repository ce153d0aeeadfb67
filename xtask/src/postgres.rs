//! A throw-away PostgreSQL server, and `cargo xtask postgres`, which runs a command beside one.

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
    cluster: Cluster,
    port: u16,
}

impl Postgres {
    /// Makes a cluster and starts a server for it. Reaches nothing outside this machine.
    ///
    /// # Errors
    ///
    /// When PostgreSQL is not installed or does not start; then with what it has logged.
    pub(crate) fn start() -> Result<Self> {
        Self::start_with(Disk::Ignored)
    }

    /// The same, but what it says is written is on the disk, as it comes.
    pub(crate) fn start_durable() -> Result<Self> {
        Self::start_with(Disk::Waited)
    }

    fn start_with(disk: Disk) -> Result<Self> {
        let cluster = Cluster::make(disk)?;
        let port = free_port()?;
        let process = cluster.start(port)?;
        Ok(Self {
            process,
            cluster,
            port,
        })
    }

    /// The port of 127.0.0.1 that it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The URL of the server's own database.
    pub(crate) fn url(&self) -> String {
        url(self.port)
    }

    /// Ends the server at once, connections and all.
    pub(crate) fn crash(&mut self) -> Result<()> {
        self.process.signal(Signal::QUIT)?;
        let ended = self.process.end_within(START)?;
        ended.context("PostgreSQL does not end").map(drop)
    }

    /// Starts it again after [`Self::crash`].
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.process = self.cluster.start(self.port)?;
        Ok(())
    }

    /// Stops every process of the server where it is, until what this returns is dropped.
    pub(crate) fn freeze(&self) -> Result<Frozen> {
        let frozen = Frozen(self.process_ids()?);
        frozen.signal(Signal::STOP);
        Ok(frozen)
    }

    /// The server's processes, its connections' included, which are no group with it.
    fn process_ids(&self) -> Result<Vec<Pid>> {
        let leader = self.process.id();
        let children = fs::read_to_string(format!("/proc/{leader}/task/{leader}/children"))?;
        let ids = children.split_whitespace().map(str::to_owned);
        ids.chain([leader.to_string()])
            .map(|id| Pid::from_raw(id.parse()?).context("process 0 is nobody's"))
            .collect()
    }

    /// Leaves the server running and its directory in place, and says how to end it.
    pub(crate) fn keep(self) {
        let url = self.url();
        let process = self.process.id();
        self.process.release();
        let directory = self.cluster.directory.keep();
        println!(
            "kept      {url}\n          data and log in {}",
            directory.display()
        );
        println!("          to end it: kill {process}");
    }
}

/// The URL of the own database of a server behind this port of 127.0.0.1.
pub(crate) fn url(port: u16) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/postgres")
}

/// Processes that do nothing, not even end. Dropping it lets them go on.
pub(crate) struct Frozen(Vec<Pid>);

impl Frozen {
    fn signal(&self, signal: Signal) {
        for id in &self.0 {
            // A connection may have ended meanwhile.
            let _ = kill_process(*id, signal);
        }
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

/// Whether what is written has to survive a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Disk {
    Ignored,
    Waited,
}

struct Cluster {
    programs: PathBuf,
    account: Option<Account>,
    directory: TempDir,
    disk: Disk,
}

impl Cluster {
    /// With the collation of a language where there is one (ICU, since version 15): an order that
    /// is right only under `C` must not pass here and fail at a customer's.
    fn make(disk: Disk) -> Result<Self> {
        let cluster = Self {
            programs: programs().context("PostgreSQL is not installed")?,
            account: Account::for_server()?,
            directory: tempfile::Builder::new().prefix("konektor-pg").tempdir()?,
            disk,
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
        process::read(&mut initdb).context("making a PostgreSQL cluster")?;
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
        // For those whose data does not outlive the run.
        let careless = [
            "fsync=off",
            "synchronous_commit=off",
            "full_page_writes=off",
        ];
        let careless = careless.iter().filter(|_| self.disk == Disk::Ignored);
        for setting in settings.iter().chain(careless) {
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
                let log = fs::read_to_string(self.directory.path().join("log")).unwrap_or_default();
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
