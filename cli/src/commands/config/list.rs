use clap::Args;
use serde_json::json;

use crate::{
    commands::LocalCommand,
    config::{OUTPUT, PROFILE, SETTINGS, SettingValue},
    error::Failure,
    render::{Answer, Cell, Column, NOTHING, Table, View},
    session::Context,
};

#[derive(Args)]
pub(crate) struct List {}

impl LocalCommand for List {
    const PATH: &'static [&'static str] = &["config", "list"];
    const ABOUT: &'static str = "Show every setting, and where its value came from";
    const EXAMPLES: &'static str = "  konektor config list
  konektor config list --profile toko -o json";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context)
    }
}

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &context.settings;
    let mut rows = vec![row(PROFILE, settings.require_profile())];
    rows.extend(
        SETTINGS
            .iter()
            .map(|setting| row(setting.name, settings.require(setting))),
    );
    let (key, source) = match context.key_source() {
        Ok(Some(source)) => ("(secret)", source.to_string()),
        Ok(None) => (NOTHING, NOTHING.to_owned()),
        Err(failure) => (NOTHING, failure.lines().join("; ")),
    };
    rows.push(("api-key", key.to_owned(), source));
    for warning in settings.warnings(&[&OUTPUT]) {
        context.environment.say(&format!("warning: {warning}"));
    }

    let json: Vec<_> = rows
        .iter()
        .map(|(name, value, source)| json!({"name": name, "value": value, "source": source}))
        .collect();
    let table = Table::new(
        [
            Column::new("NAME"),
            Column::new("VALUE"),
            Column::new("SOURCE"),
        ],
        rows.into_iter().map(|(name, value, source)| {
            vec![Cell::new(name), Cell::new(value), Cell::new(source)]
        }),
    );
    Answer::new(&json, View::Table(table))
}

/// Shows the error of a wrong setting in its place.
fn row(
    name: &'static str,
    found: Result<&SettingValue, Failure>,
) -> (&'static str, String, String) {
    match found {
        Ok(found) => (name, found.text.clone(), found.source.to_string()),
        Err(failure) => (name, NOTHING.to_owned(), failure.message().to_owned()),
    }
}
