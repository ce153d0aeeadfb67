use std::{ffi::OsString, io::IsTerminal as _, io::Write};

use konektor_sdk::{
    Retries,
    jiff::{Timestamp, tz::TimeZone},
};

use crate::command::HELP_WIDTH;

/// What surrounds the program: streams, terminal, clock, environment.
pub struct World<'a> {
    /// Where data goes.
    pub stdout: &'a mut dyn Write,
    /// Where everything else goes.
    pub stderr: &'a mut dyn Write,
    /// The terminal that `stdout` is, if it is one.
    pub terminal: Option<Terminal>,
    /// Whether `stderr` is a terminal.
    pub stderr_is_terminal: bool,
    /// The time.
    pub now: Timestamp,
    /// The time zone that times are shown in.
    pub zone: TimeZone,
    /// Environment variables by their names.
    pub variable: Variables,
    /// How often a request is tried.
    pub retries: Retries,
}

/// Environment variables by their names.
pub type Variables = Box<dyn Fn(&str) -> Option<OsString>>;

/// A terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its width in columns.
    pub columns: usize,
    /// Whether colours are wanted.
    pub color: bool,
}

impl<'a> World<'a> {
    /// Streams that are no terminal, an empty environment, UTC.
    ///
    /// ```
    /// let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    /// let world = konektor_cli::World::new(&mut stdout, &mut stderr);
    /// assert_eq!(world.terminal, None);
    /// ```
    #[must_use]
    pub fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self {
            stdout,
            stderr,
            terminal: None,
            stderr_is_terminal: false,
            now: Timestamp::now(),
            zone: TimeZone::UTC,
            variable: Box::new(|_| None),
            retries: Retries::default(),
        }
    }

    pub(crate) fn of_this_process(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self {
            terminal: Terminal::of_this_process(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            zone: TimeZone::system(),
            variable: Box::new(|name| std::env::var_os(name)),
            ..Self::new(stdout, stderr)
        }
    }

    pub(crate) fn help_width(&self) -> usize {
        self.terminal
            .map_or(HELP_WIDTH, |terminal| terminal.columns.min(HELP_WIDTH))
    }

    /// A variable as text; one that is empty counts as not set.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, NotText> {
        match (self.variable)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) if text.trim().is_empty() => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(NotText),
        }
    }
}

/// A variable holds bytes that are no Unicode text.
pub(crate) struct NotText;

impl Terminal {
    /// <https://no-color.org>: any value but an empty one.
    fn of_this_process() -> Option<Self> {
        let stdout = std::io::stdout();
        if !stdout.is_terminal() {
            return None;
        }
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        Some(Self {
            columns: terminal_size::terminal_size_of(stdout)
                .map_or(80, |(width, _)| usize::from(width.0)),
            color: !no_color && !dumb,
        })
    }
}
