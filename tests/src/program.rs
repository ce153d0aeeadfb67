//! The programs of this workspace, as people start them.

use std::{path::PathBuf, process::Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
    task::JoinHandle,
};

use crate::{Database, signal};

/// A program of this workspace, without what this process has in its environment for it.
///
/// # Panics
/// When it has not been built.
#[must_use]
pub fn program(name: &str) -> Command {
    let path = built(name);
    assert!(
        path.is_file(),
        "{} is missing: run cargo build --workspace --bins",
        path.display()
    );
    let mut command = Command::new(path);
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        if name.starts_with("KONEKTOR_") || name.starts_with("RUST_") {
            command.env_remove(variable);
        }
    }
    command
        // Nobody's own profiles, and nobody's own keyring.
        .env("KONEKTOR_CONFIG_DIR", "/nowhere/konektor")
        .env("KONEKTOR_KEY_STORE", "file")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Cargo puts programs beside the folder of the tests.
#[expect(
    clippy::expect_used,
    reason = "a test that does not know where it is cannot go on"
)]
fn built(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.ancestors().nth(2).expect("a target directory");
    target.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// `konektor-server serve`, running.
pub struct ServerProgram {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    child: Child,
    log: JoinHandle<String>,
}

#[expect(
    clippy::expect_used,
    reason = "a server that does not start or stop fails the test"
)]
impl ServerProgram {
    /// Starts it on a database; `log` is what `RUST_LOG` asks for.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(database: &Database, log: &str) -> Self {
        Self::start_with(database, log, &["--listen", "127.0.0.1:0"]).await
    }

    /// Starts it with these arguments, of which one has to say where it listens.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(database: &Database, log: &str, arguments: &[&str]) -> Self {
        Self::start_changed(database, log, |command| {
            command.args(arguments);
        })
        .await
    }

    /// Starts it otherwise than usual; `change` sets arguments, of which one has to say where it listens, and may set
    /// variables.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_changed(
        database: &Database,
        log: &str,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = program("konektor-server");
        command
            .args(["serve", "--json"])
            .args(["--log-format", "json", "--database-url", &database.url])
            .env("KONEKTOR_MASTER_KEY", &*database.master_key.to_base64())
            .env("RUST_LOG", log)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        change(&mut command);
        let mut child = command.spawn().expect("it starts");
        let mut stderr = child.stderr.take().expect("its stderr");
        let log = tokio::spawn(async move {
            let mut text = String::new();
            stderr.read_to_string(&mut text).await.expect("a log");
            text
        });
        let mut lines = BufReader::new(child.stdout.take().expect("its stdout")).lines();
        let Some(line) = lines.next_line().await.expect("a line") else {
            panic_with(&log.await.expect("a log"))
        };
        let started: Value = serde_json::from_str(&line).expect("an object");
        let listen = started["listen"].as_str().expect("an address");
        Self {
            url: format!("http://{listen}"),
            child,
            log,
        }
    }

    /// The most memory it has had so far, in KiB.
    ///
    /// # Panics
    /// When the kernel does not say it.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let id = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = peak.and_then(|peak| peak.split_whitespace().next());
        number.expect("a number").parse().expect("a number")
    }

    /// Tells it to stop, waits until it has, and answers its whole log.
    ///
    /// # Panics
    /// When it ends badly.
    pub async fn stop(mut self) -> String {
        signal(&self.child, Signal::TERM);
        let status = self.child.wait().await.expect("it ends");
        let log = self.log.await.expect("a log");
        assert!(status.success(), "{status}: {log}");
        log
    }
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn panic_with(log: &str) -> ! {
    panic!("the server did not start: {log}")
}
