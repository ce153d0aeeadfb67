//! Child processes: each in a process group of its own, so that whatever it starts ends with it.

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

/// How long a process may take to end by itself before it is killed.
const GRACE: Duration = Duration::from_secs(10);

/// How long a watched command may print nothing: it hangs, and its last lines tell where.
const SILENCE: Duration = Duration::from_mins(20);

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static FOREGROUND: Mutex<Option<Pid>> = Mutex::new(None);

/// From now on Ctrl-C and its kind end the running command instead of this program, so that the
/// failed command's error unwinds the stack and every guard cleans up. A second one kills it.
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

/// Fails when the user has asked to stop. Loops that wait for something call it every turn.
pub(crate) fn check_interrupted() -> Result<()> {
    ensure!(!INTERRUPTED.load(Ordering::SeqCst), "interrupted");
    Ok(())
}

/// Says what is run, then runs it; its output goes straight through.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    announce(command);
    let status = in_foreground(command, |_, _| {})?;
    succeeded(command, status)
}

/// Like [`run`], and shows every line of standard output to `look` on its way.
pub(crate) fn run_watched(command: &mut Command, look: impl FnMut(&str) + Send) -> Result<()> {
    announce(command);
    command.stdout(Stdio::piped());
    let status = in_foreground(command, |output, said| pass_through(output, &said, look))?;
    succeeded(command, status)
}

/// Runs a command without a word and returns what it printed, trimmed.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", name(command)))?;
    check_interrupted()?;
    succeeded(command, output.status)?;
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("{} printed something else than text", name(command)))?;
    Ok(text.trim().to_owned())
}

/// Whether a command can be started and ends well; it says nothing meanwhile.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// A process with all that it starts. Dropping it ends them.
pub(crate) struct Group {
    leader: Child,
    id: Pid,
    stop: Signal,
    ended: bool,
}

impl Group {
    /// Starts `command` as the leader of a new process group, which `stop` asks to end.
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
            ended: false,
        })
    }

    /// The process id of the leader, which is the id of the group too.
    pub(crate) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// Whether the leader has ended by itself.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        self.ended = self.ended || self.leader.try_wait()?.is_some();
        Ok(self.ended)
    }

    /// Signals the leader alone.
    pub(crate) fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.id, signal).with_context(|| format!("signalling process {}", self.id()))
    }

    /// How the leader has ended, if it does so in this time.
    pub(crate) fn end_within(&mut self, time: Duration) -> Result<Option<ExitStatus>> {
        self.has_ended_within(time);
        Ok(self.leader.try_wait()?)
    }

    /// Leaves the processes alone from now on.
    pub(crate) fn release(mut self) {
        self.ended = true;
    }

    /// Waits for the leader and ends what it has left behind. The group is signalled before its
    /// leader is reaped: until then nobody else can have been given its id.
    fn wait(&mut self) -> Result<ExitStatus> {
        let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        rustix::io::retry_on_intr(|| waitid(WaitId::Pid(self.id), exited))?;
        let _ = kill_process_group(self.id, Signal::TERM);
        self.ended = true;
        Ok(self.leader.wait()?)
    }

    fn has_ended_within(&mut self, time: Duration) -> bool {
        let start = Instant::now();
        while start.elapsed() < time {
            if self.has_ended().unwrap_or(true) {
                return true;
            }
            thread::sleep(Duration::from_millis(20));
        }
        false
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.has_ended().unwrap_or(true) {
            return;
        }
        let _ = kill_process_group(self.id, self.stop);
        if !self.has_ended_within(GRACE) {
            let _ = kill_process_group(self.id, Signal::KILL);
            let _ = self.leader.wait();
        }
    }
}

fn in_foreground(
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

/// The leader is waited for before its output has ended: a process that it left behind may hold
/// the pipe open.
fn watch_and_wait(
    group: &mut Group,
    watch: impl FnOnce(ChildStdout, Sender<()>) + Send,
) -> Result<ExitStatus> {
    let Some(stdout) = group.leader.stdout.take() else {
        return group.wait();
    };
    let id = group.id;
    let (said, lines) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| watch(stdout, said));
        scope.spawn(move || end_when_silent(id, &lines));
        group.wait()
    })
}

fn end_when_silent(group: Pid, lines: &Receiver<()>) {
    loop {
        match lines.recv_timeout(SILENCE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                eprintln!(
                    "nothing was printed for {} s: it is ended",
                    SILENCE.as_secs()
                );
                let _ = kill_process_group(group, Signal::KILL);
                return;
            }
        }
    }
}

fn pass_through(output: ChildStdout, said: &Sender<()>, mut look: impl FnMut(&str)) {
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    while output
        .read_until(b'\n', &mut line)
        .is_ok_and(|read| read > 0)
    {
        let _ = said.send(());
        let _ = std::io::stdout().write_all(&line);
        look(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

fn succeeded(command: &Command, status: ExitStatus) -> Result<()> {
    if !status.success() {
        bail!("{} failed ({status})", name(command));
    }
    Ok(())
}

fn announce(command: &Command) {
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
    eprintln!("{}", emphasised(&format!("$ {line}")));
}

/// `text` in bold when a person looks at it.
pub(crate) fn emphasised(text: &str) -> String {
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
