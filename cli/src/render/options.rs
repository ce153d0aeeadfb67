//! How an answer is to be written, as the flags say.

use std::{borrow::Cow, ffi::OsString};

use clap::{Arg, ArgAction, ArgMatches, Command, ValueEnum, builder::EnumValueParser};
use serde_json::Value;

use super::{columns::Field, jq::Filter, json_rows};
use crate::env::Environment;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; what a terminal gets
    Table,
    /// The API's data as it is
    Json,
    /// One row of JSON on each line
    Ndjson,
    /// The API's data as YAML
    Yaml,
    /// Rows for a spreadsheet
    Csv,
    /// Rows for shell tools; what a pipe gets
    Tsv,
    /// Rows for a document
    Markdown,
}

impl Format {
    /// # Errors
    /// Why a word is none.
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        Self::from_str(word, false).map_err(|_| {
            let names = Self::value_variants()
                .iter()
                .filter_map(Self::to_possible_value);
            let names: Vec<_> = names.map(|value| value.get_name().to_owned()).collect();
            format!("\"{word}\" is not allowed; allowed: {}", names.join(", "))
        })
    }

    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Whether all rows are one document, which is whole or none.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }

    pub(super) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}

/// What the flags say of the answer, and the settings.
#[derive(Clone, Default)]
pub(crate) struct OutputOptions {
    /// The format of the flag.
    pub(super) format: Option<Format>,
    /// The format of the settings, for answers that no flag says more about.
    usual: Option<Format>,
    pub(super) filter: Option<Filter>,
    /// The fields that are wanted; empty for those that are usual.
    pub(super) columns: Vec<String>,
    pub(super) wide: bool,
    pub(super) headers: bool,
}

const FORMAT: &str = "output";
const FILTER: &str = "jq";
const NO_HEADERS: &str = "no-headers";
const COLUMNS: &str = "columns";
const WIDE: &str = "wide";

impl OutputOptions {
    /// Adds the flags that every command has.
    pub(crate) fn flags(command: Command, heading: &'static str) -> Command {
        let flags = [
            Arg::new(FORMAT)
                .short('o')
                .long(FORMAT)
                .value_name("FORMAT")
                .value_parser(EnumValueParser::<Format>::new())
                .help("How to write the answer [default: table, tsv in a pipe]"),
            Arg::new(FILTER)
                .long(FILTER)
                .value_name("EXPRESSION")
                .value_parser(Filter::parse)
                .help("Filter the JSON with an expression of the jq language"),
            Arg::new(NO_HEADERS)
                .long(NO_HEADERS)
                .action(ArgAction::SetTrue)
                .help("Leave out the names of columns"),
        ];
        flags.into_iter().fold(command, |command, flag| {
            command.arg(flag.global(true).help_heading(heading))
        })
    }

    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        let flag = |name| matches.try_get_one(name).ok().flatten() == Some(&true);
        Self {
            format: matches.get_one(FORMAT).copied(),
            usual: None,
            filter: matches.get_one(FILTER).cloned(),
            columns: matches
                .try_get_many(COLUMNS)
                .ok()
                .flatten()
                .map(|names| names.cloned().collect())
                .unwrap_or_default(),
            wide: flag(WIDE),
            headers: !flag(NO_HEADERS),
        }
    }

    /// The flags as they were typed, for a command line to copy.
    pub(crate) fn typed_words(matches: &ArgMatches) -> Vec<String> {
        let raw = |name| matches.try_get_raw(name).ok().flatten();
        let mut words = Vec::new();
        for name in [FORMAT, FILTER, COLUMNS] {
            let values: Vec<_> = raw(name)
                .into_iter()
                .flatten()
                .map(|value| value.to_string_lossy().into_owned())
                .collect();
            if !values.is_empty() {
                words.extend([format!("--{name}"), values.join(",")]);
            }
        }
        for name in [NO_HEADERS, WIDE] {
            if matches.try_get_one(name).ok().flatten() == Some(&true) {
                words.push(format!("--{name}"));
            }
        }
        words
    }

    /// With the format of the settings, where no flag says another.
    pub(crate) fn or(mut self, format: Option<Format>) -> Self {
        if self.filter.is_none() {
            self.usual = format;
        }
        self
    }

    /// The format that the flag asks for, whatever the settings say.
    pub(crate) fn typed(&self) -> Option<Format> {
        self.format
    }

    /// Whether the answer is to pass a filter.
    pub(crate) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// The row with the columns that are wanted alone.
    pub(crate) fn picked<'r>(&self, row: &'r Value) -> Cow<'r, Value> {
        json_rows::picked(row, &self.columns)
    }

    /// The columns that are wanted of rows with these fields.
    pub(crate) fn columns_of(&self, fields: &[Field]) -> Vec<String> {
        if self.columns.is_empty() {
            fields.iter().map(|field| field.name.clone()).collect()
        } else {
            self.columns.clone()
        }
    }

    /// Whether the names of columns come first.
    pub(crate) fn headers(&self) -> bool {
        self.headers
    }

    /// What a command line says that clap could not read: the format, which errors follow too.
    pub(crate) fn named_in(arguments: &[OsString]) -> Self {
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_str().unwrap_or_default())
            .collect();
        let format = (0..words.len()).find_map(|at| match &words[at..] {
            ["-o" | "--output", name, ..] => Format::from_str(name, false).ok(),
            [word, ..] => word
                .strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o="))
                .or_else(|| word.strip_prefix("-o"))
                .and_then(|name| Format::from_str(name, false).ok()),
            [] => None,
        });
        Self {
            format,
            headers: true,
            ..Self::default()
        }
    }

    /// The same for an answer that comes again.
    pub(super) fn again(&self, headers: bool) -> Self {
        Self {
            headers: self.headers && headers,
            ..self.clone()
        }
    }

    /// The format that is asked for, or that the reader is best served with.
    pub(super) fn format_for(&self, environment: &Environment<'_>) -> Format {
        self.format
            .or(self.usual)
            .unwrap_or(if environment.terminal.is_some() {
                Format::Table
            } else {
                Format::Tsv
            })
    }

    /// Whether a person reads the answer.
    pub(crate) fn is_for_people(&self, environment: &Environment<'_>) -> bool {
        self.filter.is_none() && self.format_for(environment) == Format::Table
    }

    /// Whether programs read the errors.
    pub(super) fn errors_as_json(&self) -> bool {
        self.format.or(self.usual).is_some_and(Format::is_json)
    }
}
