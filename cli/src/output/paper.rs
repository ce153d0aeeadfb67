//! Where data goes: stdout, or a pager once there is more than a screen of it.

use std::{
    io::{self, Write},
    process::{Child, Command, Stdio},
};

use crate::world::World;

pub(super) struct Paper<'a> {
    world: &'a World<'a>,
    state: State,
    has_begun: bool,
}

enum State {
    /// Held back until it is known whether a screen is enough.
    Held(Vec<u8>),
    Straight,
    Paged(Child),
    /// Not written at all.
    Kept(Vec<u8>),
}

impl<'a> Paper<'a> {
    pub(super) fn new(world: &'a World<'a>) -> Self {
        let state = match (&world.pager, world.terminal) {
            (Some(_), Some(_)) => State::Held(Vec::new()),
            _ => State::Straight,
        };
        Self {
            world,
            state,
            has_begun: false,
        }
    }

    /// For text that is wanted itself.
    pub(super) fn kept(world: &'a World<'a>) -> Self {
        Self {
            world,
            state: State::Kept(Vec::new()),
            has_begun: false,
        }
    }

    /// Whether anything was written.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The text that was kept.
    pub(super) fn into_text(mut self) -> String {
        match std::mem::replace(&mut self.state, State::Straight) {
            State::Kept(text) => String::from_utf8_lossy(&text).into_owned(),
            _ => String::new(),
        }
    }

    /// Writes what is held back, and waits for the reader of a pager.
    pub(super) fn end(mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Straight) {
            State::Held(held) => self.world.stdout.write(&held)?,
            State::Straight | State::Kept(_) => {}
            State::Paged(mut pager) => {
                drop(pager.stdin.take());
                pager.wait()?;
            }
        }
        self.world.stdout.flush()
    }

    fn fits(&self, held: &[u8]) -> bool {
        let rows = self.world.terminal.map_or(0, |terminal| terminal.rows);
        // The prompt takes a line too.
        held.split(|byte| *byte == b'\n').count() <= rows
    }

    fn pager(&self) -> Option<Child> {
        let (program, arguments) = self.world.pager.as_deref()?.split_first()?;
        // Ctrl-C is for the pager: this program has to stay until its reader has left.
        #[cfg(unix)]
        let _ = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .ok()
    }
}

impl Write for Paper<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.has_begun |= !bytes.is_empty();
        match &mut self.state {
            State::Straight => self.world.stdout.write(bytes)?,
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
            State::Straight => self.world.stdout.flush(),
            State::Paged(pager) => pager.stdin.as_mut().map_or(Ok(()), Write::flush),
        }
    }
}

/// A reader who has left is waited for, whatever ended the writing.
impl Drop for Paper<'_> {
    fn drop(&mut self) {
        if let State::Paged(pager) = &mut self.state {
            drop(pager.stdin.take());
            let _ = pager.wait();
        }
    }
}
