//! A konektor-server process on a free port.

use std::{
    fs::{self, File},
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::{Command, ExitStatus},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{
    postgres::free_port,
    process::{self, Group},
};

/// How long a server may take to become ready.
const READY_TIMEOUT: Duration = Duration::from_secs(30);

/// A server process. Dropping it stops the process.
pub(crate) struct Server {
    address: SocketAddr,
    database_url: String,
    log: PathBuf,
    master_key: String,
    open_files: Option<u32>,
    process: Option<Group>,
    program: PathBuf,
}

impl Server {
    /// Starts `program` with a new master key and waits until it is ready.
    ///
    /// `open_files` limits its open files; by default it inherits the limit of this process.
    pub(crate) fn start(
        program: &Path,
        database_url: &str,
        log: &Path,
        open_files: Option<u32>,
    ) -> Result<Self> {
        let mut server = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)),
            database_url: database_url.to_owned(),
            log: log.to_owned(),
            master_key: process::read(Command::new(program).arg("keygen"))?,
            open_files,
            process: None,
            program: program.to_owned(),
        };
        server.restart()?;
        Ok(server)
    }

    /// Starts the process again on the same address. Returns how long it took to become ready.
    pub(crate) fn restart(&mut self) -> Result<Duration> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let mut serve = match self.open_files {
            None => self.command(),
            Some(files) => {
                let mut shell = self.environment(Command::new("sh"));
                let limited = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
                shell.args(["-c", &limited]).arg(&self.program);
                shell
            }
        };
        serve.args(["serve", "--listen", &self.address.to_string()]);
        serve.stdout(log.try_clone()?).stderr(log);
        let started = Instant::now();
        let mut process = Group::spawn(&mut serve, Signal::TERM)?;
        self.wait_until_ready(&mut process)?;
        self.process = Some(process);
        Ok(started.elapsed())
    }

    /// Sends SIGKILL.
    pub(crate) fn kill(&self) -> Result<()> {
        let process = self.process.as_ref().context("the server is not running")?;
        process.signal(Signal::KILL)
    }

    /// Sends SIGTERM.
    pub(crate) fn terminate(&self) -> Result<()> {
        let process = self.process.as_ref().context("the server is not running")?;
        process.signal(Signal::TERM)
    }

    /// Waits for the process to exit. Returns `None` on a timeout.
    pub(crate) fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<ExitStatus>> {
        let process = self.process.as_mut().context("the server is not running")?;
        process.wait_timeout(timeout)
    }

    /// The address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CPU time of its running threads so far.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let process = self
            .process
            .as_ref()
            .context("the server is not running")?
            .id();
        let mut total = Duration::ZERO;
        for task in fs::read_dir(format!("/proc/{process}/task"))? {
            // The thread may have ended meanwhile.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else {
                continue;
            };
            let nanoseconds = text.split(' ').next().and_then(|n| n.parse().ok());
            total += Duration::from_nanos(nanoseconds.context("schedstat has no number")?);
        }
        Ok(total)
    }

    /// Its current and its peak resident memory, in KiB.
    pub(crate) fn memory(&self) -> Result<(u64, u64)> {
        let process = self
            .process
            .as_ref()
            .context("the server is not running")?
            .id();
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
            number.with_context(|| format!("/proc has no field {name}"))
        };
        Ok((field("VmRSS:")?, field("VmHWM:")?))
    }

    /// The base URL of the API.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}/api/v2/agent", self.address)
    }

    /// Builds a command of the same program on the same database.
    pub(crate) fn command(&self) -> Command {
        self.environment(Command::new(&self.program))
    }

    fn environment(&self, mut command: Command) -> Command {
        command
            .env("KONEKTOR_DATABASE_URL", &self.database_url)
            .env("KONEKTOR_MASTER_KEY", &self.master_key)
            .env_remove("KONEKTOR_MASTER_KEY_FILE")
            .env_remove("KONEKTOR_PUBLIC_URL");
        command
    }

    /// Runs a command with `--json` and returns a string field of its output.
    pub(crate) fn run_json(&self, arguments: &[&str], field: &str) -> Result<String> {
        let printed = process::read(self.command().args(arguments).arg("--json"))?;
        let object: serde_json::Value = serde_json::from_str(&printed)?;
        let value = object[field]
            .as_str()
            .with_context(|| format!("the output has no field {field}"))?;
        Ok(value.to_owned())
    }

    fn wait_until_ready(&self, process: &mut Group) -> Result<()> {
        let started = Instant::now();
        while !self.is_ready().unwrap_or(false) {
            process::check_interrupted()?;
            if process.has_exited()? || started.elapsed() > READY_TIMEOUT {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the server did not start:\n{log}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(
            stream,
            "GET /readyz HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        )?;
        let mut response = String::new();
        stream.read_to_string(&mut response)?;
        Ok(response.split(' ').nth(1) == Some("200"))
    }
}
