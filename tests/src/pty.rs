//! A real terminal, and somebody who types into it.

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    process::{Signal, kill_process_group},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, Winsize, tcgetattr, tcgetpgrp, tcsetwinsize},
};
use tokio::process::{Child, Command};

/// A program that believes a person sits before it.
pub struct Pty {
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    child: Child,
}

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

#[expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a terminal that does not work fails the test"
)]
impl Pty {
    /// Starts a program in a terminal of 100 columns that is its controlling one.
    #[must_use]
    pub fn start(program: &Command) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        // A program that had the other end too would never hear that a test has gone.
        fcntl_setfd(&master, FdFlags::CLOEXEC).expect("a terminal");
        grantpt(&master).expect("a terminal");
        unlockpt(&master).expect("a terminal");
        let name = ptsname(&master, Vec::new()).expect("its name");
        let name = name.to_str().expect("its name").to_owned();
        let size = Winsize {
            ws_row: 40,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&master, size).expect("a size");
        let slave = || {
            let file = OpenOptions::new().read(true).write(true).open(&name);
            Stdio::from(OwnedFd::from(file.expect("the terminal")))
        };
        let program = program.as_std();
        let mut inside = Command::new("setsid");
        inside
            .args(["--ctty", "--wait"])
            .arg(program.get_program())
            .args(program.get_args());
        for (variable, value) in program.get_envs() {
            match value {
                Some(value) => inside.env(variable, value),
                None => inside.env_remove(variable),
            };
        }
        let child = inside
            .env("TERM", "xterm")
            .stdin(slave())
            .stdout(slave())
            .stderr(slave())
            .kill_on_drop(true)
            .spawn()
            .expect("it starts");
        let keyboard = File::from(master);
        let mut reader = keyboard.try_clone().expect("the terminal");
        let screen = Arc::new(Mutex::new(Vec::new()));
        let shown = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut part = [0; 4096];
            // The end is an error on Linux.
            while let Ok(length @ 1..) = reader.read(&mut part) {
                shown
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .extend_from_slice(&part[..length]);
            }
        });
        Self {
            keyboard,
            screen,
            child,
        }
    }

    /// All that was shown until now.
    #[must_use]
    pub fn shown(&self) -> String {
        let screen = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&screen).into_owned()
    }

    /// Waits until this is shown.
    pub async fn wait_for(&self, text: &str) {
        let end = Instant::now() + PATIENCE;
        while !self.shown().contains(text) {
            assert!(Instant::now() < end, "no {text:?} in {:?}", self.shown());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Whether it shows what is typed, as terminals do.
    #[must_use]
    pub fn echoes(&self) -> bool {
        let modes = tcgetattr(&self.keyboard).expect("a terminal").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Sends a signal to the program that has the terminal.
    pub fn signal(&self, signal: Signal) {
        let program = tcgetpgrp(&self.keyboard).expect("a program");
        kill_process_group(program, signal).expect("it can be told");
    }

    /// Types.
    pub fn type_in(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .expect("a keyboard");
    }

    /// Waits until the program ends.
    pub async fn end(&mut self) -> ExitStatus {
        let end = tokio::time::timeout(PATIENCE, self.child.wait()).await;
        let status = end.expect("it ends").expect("it ends");
        // What it wrote last may be on its way.
        tokio::time::sleep(Duration::from_millis(50)).await;
        status
    }
}

/// Sends a signal to a program.
///
/// # Panics
/// When it has ended already.
#[expect(clippy::expect_used, reason = "this is how a test fails")]
pub fn signal(child: &Child, signal: Signal) {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let pid = id
        .and_then(rustix::process::Pid::from_raw)
        .expect("a running program");
    rustix::process::kill_process(pid, signal).expect("it can be told");
}
