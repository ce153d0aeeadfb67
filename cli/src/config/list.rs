use serde_json::json;

use super::{Found, PROFILE, SETTINGS};
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
    shape: |command, _| described(command, ABOUT, EXAMPLES),
    run: |desk| Box::pin(std::future::ready(run(desk))),
};

fn run<'a>(desk: &Desk<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &desk.settings;
    let mut rows: Vec<(&str, String, String)> = vec![shown(PROFILE, &settings.profile)];
    rows.extend(
        SETTINGS
            .iter()
            .map(|setting| shown(setting.name, settings.get(setting))),
    );
    let (key, source) = match desk.key_source() {
        Ok(Some(source)) => ("(secret)", source.to_string()),
        Ok(None) => (NOTHING, NOTHING.to_owned()),
        // The settings are of use without it.
        Err(failure) => (NOTHING, failure.message().to_owned()),
    };
    rows.push(("api-key", key.to_owned(), source));

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

fn shown(name: &'static str, found: &Found) -> (&'static str, String, String) {
    (name, found.text.clone(), found.source.to_string())
}
