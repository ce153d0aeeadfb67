//! The programs of this workspace, as people start them.

use std::{
    io::{BufRead, BufReader, Read},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::{self, JoinHandle},
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Returns a command that starts a program of this workspace, without this process's variables for it.
#[must_use]
pub fn program(name: &str) -> Command {
    let path = path(name);
    assert!(
        path.is_file(),
        "{} is missing: run cargo build --no-default-features --bins",
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
        // Tests do not touch the user's own config files and keyring.
        .env("KONEKTOR_CONFIG_DIR", "/nowhere/konektor")
        .env("KONEKTOR_KEY_STORE", "file")
        .stdin(Stdio::null());
    command
}

/// Cargo puts programs into the parent of the directory with the tests.
fn path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the path of this test");
    let target = test.ancestors().nth(2).expect("a target directory");
    target.join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

/// A running `konektor-server serve --json`. Dropping it kills the process.
pub struct ServerProcess {
    /// `http://127.0.0.1:PORT`
    pub url: String,
    /// The line that it printed when it was ready.
    pub started: Value,
    child: Child,
    log: Option<JoinHandle<String>>,
}

impl ServerProcess {
    /// Starts the server and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready, with its log.
    pub fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut stderr = child.stderr.take().expect("its stderr");
        let log = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).expect("a log in UTF-8");
            text
        });
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its stdout");
        let length = BufReader::new(stdout).read_line(&mut line);
        if length.expect("a line") == 0 {
            let log = log.join().expect("a log");
            panic!("the server did not start: {log}");
        }
        let started: Value = serde_json::from_str(&line).expect("a JSON object");
        let address = started["listen"].as_str().expect("an address");
        Self {
            url: format!("http://{address}"),
            started,
            child,
            log: Some(log),
        }
    }

    /// The peak resident memory so far, in KiB.
    #[must_use]
    pub fn peak_memory(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("its status");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = peak.and_then(|peak| peak.split_whitespace().next());
        number.expect("a number").parse().expect("a number")
    }

    /// Stops the process with SIGTERM.
    ///
    /// # Panics
    /// When it exits with an error.
    pub fn stop(self) {
        self.stop_with(Signal::TERM);
    }

    /// Stops the process with a signal.
    ///
    /// # Panics
    /// When it exits with an error.
    pub fn stop_with(mut self, signal: Signal) {
        self.end(signal);
    }

    /// Stops the process with SIGTERM and returns its log.
    ///
    /// # Panics
    /// When it exits with an error.
    #[must_use]
    pub fn into_log(mut self) -> String {
        self.end(Signal::TERM)
    }

    fn end(&mut self, signal: Signal) -> String {
        kill_process(Pid::from_child(&self.child), signal).expect("a running process");
        let status = self.child.wait().expect("an exit status");
        let log = self.log.take().and_then(|log| log.join().ok());
        let log = log.expect("a log");
        assert!(status.success(), "{status}: {log}");
        log
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
