use std::{
    cell::RefCell,
    ffi::OsString,
    io::{self, IsTerminal as _, Read, Write},
    path::PathBuf,
    time::Duration,
};

use etcetera::BaseStrategy as _;
use konektor_sdk::{
    Retries,
    jiff::{Timestamp, tz::TimeZone},
};

use crate::base::{LocalClock, sanitize, secret::without_keys};

/// The environment of the program: streams, terminal, clock, variables.
pub struct Environment<'a> {
    /// Standard input.
    pub stdin: RefCell<Box<dyn Read>>,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Standard output, for data.
    pub stdout: Stream<'a>,
    /// Standard error, for everything else.
    pub stderr: Stream<'a>,
    /// The terminal, if `stdout` is one.
    pub terminal: Option<Terminal>,
    /// Whether `stderr` is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether to use colours.
    pub color: bool,
    /// The pager and its arguments, for output that does not fit the terminal.
    pub pager: Option<Vec<String>>,
    /// The clock.
    pub now: Clock,
    /// The time zone that times are shown in. It is looked up when needed, because that takes most of the start-up
    /// time.
    pub zone: Zone,
    /// Environment variables by their names.
    pub variable: Variables,
    /// The folder of the config file, if there is one.
    pub config_folder: Option<PathBuf>,
    /// Writes a line to stderr while a request waits.
    pub notify: Notify,
    /// How requests are retried.
    pub retries: Retries,
}

/// Writes a line for people.
pub type Notify = fn(&str);

/// Returns the time.
pub type Clock = Box<dyn Fn() -> Timestamp>;

/// Returns the time zone.
pub type Zone = Box<dyn Fn() -> TimeZone>;

/// Environment variables by their names.
pub type Variables = Box<dyn Fn(&str) -> Option<OsString>>;

/// A terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its width.
    pub columns: usize,
    /// Its height.
    pub rows: usize,
}

/// The variable with the folder of the config file.
pub(crate) const FOLDER_VARIABLE: &str = "KONEKTOR_CONFIG_DIR";

/// The width of help pages. Longer lines are hard to read.
pub(crate) const HELP_WIDTH: usize = 100;

/// How long a call waits for the rate limit by default.
pub(crate) const RETRY_BUDGET: Duration = Duration::from_secs(30);

impl<'a> Environment<'a> {
    /// An environment without terminal and variables, in UTC.
    ///
    /// ```
    /// let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    /// let environment = konektor_cli::Environment::new(&mut stdout, &mut stderr);
    /// assert_eq!(environment.terminal, None);
    /// ```
    #[must_use]
    pub fn new(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        Self {
            stdin: RefCell::new(Box::new(io::empty())),
            stdin_is_terminal: false,
            stdout: Stream::new(stdout),
            stderr: Stream::new(stderr),
            terminal: None,
            stderr_is_terminal: false,
            color: false,
            pager: None,
            now: Box::new(Timestamp::now),
            zone: Box::new(|| TimeZone::UTC),
            variable: Box::new(|_| None),
            config_folder: None,
            notify: |_| (),
            retries: Retries::default(),
        }
    }

    pub(crate) fn from_process(stdout: &'a mut dyn Write, stderr: &'a mut dyn Write) -> Self {
        let mut environment = Self {
            stdin: RefCell::new(Box::new(io::stdin())),
            stdin_is_terminal: io::stdin().is_terminal(),
            terminal: Terminal::from_process(),
            stderr_is_terminal: io::stderr().is_terminal(),
            variable: Box::new(|name| std::env::var_os(name)),
            config_folder: config_folder(),
            notify: |line| {
                let _ = writeln!(io::stderr(), "{line}"); // There is nowhere left to report a failure.
            },
            retries: Retries::default().rate_limit_budget(RETRY_BUDGET),
            ..Self::new(stdout, stderr)
        };
        environment.color = environment.wants_color();
        environment.pager = environment.wanted_pager();
        environment
    }

