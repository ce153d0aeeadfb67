//! How to write an answer, from flags and settings.

use std::{borrow::Cow, ffi::OsString};

use serde_json::Value;

use super::{jq::Filter, json_rows};
use crate::{
    base::{ColumnSelection, Field, Format},
    env::Environment,
};

/// The options of the output.
#[derive(Clone, Default)]
pub(crate) struct OutputOptions {
    /// The format of the flag.
    pub(super) format: Option<Format>,
    /// The format of the settings, which the flag overrides.
    usual: Option<Format>,
    pub(super) filter: Option<Filter>,
    /// The requested fields; empty for the default ones.
    pub(super) columns: Vec<String>,
    pub(super) wide: bool,
    pub(super) headers: bool,
}

impl OutputOptions {
    pub(crate) fn new(
        format: Option<Format>,
        filter: Option<Filter>,
        columns: ColumnSelection,
        headers: bool,
    ) -> Self {
        Self {
            format,
            usual: None,
            filter,
            columns: columns.names,
            wide: columns.wide,
            headers,
        }
    }

    /// Returns the flags that lead to these options.
    pub(crate) fn words(&self) -> Vec<String> {
        let flag = |name: &str, value: &str| [format!("--{name}"), value.to_owned()];
        let mut words = Vec::new();
        words.extend(
            self.format
                .into_iter()
                .flat_map(|format| flag("output", format.name())),
        );
        words.extend(
            self.filter
                .iter()
                .flat_map(|filter| flag("jq", filter.code())),
        );
        if !self.columns.is_empty() {
            words.extend(flag("columns", &self.columns.join(",")));
        }
        words.extend((!self.headers).then(|| "--no-headers".to_owned()));
        words.extend(self.wide.then(|| "--wide".to_owned()));
        words
    }

    /// Sets the format of the settings, unless there is a filter.
    pub(crate) fn or(mut self, format: Option<Format>) -> Self {
        if self.filter.is_none() {
            self.usual = format;
        }
        self
    }

    /// The format of the flag.
    pub(crate) fn flag_format(&self) -> Option<Format> {
        self.format
    }

    /// Whether there is a filter.
    pub(crate) fn is_filtered(&self) -> bool {
        self.filter.is_some()
    }

    /// Returns the row with only the requested columns.
    pub(crate) fn pick_fields<'r>(&self, row: &'r Value) -> Cow<'r, Value> {
        json_rows::pick_fields(row, &self.columns)
    }

    /// Returns the requested columns; all fields if none were requested.
    pub(crate) fn columns_of(&self, fields: &[Field]) -> Vec<String> {
        if self.columns.is_empty() {
            fields.iter().map(|field| field.name.to_owned()).collect()
        } else {
            self.columns.clone()
        }
    }

    /// Whether to write the header row.
    pub(crate) fn headers(&self) -> bool {
        self.headers
    }

    /// Finds the format in a command line that clap has rejected, because it also decides how the error is written.
    pub(crate) fn named_in(arguments: &[OsString]) -> Self {
        let words: Vec<_> = arguments
            .iter()
            .map(|word| word.to_str().unwrap_or_default())
            .collect();
        let format = (0..words.len()).find_map(|at| match &words[at..] {
            ["-o" | "--output", name, ..] => Format::from_name(name),
            [word, ..] => word
                .strip_prefix("--output=")
                .or_else(|| word.strip_prefix("-o="))
                .or_else(|| word.strip_prefix("-o"))
                .and_then(Format::from_name),
            [] => None,
        });
        Self {
            format,
            headers: true,
            ..Self::default()
        }
    }

    /// The same options for a repeated answer.
    pub(super) fn again(&self, headers: bool) -> Self {
        Self {
            headers: self.headers && headers,
            ..self.clone()
        }
    }

    /// The format: of the flag, of the settings, or the default one.
    pub(super) fn format_for(&self, environment: &Environment<'_>) -> Format {
        self.format
            .or(self.usual)
            .unwrap_or(if environment.terminal.is_some() {
                Format::Table
            } else {
                Format::Tsv
            })
    }

    /// Whether the answer is for people.
    pub(crate) fn is_for_people(&self, environment: &Environment<'_>) -> bool {
        self.filter.is_none() && self.format_for(environment) == Format::Table
    }

    /// Whether errors are written as JSON.
    pub(super) fn errors_as_json(&self) -> bool {
        self.format.or(self.usual).is_some_and(Format::is_json)
    }
}
