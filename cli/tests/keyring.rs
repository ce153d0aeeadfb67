//! A keyring that does not answer.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers fail the test that calls them")]

mod support;

use std::{
    os::unix::net::UnixListener,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use konektor_testing::KEY;
use support::Api;
use tempfile::TempDir;

/// A session whose bus takes every connection and answers nothing.
struct Session {
    api: Api,
    folder: TempDir,
}

impl Session {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = UnixListener::bind(folder.path().join("bus")).unwrap();
        thread::spawn(move || {
            // They stay open as long as the test runs.
            let connections: Vec<_> = bus.incoming().map_while(Result::ok).collect();
            drop(connections);
        });
        let api = Api::documented("leads_list");
        Self { api, folder }
    }

    fn konektor(&self, line: &str) -> Command {
        let mut konektor = Command::new(env!("CARGO_BIN_EXE_konektor"));
        let bus = self.folder.path().join("bus");
        konektor
            .args(line.split(' ').skip(1))
            .env_clear()
            .env("HOME", self.folder.path())
            .env(
                "DBUS_SESSION_BUS_ADDRESS",
                format!("unix:path={}", bus.display()),
            )
            .env("KONEKTOR_BASE_URL", self.api.server.uri());
        konektor
    }
}

fn timed(mut program: Command) -> (Output, Duration) {
    let started = Instant::now();
    (program.output().unwrap(), started.elapsed())
}

const TOLD: &str = "the keyring is locked or does not answer";

#[test]
fn a_deaf_keyring_is_told_within_seconds() {
    let session = Session::new();
    thread::scope(|scope| {
        for (line, code) in [
            ("konektor leads list", 4),
            ("konektor leads list -o json", 4),
            ("konektor leads export -", 4),
            ("konektor config list", 0),
            ("konektor doctor", 4),
            ("konektor auth status", 4),
            ("konektor auth logout", 4),
            ("konektor auth logout --dry-run", 4),
            ("konektor auth login --dry-run", 4),
        ] {
            let session = &session;
            let program = session.konektor(line);
            scope.spawn(move || {
                let (output, took) = timed(program);
                let text = [output.stdout, output.stderr].concat();
                let text = String::from_utf8_lossy(&text);
                assert_eq!(output.status.code(), Some(code), "{line}: {text}");
                assert!(text.contains(TOLD), "{line}: {text}");
                assert!(
                    text.contains("KONEKTOR_API_KEY, or KONEKTOR_KEY_STORE=file"),
                    "{line}: {text}"
                );
                // It takes four, on a machine that has nothing else to do.
                assert!(took < Duration::from_secs(15), "{line} took {took:?}");
            });
        }
    });
}

#[test]
fn who_needs_no_keyring_does_not_wait_for_it() {
    let session = Session::new();
    for (line, variable, code) in [
        ("konektor leads list", ("KONEKTOR_API_KEY", KEY), 0),
        ("konektor config list", ("KONEKTOR_API_KEY", KEY), 0),
        ("konektor leads list", ("KONEKTOR_KEY_STORE", "file"), 4),
        ("konektor config list", ("KONEKTOR_KEY_STORE", "file"), 0),
        ("konektor version", ("KONEKTOR_OUTPUT", "json"), 0),
        ("konektor completion bash", ("KONEKTOR_OUTPUT", "json"), 0),
    ] {
        let mut program = session.konektor(line);
        program.env(variable.0, variable.1);
        let (output, took) = timed(program);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
        assert!(!stderr.contains("keyring"), "{line}: {stderr}");
        assert!(took < Duration::from_secs(3), "{line} took {took:?}");
    }
}
