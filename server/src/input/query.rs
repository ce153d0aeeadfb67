//! A query string as JSON, so that the document's schemas can judge it.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::reply::{Details, Error};

/// Reads `name=value&…`; a name that comes twice is a bad field.
pub(super) fn parse(query: &str, bad: &mut Details) -> Result<Map<String, Value>, Error> {
    // The parser below would put a replacement character into the place of what is not UTF-8.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(Error::Malformed("The query is not valid UTF-8"));
    }
    let mut values = Map::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if values
            .insert(name.clone().into_owned(), Value::String(value.into_owned()))
            .is_some()
        {
            bad.insert(name.into_owned(), "Given more than once".into());
        }
    }
    Ok(values)
}

/// Turns text into the number that a schema asks for; text that is none stays, for the schema to refuse.
pub(super) fn convert(values: &mut Map<String, Value>, name: &str, schema: &Value) {
    if schema["type"] == "integer"
        && let Some(value) = values.get_mut(name)
        && let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok())
    {
        *value = number.into();
    }
}
