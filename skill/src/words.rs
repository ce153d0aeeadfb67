//! Schemas in a few words, the same ones in SKILL.md and on the docs page.

use serde_json::Value;

/// What a value may be, null and default left out: `1–100 chars`, `integer 1–100`, `email`, `low | high`.
///
/// The schema is plain JSON Schema as [`konektor_spec::Spec`] hands it out.
pub(crate) fn allowed(schema: &Value) -> String {
    if let Some(values) = schema["enum"].as_array() {
        return join(
            values.iter().filter(|value| !value.is_null()).map(text),
            " | ",
        );
    }
    for alternatives in ["anyOf", "oneOf"] {
        if let Some(alternatives) = schema[alternatives].as_array() {
            return join(alternatives.iter().map(allowed), " or ");
        }
    }
    match kind(schema) {
        "string" => string(schema),
        "integer" => number("integer", schema),
        "number" => number("number", schema),
        "array" => match allowed(&schema["items"]).as_str() {
            "" => "list".to_owned(),
            items => format!("list of {items}"),
        },
        other => other.to_owned(),
    }
}

/// The values of `enum`, null left out.
pub(crate) fn has_enum(schema: &Value) -> bool {
    schema["enum"].is_array()
}

/// Whether null may be sent or answered.
pub(crate) fn nullable(schema: &Value) -> bool {
    schema["type"]
        .as_array()
        .is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
}

/// The default, as one would type it.
pub(crate) fn default(schema: &Value) -> Option<String> {
    schema.get("default").map(text)
}

/// A value as one would type it: strings without quotes, everything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The one type that is not null.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| *kind != "null"),
        kind => kind.as_str(),
    }
    .unwrap_or_default()
}

fn string(schema: &Value) -> String {
    let format = match schema["format"].as_str() {
        Some("date-time") => Some("time"),
        Some("uuid") => Some("UUID"),
        // Goes without saying where something is required.
        Some("nonblank") => None,
        format => format,
    };
    // That something with a format is not empty goes without saying.
    let shortest = schema["minLength"]
        .as_u64()
        .filter(|shortest| *shortest > u64::from(format.is_some()));
    let length =
        range(shortest, schema["maxLength"].as_u64()).map(|range| format!("{range} chars"));
    let pattern = schema["pattern"].as_str().map(|pattern| {
        schema["x-konektor-message"]
            .as_str()
            .map_or_else(|| format!("matches {pattern}"), lower_first)
    });
    let parts: Vec<_> = [format.map(str::to_owned), length, pattern]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        "string".to_owned()
    } else {
        parts.join(", ")
    }
}

fn number(kind: &str, schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).filter(|bound| bound.is_number());
    match range(bound("minimum"), bound("maximum")) {
        Some(range) => format!("{kind} {range}"),
        None => kind.to_owned(),
    }
}

fn range<T: ToString>(from: Option<T>, to: Option<T>) -> Option<String> {
    match (from, to) {
        (Some(from), Some(to)) => Some(format!("{}–{}", from.to_string(), to.to_string())),
        (Some(from), None) => Some(format!("≥{}", from.to_string())),
        (None, Some(to)) => Some(format!("≤{}", to.to_string())),
        (None, None) => None,
    }
}

fn lower_first(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(rest).collect()
    })
}

fn join(parts: impl Iterator<Item = String>, separator: &str) -> String {
    parts.collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_told_in_characters_and_numbers() {
        assert_eq!(
            allowed(&json!({"type": "string", "minLength": 1, "maxLength": 100})),
            "1–100 chars"
        );
        assert_eq!(
            allowed(&json!({"type": ["string", "null"], "maxLength": 9})),
            "≤9 chars"
        );
        assert_eq!(
            allowed(&json!({"type": "integer", "minimum": 1})),
            "integer ≥1"
        );
        assert_eq!(
            allowed(&json!({"type": "number", "minimum": 0, "maximum": 2.5})),
            "number 0–2.5"
        );
        assert_eq!(allowed(&json!({"type": "string"})), "string");
    }

    #[test]
    fn a_format_stands_for_itself_and_keeps_its_length() {
        assert_eq!(
            allowed(&json!({"type": "string", "format": "email", "minLength": 1})),
            "email"
        );
        assert_eq!(
            allowed(&json!({"type": "string", "format": "phone", "minLength": 1, "maxLength": 20})),
            "phone, ≤20 chars"
        );
    }

    #[test]
    fn a_pattern_is_told_by_its_message_or_by_itself() {
        let mut schema = json!({"type": "string", "pattern": "^a"});
        assert_eq!(allowed(&schema), "matches ^a");
        schema["x-konektor-message"] = json!("Must begin with a");
        assert_eq!(allowed(&schema), "must begin with a");
    }

    #[test]
    fn allowed_values_leave_null_to_nullable() {
        let schema = json!({"type": ["string", "null"], "enum": ["low", "high", null]});
        assert_eq!(allowed(&schema), "low | high");
        assert!(nullable(&schema));
        assert!(!nullable(&json!({"type": "string"})));
    }

    #[test]
    fn alternatives_are_all_told() {
        let time = json!({"anyOf": [
            {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
        ]});
        assert_eq!(allowed(&time), "time or date");
    }
}
