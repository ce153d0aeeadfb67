//! Child processes. Each runs in its own process group, so that its descendants end with it.

use std::{
    io::{BufRead, BufReader, IsTerminal, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

/// How long a process may take to exit after a signal before it is killed.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a watched command may print nothing before it is killed as hung.
const OUTPUT_TIMEOUT: Duration = Duration::from_mins(20);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);

/// Handles SIGINT, SIGTERM and SIGHUP by terminating the running command instead of this program.
///
/// The error of that command unwinds the stack, so that every guard cleans up. A second signal kills
/// the command.
pub(crate) fn stop_children_on_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("listening for signals")?;
    thread::spawn(move || {
        for _ in signals.forever() {
            let again = INTERRUPTED.swap(true, Ordering::SeqCst);
            let signal = if again { Signal::KILL } else { Signal::TERM };
            if let Some(group) = *lock(&FOREGROUND) {
                let _ = kill_process_group(group, signal);
            }
        }
    });
    Ok(())
}

/// Returns an error if a signal has arrived. Loops that wait call this in every iteration.
pub(crate) fn check_interrupted() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::SeqCst), "interrupted");
    Ok(())
}

/// Prints a command and runs it with inherited output.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    print_command(command);
    let status = run_in_foreground(command, |_, _| {})?;
    check_status(command, status)
}

/// Like [`run`], but also calls `on_line` with every line of standard output.
pub(crate) fn run_watched(command: &mut Command, on_line: impl FnMut(&str) + Send) -> Result<()> {
    print_command(command);
    command.stdout(Stdio::piped());
    let status = run_in_foreground(command, |output, activity| {
        forward_lines(output, &activity, on_line);
    })?;
    check_status(command, status)
}

/// Runs a command and returns its trimmed standard output.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", name(command)))?;
    check_interrupted()?;
    check_status(command, output.status)?;
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed invalid UTF-8", name(command)))?;
    Ok(text.trim().to_owned())
}

/// Runs a command without output and returns whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A process group. Dropping it stops its processes.
pub(crate) struct Group {
    leader: Child,
    id: Pid,
    stop: Signal,
    /// The processes have exited or been released.
    is_done: bool,
}

impl Group {
    /// Starts `command` as the leader of a new process group. `stop` is the signal that ends it.
    pub(crate) fn spawn(command: &mut Command, stop: Signal) -> Result<Self> {
        let leader = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {}", name(command)))?;
        let id = Pid::from_child(&leader);
        Ok(Self {
            leader,
            id,
            stop,
            is_done: false,
        })
    }

    /// The process id of the leader, which is also the id of the group.
    pub(crate) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Whether the leader has exited.
    pub(crate) fn has_exited(&mut self) -> Result<bool> {
        self.is_done = self.is_done || self.leader.try_wait()?.is_some();
        Ok(self.is_done)
    }

    /// Sends a signal to the leader only.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.id, signal).with_context(|| format!("signalling process {}", self.id()))
    }

    /// Waits for the leader to exit. Returns `None` on a timeout.
    pub(crate) fn wait_timeout(&mut self, timeout: Duration) -> Result<Option<ExitStatus>> {
        self.exits_within(timeout);
        Ok(self.leader.try_wait()?)
    }

    /// Lets the processes outlive this value.
    pub(crate) fn release(mut self) {
        self.is_done = true;
    }

    /// Waits for the leader to exit and terminates the rest of the group.
    ///
    /// The group is signalled before its leader is reaped, because its id may be reused afterwards.
    fn wait(&mut self) -> Result<ExitStatus> {
        let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.id), exited))?;
        let _ = kill_process_group(self.id, Signal::TERM);
        self.is_done = true;
        Ok(self.leader.wait()?)
    }

    fn exits_within(&mut self, timeout: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < timeout {
            if self.has_exited().unwrap_or(true) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.has_exited().unwrap_or(true) {
            return;
        }
        let _ = kill_process_group(self.id, self.stop);
        if !self.exits_within(EXIT_TIMEOUT) {
            let _ = kill_process_group(self.id, Signal::KILL);
            let _ = self.leader.wait();
        }
    }
}

fn run_in_foreground(
    command: &mut Command,
    watch: impl FnOnce(ChildStdout, Sender<()>) + Send,
) -> Result<ExitStatus> {
    let mut group = Group::spawn(command, Signal::TERM)?;
    *lock(&FOREGROUND) = Some(group.id);
    let status = if let Err(interrupted) = check_interrupted() {
        Err(interrupted)
    } else {
        watch_and_wait(&mut group, watch)
    };
    *lock(&FOREGROUND) = None;
    check_interrupted()?;
    status
}

/// Watches the output of the leader until it exits.
///
/// This waits for the leader and not for the end of its output, because a descendant may keep the pipe
/// open.
fn watch_and_wait(
    group: &mut Group,
    watch: impl FnOnce(ChildStdout, Sender<()>) + Send,
) -> Result<ExitStatus> {
    let Some(stdout) = group.leader.stdout.take() else {
        return group.wait();
    };
    let id = group.id;
    let (activity, received) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| watch(stdout, activity));
        scope.spawn(move || kill_when_hung(id, &received));
        group.wait()
    })
}

/// Kills the group when nothing has been received for [`OUTPUT_TIMEOUT`].
fn kill_when_hung(group: Pid, activity: &Receiver<()>) {
    loop {
        match activity.recv_timeout(OUTPUT_TIMEOUT) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                eprintln!(
                    "no output for {} s: killing the command",
                    OUTPUT_TIMEOUT.as_secs()
                );
                let _ = kill_process_group(group, Signal::KILL);
                return;
            }
        }
    }
}

fn forward_lines(output: ChildStdout, activity: &Sender<()>, mut on_line: impl FnMut(&str)) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        let _ = activity.send(());
        let _ = std::io::stdout().write_all(&line);
        on_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

fn check_status(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

fn print_command(command: &Command) {
    let words = command.get_args().map(|word| {
        let word = word.to_string_lossy();
        if word.contains(' ') {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    });
    let line = std::iter::once(name(command))
        .chain(words)
        .collect::<Vec<_>>()
        .join(" ");
    eprintln!("{}", bold(&format!("$ {line}")));
}

/// Returns `text` in bold if standard error is a terminal.
pub(crate) fn bold(text: &str) -> String {
    if std::io::stderr().is_terminal() {
        format!("\x1b[1m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program());
    program
        .file_name()
        .unwrap_or(program.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
