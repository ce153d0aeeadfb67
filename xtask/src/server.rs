//! A throw-away konektor-server: the real program, on a free port.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::{
    postgres::free_port,
    process::{self, Group},
};

/// How long a server may take until it is ready.
const START: Duration = Duration::from_secs(30);

/// A running server. Dropping it ends it.
pub(crate) struct Server {
    address: SocketAddr,
    database_url: String,
    master_key: String,
    process: Option<Group>,
    program: PathBuf,
}

impl Server {
    /// Starts `program` on the database at `database_url`, under a new master key, and waits until
    /// it is ready. Its log goes to the file `log`.
    pub(crate) fn start(program: &Path, database_url: &str, log: &Path) -> Result<Self> {
        let mut server = Self {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)),
            database_url: database_url.to_owned(),
            master_key: process::read(Command::new(program).arg("keygen"))?,
            process: None,
            program: program.to_owned(),
        };
        let log_file = std::fs::File::create(log)?;
        let mut serve = server.command();
        serve.args(["serve", "--listen", &server.address.to_string()]);
        serve.stdout(log_file.try_clone()?).stderr(log_file);
        let mut process = Group::spawn(&mut serve, Signal::TERM)?;
        server.wait_until_ready(&mut process, log)?;
        server.process = Some(process);
        Ok(server)
    }

    /// The base of every operation's URL.
    pub(crate) fn api_url(&self) -> String {
        format!("http://{}/api/v2/agent", self.address)
    }

    /// The program, to be given a command of its own that works on the same database.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .env("KONEKTOR_DATABASE_URL", &self.database_url)
            .env("KONEKTOR_MASTER_KEY", &self.master_key)
            .env_remove("KONEKTOR_MASTER_KEY_FILE")
            .env_remove("KONEKTOR_PUBLIC_URL");
        command
    }

    /// Runs a command with `--json` and returns one string of the object that it prints.
    pub(crate) fn ask(&self, arguments: &[&str], field: &str) -> Result<String> {
        let printed = process::read(self.command().args(arguments).arg("--json"))?;
        let object: serde_json::Value = serde_json::from_str(&printed)?;
        let value = object[field]
            .as_str()
            .with_context(|| format!("no {field} was printed"))?;
        Ok(value.to_owned())
    }

    fn wait_until_ready(&self, process: &mut Group, log: &Path) -> Result<()> {
        let started = Instant::now();
        while !self.is_ready().unwrap_or(false) {
            process::check_interrupted()?;
            if process.has_ended()? || started.elapsed() > START {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                bail!("the server does not start:\n{log}");
            }
            thread::sleep(Duration::from_millis(50));
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
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer.split(' ').nth(1) == Some("200"))
    }
}
