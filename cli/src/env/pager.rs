//! Writes to stdout, or to a pager if the output does not fit the screen.

use std::{
    io::{self, Write},
    process::{Child, Command, Stdio},
};

use crate::env::Environment;

pub(crate) struct PagedWriter<'a> {
    environment: &'a Environment<'a>,
    state: State,
    has_begun: bool,
}

enum State {
    /// The output so far, which fits the screen.
    Held(Vec<u8>),
    Straight,
    Paged(Child),
    /// Collected as text, and not written.
    Kept(Vec<u8>),
}

impl<'a> PagedWriter<'a> {
    pub(crate) fn new(environment: &'a Environment<'a>) -> Self {
        let state = match (&environment.pager, environment.terminal) {
            (Some(_), Some(_)) => State::Held(Vec::new()),
            _ => State::Straight,
        };
        Self {
            environment,
            state,
            has_begun: false,
        }
    }

    /// Collects the output as text.
    pub(crate) fn kept(environment: &'a Environment<'a>) -> Self {
        Self {
            environment,
            state: State::Kept(Vec::new()),
            has_begun: false,
        }
    }

    /// Whether anything was written.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The collected text.
    pub(crate) fn into_text(mut self) -> String {
        match std::mem::replace(&mut self.state, State::Straight) {
            State::Kept(text) => String::from_utf8_lossy(&text).into_owned(),
            _ => String::new(),
        }
    }

    /// Writes the rest, and waits for the pager.
    pub(crate) fn end(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Straight) {
            State::Held(held) => self.environment.stdout.write(&held)?,
            State::Straight | State::Kept(_) => {}
            State::Paged(mut pager) => {
                drop(pager.stdin.take());
                pager.wait()?;
            }
        }
        self.environment.stdout.flush()
    }

    fn fits(&self, held: &[u8]) -> bool {
        let rows = self
            .environment
            .terminal
            .map_or(0, |terminal| terminal.rows);
        // The prompt takes a line too.
        held.split(|byte| *byte == b'\n').count() <= rows
    }

    fn pager(&self) -> Option<Child> {
        let (program, arguments) = self.environment.pager.as_deref()?.split_first()?;
        // The pager handles Ctrl-C. This program has to outlive it.
        #[cfg(unix)]
        let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .ok()
    }
}

impl Write for PagedWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_begun |= !bytes.is_empty();
        match &mut self.state {
            State::Straight => self.environment.stdout.write(bytes)?,
            State::Kept(text) => text.extend_from_slice(bytes),
            State::Paged(pager) => match &mut pager.stdin {
                Some(stdin) => stdin.write_all(bytes)?,
                None => return Err(io::ErrorKind::BrokenPipe.into()),
            },
            State::Held(held) => {
                held.extend_from_slice(bytes);
                let held = std::mem::take(held);
                if self.fits(&held) {
                    self.state = State::Held(held);
                    return Ok(bytes.len());
                }
                self.state = self.pager().map_or(State::Straight, State::Paged);
                self.write_all(&held)?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Held(_) | State::Kept(_) => Ok(()),
            State::Straight => self.environment.stdout.flush(),
            State::Paged(pager) => pager.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

/// Waits for the pager even after a failure.
impl Drop for PagedWriter<'_> {
    fn drop(&mut self) {
        if let State::Paged(pager) = &mut self.state {
            drop(pager.stdin.take());
            let _ = pager.wait();
        }
    }
}
