//! Converts the headers that an operation declares to JSON, for validation against the document.

use axum::http::HeaderMap;
use serde_json::{Map, Value};

use crate::error::Details;

/// Reads these headers. A duplicate header is reported as a field that is not valid.
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
        // Invalid UTF-8 becomes a replacement character, which patterns of visible ASCII refuse.
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        values.insert(name.to_owned(), Value::String(text));
    }
    values
}
