use serde_json::json;

use super::{Found, OUTPUT, PROFILE, SETTINGS};
use crate::{
    desk::Desk,
    error::Failure,
    output::{Answer, Cell, Column, NOTHING, Table, View},
    verb::{Local, described},
};

const ABOUT: &str = "Show every setting, and where its value came from.";
const EXAMPLES: &str = "  konektor config list
  konektor config list --profile toko -o json";

pub(crate) static LIST: Local = Local {
    path: &["config", "list"],
    noun: "Profiles and their settings.",
    needs: &[],
    shape: |command, _| described(command, ABOUT, EXAMPLES),
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &desk.settings;
    let mut rows = vec![row(PROFILE, settings.require_profile())];
    rows.extend(
        SETTINGS
            .iter()
            .map(|setting| row(setting.name, settings.require(setting))),
    );
    let (key, source) = match desk.key_source() {
        Ok(Some(source)) => ("(secret)", source.to_string()),
        Ok(None) => (NOTHING, NOTHING.to_owned()),
        Err(failure) => (NOTHING, failure.lines().join("; ")),
    };
    rows.push(("api-key", key.to_owned(), source));
    for warning in settings.warnings(&[&OUTPUT]) {
        desk.world.say(&format!("warning: {warning}"));
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

/// The others are of use without one that is wrong.
fn row(name: &'static str, found: Result<&Found, Failure>) -> (&'static str, String, String) {
    match found {
        Ok(found) => (name, found.text.clone(), found.source.to_string()),
        Err(failure) => (name, NOTHING.to_owned(), failure.message().to_owned()),
    }
}