    /// <https://no-color.org> wins over <https://bixense.com/clicolors>.
    pub(crate) fn wants_color(&self) -> bool {
        let set = |name| (self.variable)(name).filter(|value| !value.is_empty());
        if set("NO_COLOR").is_some() {
            return false;
        }
        if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
            return true;
        }
        self.terminal.is_some() && !self.is_dumb() && set("CLICOLOR").is_none_or(|on| on != "0")
    }

    /// The pager that the environment names. An empty name or `cat` disables it.
    pub(crate) fn wanted_pager(&self) -> Option<Vec<String>> {
        if self.terminal.is_none() || self.is_dumb() {
            return None;
        }
        let named = ["KONEKTOR_PAGER", "PAGER"]
            .into_iter()
            .find_map(|name| (self.variable)(name)?.into_string().ok());
        let words = shlex::split(named.as_deref().unwrap_or("less"))?;
        match words.as_slice() {
            [] => None,
            [program] if program == "cat" => None,
            // Quit if the text fits, keep colours, and leave the text on the screen.
            [program] if program == "less" && (self.variable)("LESS").is_none() => {
                Some(vec!["less".to_owned(), "-FRX".to_owned()])
            }
            _ => Some(words),
        }
    }

    /// Whether the terminal cannot move its cursor.
    pub(crate) fn is_dumb(&self) -> bool {
        (self.variable)("TERM").is_some_and(|name| name == "dumb")
    }

    /// The clock in the local time zone.
    pub(crate) fn clock(&self) -> LocalClock {
        LocalClock::new((self.now)(), (self.zone)())
    }

    pub(crate) fn help_width(&self) -> usize {
        self.terminal
            .map_or(HELP_WIDTH, |terminal| terminal.columns.min(HELP_WIDTH))
    }

    /// A variable as text. An empty one counts as not set.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, NotText> {
        match (self.variable)(name).map(OsString::into_string) {
            None => Ok(None),
            Some(Ok(text)) if text.trim().is_empty() => Ok(None),
            Some(Ok(text)) => Ok(Some(text)),
            Some(Err(_)) => Err(NotText),
        }
    }

    pub(crate) fn stdout(&self) -> impl Write {
        &self.stdout
    }

    /// Writes a line to stderr, with API keys redacted. Failures are ignored.
    pub(crate) fn say(&self, line: &str) {
        self.say_lines([line]);
    }

    pub(crate) fn say_lines<'l>(&self, lines: impl IntoIterator<Item = &'l str>) {
        let text: String = lines
            .into_iter()
            .flat_map(|line| [without_keys(&sanitize::line(line)), "\n".to_owned()])
            .collect();
        let written = self.stderr.write(text.as_bytes());
        let _ = written.and_then(|()| self.stderr.flush()); // There is nowhere left to report a failure.
    }
}

/// The folder of `KONEKTOR_CONFIG_DIR`, or the system's folder for configuration.
fn config_folder() -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os(FOLDER_VARIABLE).filter(|folder| !folder.is_empty()) {
        return Some(PathBuf::from(folder));
    }
    let system = etcetera::choose_base_strategy().ok()?;
    Some(system.config_dir().join("konektor"))
}

/// The value of a variable is not Unicode.
pub(crate) struct NotText;

/// A stream that can be written to through a shared reference.
pub struct Stream<'a>(Box<dyn Shared + 'a>);

trait Shared {
    fn write(&self, bytes: &[u8]) -> io::Result<()>;
    fn flush(&self) -> io::Result<()>;
}

impl Shared for RefCell<&mut dyn Write> {
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.borrow_mut().write_all(bytes)
    }

    fn flush(&self) -> io::Result<()> {
        self.borrow_mut().flush()
    }
}

impl<'a> Stream<'a> {
    /// ```
    /// let mut stdout = Vec::new();
    /// let stream = konektor_cli::Stream::new(&mut stdout);
    /// ```
    pub fn new(stream: &'a mut dyn Write) -> Self {
        Self(Box::new(RefCell::new(stream)))
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes)
    }

    pub(crate) fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Write for &Stream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Terminal {
    fn from_process() -> Option<Self> {
        let stdout = io::stdout();
        if !stdout.is_terminal() {
            return None;
        }
        let (columns, rows) = terminal_size::terminal_size_of(stdout)
            .map(|(width, height)| (usize::from(width.0), usize::from(height.0)))
            .filter(|(columns, rows)| *columns > 0 && *rows > 0)
            .unwrap_or((80, 24));
        Some(Self { columns, rows })
    }
}
