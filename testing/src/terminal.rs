//! A pseudo-terminal with a program in it.

use std::{
    fs::File,
    io::{Read as _, Write},
    num::NonZero,
    process::Command,
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::{
    process::{Pid, Signal, kill_process_group},
    termios::{LocalModes, tcgetattr},
};

/// How long anything may take before the test fails.
const TIMEOUT: Duration = Duration::from_mins(1);

/// The number of lines of a screen.
const ROWS: NonZero<u16> = NonZero::new(24).expect("not zero");

/// A terminal in which a program runs. Dropping it kills the program.
pub struct Terminal {
    emulator: vt100::Parser,
    output: Vec<u8>,
    received: Receiver<Vec<u8>>,
    keyboard: Box<dyn Write + Send>,
    program: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts a program in a terminal of this many columns, which becomes its controlling terminal.
    #[must_use]
    pub fn start(command: &Command, columns: u16) -> Self {
        let columns = NonZero::new(columns).expect("a number of columns");
        let size = PtySize {
            rows: ROWS.get(),
            cols: columns.get(),
            ..PtySize::default()
        };
        let pty = native_pty_system().openpty(size).expect("a terminal");
        let program = pty.slave.spawn_command(builder(command));
        let mut reader = pty.master.try_clone_reader().expect("a terminal");
        let (send, received) = mpsc::channel();
        thread::spawn(move || {
            let mut part = [0; 4096];
            // Linux reports the end as an error.
            while let Ok(length @ 1..) = reader.read(&mut part) {
                if send.send(part[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self {
            emulator: vt100::Parser::new(ROWS, columns, 1000),
            output: Vec::new(),
            received,
            keyboard: pty.master.take_writer().expect("a terminal"),
            program: program.expect("the program starts"),
            master: pty.master,
        }
    }

    /// Types.
    pub fn type_in(&mut self, keys: &str) {
        // A program that has ended takes no keys.
        let _ = self.keyboard.write_all(keys.as_bytes());
    }

    /// Sends a signal to the foreground process group.
    pub fn signal(&self, signal: Signal) {
        let group = self.master.process_group_leader();
        let group = group.and_then(Pid::from_raw).expect("a running program");
        kill_process_group(group, signal).expect("a running program");
    }

    /// Whether the terminal shows what is typed, edits lines and turns Ctrl-C into a signal, as it does for a shell.
    #[must_use]
    pub fn is_cooked(&self) -> bool {
        let name = self.master.tty_name().expect("the terminal's name");
        let terminal = File::open(name).expect("the terminal");
        let modes = tcgetattr(terminal).expect("its modes").local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits until the screen shows a text.
    pub fn wait_for(&mut self, text: &str) {
        self.wait_until(|screen| screen.contains(text));
    }

    /// Waits until the screen is as expected and returns its text.
    pub fn wait_until(&mut self, is_expected: impl Fn(&str) -> bool) -> String {
        let start = Instant::now();
        loop {
            let text = self.text();
            if is_expected(&text) {
                return text;
            }
            assert!(start.elapsed() < TIMEOUT, "the screen shows\n{text}");
            self.receive(Duration::from_millis(50));
        }
    }

    /// Waits for the program to exit and returns its exit code.
    pub fn wait(&mut self) -> u32 {
        let code = self.wait_timeout(TIMEOUT);
        code.unwrap_or_else(|| panic!("the program does not exit; it shows\n{}", self.text()))
    }

    /// Waits for the program to exit and returns its exit code, or `None` on a timeout.
    pub fn wait_timeout(&mut self, timeout: Duration) -> Option<u32> {
        let end = Instant::now() + timeout;
        loop {
            if let Some(status) = self.program.try_wait().expect("an exit status") {
                // Its last output may still be on the way.
                while self.receive(Duration::from_millis(200)) {}
                return Some(status.exit_code());
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.receive(left.min(Duration::from_millis(20)));
        }
    }

    /// The text that the screen shows.
    #[must_use]
    pub fn text(&self) -> String {
        self.emulator.screen().contents()
    }

    /// Everything that has been written to the terminal, also what is no longer visible.
    #[must_use]
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Scrolls back to the first line.
    pub fn scroll_to_top(&mut self) {
        self.emulator.screen_mut().set_scrollback(usize::MAX);
    }

    /// Whether a character on the screen has a foreground color.
    #[must_use]
    pub fn has_colors(&self) -> bool {
        let screen = self.emulator.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |at| (row, at)));
        cells
            .filter_map(|(row, column)| screen.cell(row, column))
            .any(|cell| cell.fgcolor() != vt100::Color::Default)
    }

    /// Waits for output and shows it. Returns whether there was any.
    fn receive(&mut self, timeout: Duration) -> bool {
        let received = self.received.recv_timeout(timeout);
        if let Ok(bytes) = &received {
            self.emulator.process(bytes);
            self.output.extend_from_slice(bytes);
        }
        received.is_ok()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.program.kill();
    }
}

fn builder(command: &Command) -> CommandBuilder {
    let mut builder = CommandBuilder::new(command.get_program());
    builder.args(command.get_args());
    builder.env("TERM", "xterm-256color");
    for (variable, value) in command.get_envs() {
        match value {
            Some(value) => builder.env(variable, value),
            None => builder.env_remove(variable),
        }
    }
    if let Some(directory) = command.get_current_dir() {
        builder.cwd(directory);
    }
    builder
}
