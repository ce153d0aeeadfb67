//! Converts a query string to JSON, for validation against the document.

use konektor_spec::{Kind, Schema};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::error::HttpError;
use crate::error::Details;

/// Parses `name=value&…`. A duplicate name is reported as a field that is not valid.
pub(super) fn parse(query: &str, bad: &mut Details) -> Result<Map<String, Value>, HttpError> {
    // The parser below would replace invalid UTF-8.
    if percent_decode_str(query).decode_utf8().is_err() {
        return Err(HttpError::Malformed("The query is not valid UTF-8"));
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

/// Converts text to the number that a schema asks for. Other text stays, for the schema to refuse. A blank before a
/// time's offset is an unescaped + and is restored.
pub(super) fn convert(values: &mut Map<String, Value>, name: &str, schema: &Schema) {
    if schema.kind() == Some(Kind::Integer)
        && let Some(value) = values.get_mut(name)
        && let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok())
    {
        *value = number.into();
    }
    if schema.is_time()
        && let Some(value) = values.get_mut(name)
        && let Some(time) = value.as_str().and_then(with_plus)
    {
        *value = time.into();
    }
}

/// A time whose offset has lost its +, with it; None for any other text.
fn with_plus(text: &str) -> Option<String> {
    let (time, offset) = text.rsplit_once(' ')?;
    let is_offset = matches!(offset.as_bytes(), [a, b, b':', c, d]
        if [a, b, c, d].iter().all(|digit| digit.is_ascii_digit()));
    (is_offset && time.contains(['T', 't'])).then(|| format!("{time}+{offset}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_plus_of_an_offset_is_put_back() {
        assert_eq!(
            with_plus("2025-01-15T10:30:00 07:00").as_deref(),
            Some("2025-01-15T10:30:00+07:00")
        );
        for other in [
            "2025-01-15",
            "2025-01-15 10:30",
            "2025-01-15T10:30:00Z",
            "T 7:00",
            "T é07:0",
            " ",
        ] {
            assert_eq!(with_plus(other), None, "{other}");
        }
    }
}
