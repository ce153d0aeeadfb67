//! All that is printed is printed here: data on stdout, everything else on stderr.

mod amount;
mod answer;
mod clean;
mod fit;
mod json;
mod phone;
mod record;
mod table;
mod time;

use std::{ffi::OsString, io};

use clap::{Arg, ArgMatches, ValueEnum, builder::EnumValueParser, builder::StyledStr};

pub(crate) use amount::{Currency, count, share};
pub(crate) use answer::{Answer, View};
pub(crate) use phone::phone;
pub(crate) use record::Record;
pub(crate) use table::{Cell, Column, Table, Tone};
pub(crate) use time::When;

use crate::{
    error::{Exit, Failure},
    world::World,
};

/// What stands for null in a table.
pub(crate) const NOTHING: &str = "-";

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// The API's data as it is
    Json,
}

impl Format {
    const ID: &str = "output";

    pub(crate) fn flag() -> Arg {
        Arg::new(Self::ID)
            .short('o')
            .long(Self::ID)
            .value_name("FORMAT")
            .value_parser(EnumValueParser::<Self>::new())
            .help("How to write the answer [default: table]")
    }

    pub(crate) fn of(matches: &ArgMatches) -> Self {
        matches.get_one(Self::ID).copied().unwrap_or(Self::Table)
    }

    /// The format that a command line names which clap could not read.
    pub(crate) fn named_in(arguments: &[OsString]) -> Self {
        let spelled = |words: &[&str]| {
            matches!(words, ["-o" | "--output", "json", ..])
                || matches!(words, ["-ojson" | "-o=json" | "--output=json", ..])
        };
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_str().unwrap_or_default())
            .collect();
        if (0..words.len()).any(|at| spelled(&words[at..])) {
            Self::Json
        } else {
            Self::Table
        }
    }
}

/// The streams, and what is known of them.
pub(crate) struct Output<'a> {
    world: World<'a>,
    format: Format,
}

impl<'a> Output<'a> {
    pub(crate) fn new(world: World<'a>, format: Format) -> Self {
        Self { world, format }
    }

    pub(crate) fn answer(&mut self, answer: &Answer) -> Result<Exit, Failure> {
        let terminal = self.world.terminal;
        let text = match (self.format, &answer.view) {
            (Format::Json, _) => json::text(&answer.json, terminal.is_some())?,
            (Format::Table, View::Table(table)) => table.text(terminal),
            (Format::Table, View::Record(record)) => record.text(terminal),
            (Format::Table, View::Text(text)) if terminal.is_some() => clean::block(text),
            (Format::Table, View::Text(text)) => text.clone(),
        };
        let printed = self.print(&text)?;
        if let Some(note) = &answer.note
            && self.format == Format::Table
            && self.world.stderr_is_terminal
        {
            self.tell(&clean::line(note));
        }
        Ok(printed)
    }

    /// Help, or the version.
    pub(crate) fn help(&mut self, text: &StyledStr) -> Result<Exit, Failure> {
        let text = if self.colors() {
            text.ansi().to_string()
        } else {
            text.to_string()
        };
        self.print(&text)
    }

    /// Help for those who asked for nothing.
    pub(crate) fn help_instead(&mut self, text: &StyledStr) -> Exit {
        self.tell(&text.to_string());
        Exit::Usage
    }

    pub(crate) fn failure(&mut self, failure: &Failure) -> Exit {
        match self.format {
            Format::Json => {
                let pretty = self.world.stderr_is_terminal;
                if let Ok(text) = json::text(failure, pretty) {
                    self.tell(&text);
                }
            }
            Format::Table => {
                let lines: Vec<_> = failure
                    .lines()
                    .iter()
                    .map(|line| clean::line(line))
                    .collect();
                self.tell(&format!("error: {}", lines.join("\n")));
            }
        }
        failure.exit()
    }

    fn colors(&self) -> bool {
        self.world.terminal.is_some_and(|terminal| terminal.color)
    }

    fn print(&mut self, text: &str) -> Result<Exit, Failure> {
        match write(self.world.stdout, text) {
            Ok(()) => Ok(Exit::Done),
            Err(error) => Failure::of_output(&error).map_or(Ok(Exit::Done), Err),
        }
    }

    /// There is nowhere left to say that stderr cannot be written.
    fn tell(&mut self, text: &str) {
        let _unheard = write(self.world.stderr, text);
    }
}

fn write(stream: &mut dyn io::Write, text: &str) -> io::Result<()> {
    stream.write_all(text.as_bytes())?;
    if !text.is_empty() && !text.ends_with('\n') {
        stream.write_all(b"\n")?;
    }
    stream.flush()
}
