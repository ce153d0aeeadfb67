//! The headers that an operation declares as JSON, so that the document's schemas can judge them.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use crate::error::Details;

/// Reads these headers; one that comes twice is a bad field.
pub(super) fn parse<'a>(
    headers: &HeaderMap,
    names: impl Iterator<Item = &'a str>,
    bad: &mut Details,
) -> Map<String, Value> {
    let mut values = Map::new();
    for name in names {
        let mut sent = headers.get_all(name).iter();
        let Some(value) = sent.next() else {
            continue;
        };
        if sent.next().is_some() {
            bad.insert(name.to_owned(), "Given more than once".into());
        }
        // What is not UTF-8 gets a replacement character, which no pattern of visible ASCII takes.
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        values.insert(name.to_owned(), Value::String(text));
    }
    values
}
