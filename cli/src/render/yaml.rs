//! YAML that is safe to show on a terminal.

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use crate::base::sanitize::is_harmful;
use crate::error::Failure;

/// Writes a value as a document, or an array as the items of a list.
pub(super) fn text(value: &Value) -> Result<String, Failure> {
    let text = serde_saphyr::to_string(&Harmless(value))
        .map_err(|_| Failure::other("cannot write the answer as YAML"))?;
    Ok(escaped(&text))
}

/// Escapes the control characters that the crate leaves as they are. All of them are in double quotes.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;

    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        let code = u32::from(letter);
        let _ = match letter {
            '\n' | '\t' => escaped.write_char(letter),
            letter if !is_harmful(letter) => escaped.write_char(letter),
            _ if code <= 0xffff => write!(escaped, "\\u{code:04x}"),
            _ => write!(escaped, "\\U{code:08x}"),
        }; // Writing to a String cannot fail.
    }
    escaped
}

/// A value whose strings are in double quotes if they need escapes.
struct Harmless<'a>(&'a Value);

impl Serialize for Harmless<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) => Text(text).serialize(serializer),
            Value::Array(values) => serializer.collect_seq(values.iter().map(Harmless)),
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(&Text(name), &Harmless(value))?;
                }
                map.end()
            }
            value => value.serialize(serializer),
        }
    }
}

struct Text<'a>(&'a str);

impl Serialize for Text<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_plain = |letter| matches!(letter, '\n' | '\t') || !is_harmful(letter);
        if self.0.chars().all(is_plain) {
            self.0.serialize(serializer)
        } else {
            DoubleQuoted(self.0).serialize(serializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::base::sanitize::tests::HARMFUL;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_means_the_same() {
        let one_by_one = HARMFUL.chars().map(|letter| format!("a{letter}b: \\ #"));
        let texts: Vec<_> = one_by_one.chain([HARMFUL.to_owned()]).collect();
        let named: Value = texts.iter().map(|text| (text.clone(), json!(1))).collect();
        for value in [json!(texts), json!({"nested": [{"x": texts}]}), named] {
            let text = text(&value).unwrap();
            assert!(
                !text
                    .chars()
                    .any(|c| !matches!(c, '\n' | '\t') && is_harmful(c)),
                "{text:?}"
            );
            assert_eq!(
                serde_saphyr::from_str::<Value>(&text).unwrap(),
                value,
                "{text}"
            );
        }
    }
}
