//! How an answer is to be written, as the flags say.

use std::{borrow::Cow, ffi::OsString};

use serde_json::Value;

use super::{jq::Filter, json_rows};
use crate::{
    base::{ColumnSelection, Field, Format},
    env::Environment,
};

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

    /// The flags that lead to these options.
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
            fields.iter().map(|field| field.name.to_owned()).collect()
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
