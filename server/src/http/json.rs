//! Parses a body as JSON. Duplicate names are refused, because parsers differ in which of the values they take.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::error::HttpError;
use crate::error::Details;

/// The byte order mark, which a parser may ignore (RFC 8259, 8.1).
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Parses a body. A duplicate name is reported as a field that is not valid.
pub(super) fn parse(body: &[u8], bad: &mut Details) -> Result<Value, HttpError> {
    let text = without_mark(body);
    if text.trim_ascii().is_empty() {
        return Err(HttpError::Malformed("The body is empty"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let mut path = String::new();
    let reader = Reader {
        path: &mut path,
        bad,
    };
    let read = reader.deserialize(&mut deserializer);
    read.and_then(|value| deserializer.end().map(|()| value))
        // The parser's message may repeat the input.
        .map_err(|error| HttpError::NotJson {
            line: error.line(),
            column: error.column(),
        })
}

/// Whether a body has no content. Some clients send one with each GET.
pub(super) fn is_nothing(body: &[u8]) -> bool {
    let text = without_mark(body).trim_ascii();
    text.is_empty()
        || match serde_json::from_slice(text) {
            Ok(Value::Null) => true,
            Ok(Value::Object(fields)) => fields.is_empty(),
            _ => false,
        }
}

fn without_mark(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body)
}

/// Parses one value at any depth.
struct Reader<'a> {
    /// The dotted path of the value.
    path: &'a mut String,
    bad: &'a mut Details,
}

impl Reader<'_> {
    /// Appends a name to the path, until [`Self::leave`] removes it.
    fn enter(&mut self, name: &str) -> usize {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        length
    }

    fn leave(&mut self, length: usize) {
        self.path.truncate(length);
    }

    fn within(&mut self) -> Reader<'_> {
        Reader {
            path: self.path,
            bad: self.bad,
        }
    }
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom("no number of JSON"))?;
        Ok(Value::Number(number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        loop {
            let length = self.enter(&values.len().to_string());
            let value = sequence.next_element_seed(self.within())?;
            self.leave(length);
            match value {
                Some(value) => values.push(value),
                None => return Ok(Value::Array(values)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let length = self.enter(&name);
            let value = map.next_value_seed(self.within())?;
            if fields.contains_key(&name) {
                self.bad
                    .insert(self.path.clone(), "Given more than once".into());
            }
            self.leave(length);
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> (Value, Vec<String>) {
        let mut bad = Details::new();
        let value = parse(body.as_bytes(), &mut bad).expect("JSON");
        (value, bad.into_keys().collect())
    }

    #[test]
    fn a_field_that_comes_twice_is_named_wherever_it_stands() {
        for (body, expected) in [
            (r#"{"a":1,"b":{"c":2}}"#, &[][..]),
            (r#"{"a":1,"a":1}"#, &["a"]),
            (r#"{"a":{"b":1,"c":2,"b":3},"d":1,"d":null}"#, &["a.b", "d"]),
            (r#"{"a":[{"b":1},{"b":1,"b":2}]}"#, &["a.1.b"]),
            (r#"[{"b":1,"\u0062":2}]"#, &["0.b"]),
            (r#"{"a":1,"A":1}"#, &[]),
        ] {
            assert_eq!(read(body).1, expected, "{body}");
        }
    }

    #[test]
    fn a_mark_at_the_beginning_is_ignored_and_one_elsewhere_is_text() {
        assert_eq!(
            read("\u{feff}{\"a\":\"\u{feff}\"}").0,
            json!({"a": "\u{feff}"})
        );
        let mut bad = Details::new();
        assert!(parse("\u{feff}\u{feff}{}".as_bytes(), &mut bad).is_err());
    }

    #[test]
    fn an_empty_body_is_told_to_be_empty() {
        for body in ["", " \r\n\t", "\u{feff}", "\u{feff} "] {
            let error = parse(body.as_bytes(), &mut Details::new());
            assert!(
                matches!(error, Err(HttpError::Malformed("The body is empty"))),
                "{body:?}"
            );
        }
    }

    #[test]
    fn what_says_nothing_is_told_from_what_says_something() {
        for body in ["", " ", "{}", " { } ", "null", "\u{feff}{}", "\n"] {
            assert!(is_nothing(body.as_bytes()), "{body:?}");
        }
        for body in [
            "[]",
            "0",
            "false",
            "\"\"",
            "{\"a\":1}",
            "nonsense",
            "{} {}",
            "{",
        ] {
            assert!(!is_nothing(body.as_bytes()), "{body:?}");
        }
    }

    proptest! {
        #[test]
        fn without_a_field_twice_it_reads_what_serde_json_reads(text in "[\\[\\]{}:,\"a-c0-9.eE+\\- \\\\u]{0,40}") {
            let mut bad = Details::new();
            let value = parse(text.as_bytes(), &mut bad).ok();
            let expected = serde_json::from_str::<Value>(&text).ok();
            prop_assert_eq!(value, expected);
        }
    }
}
