//! Schemas in a few words, for SKILL.md and the docs page.

use konektor_spec::{Kind, Schema};
use serde_json::Value;

/// The allowed values in words, without null and default: `1–100 chars`, `integer 1–100`, `email`, `low | high`.
pub(crate) fn allowed(schema: &Schema) -> String {
    if schema.has_values() {
        return join(schema.values().map(str::to_owned), " | ");
    }
    if !schema.alternatives().is_empty() {
        return join(schema.alternatives().iter().map(allowed), " or ");
    }
    match schema.kind() {
        Some(Kind::String) => string(schema),
        Some(Kind::Integer) => number("integer", schema),
        Some(Kind::Number) => number("number", schema),
        Some(Kind::Boolean) => "boolean".to_owned(),
        Some(Kind::Array) => match schema.items().map(allowed).unwrap_or_default().as_str() {
            "" => "list".to_owned(),
            items => format!("list of {items}"),
        },
        Some(Kind::Object) => "object".to_owned(),
        None => String::new(),
    }
}

/// A value as people type it: strings without quotes, everything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The parts with a space between them.
pub(crate) fn spaced(parts: impl Iterator<Item = String>) -> String {
    join(parts, " ")
}

fn string(schema: &Schema) -> String {
    let format = match schema.format() {
        Some("date-time") => Some("time"),
        Some("time-or-date") => Some("time or date"),
        Some("uuid") => Some("UUID"),
        // Obvious for a required field.
        Some("nonblank") => None,
        format => format,
    };
    // A value with a format is never empty.
    let shortest = schema
        .min_length()
        .filter(|shortest| *shortest > u64::from(format.is_some()));
    let length = range(shortest, schema.max_length()).map(|range| format!("{range} chars"));
    let message = || schema.message().map(lower_first);
    let pattern = match (schema.pattern(), schema.refuses_pattern()) {
        (Some(pattern), _) => message().or_else(|| Some(format!("matches {pattern}"))),
        (None, Some(pattern)) => message().or_else(|| Some(format!("does not match {pattern}"))),
        (None, None) => None,
    };
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

fn number(kind: &str, schema: &Schema) -> String {
    match range(schema.minimum(), schema.maximum()) {
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

    fn allowed(schema: &Value) -> String {
        super::allowed(&Schema::from_json(schema))
    }

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
        assert!(Schema::from_json(&schema).is_nullable());
    }

    #[test]
    fn alternatives_are_all_told() {
        let time = json!({"anyOf": [
            {"type": "string", "format": "date-time"}, {"type": "string", "format": "date"},
        ]});
        assert_eq!(allowed(&time), "time or date");
    }
}
