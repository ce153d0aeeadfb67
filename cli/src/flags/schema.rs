//! What a schema says about a value that is typed.

use clap::builder::{PossibleValuesParser, TypedValueParser as _, ValueParser};
use konektor_sdk::uuid::Uuid;
use serde_json::{Value, json};

use super::word;

/// Range, length and default, for the help.
pub(super) fn facts(schema: &Value) -> impl Iterator<Item = String> {
    [range(schema), length(schema), default(schema)]
        .into_iter()
        .flatten()
}

fn range(schema: &Value) -> Option<String> {
    match (&schema["minimum"], &schema["maximum"]) {
        (Value::Null, Value::Null) => None,
        (least, Value::Null) => Some(format!("at least {least}")),
        (Value::Null, most) => Some(format!("at most {most}")),
        (least, most) => Some(format!("{least} to {most}")),
    }
}

fn length(schema: &Value) -> Option<String> {
    let most = schema["maxLength"].as_u64()?;
    Some(format!("at most {most} characters"))
}

fn default(schema: &Value) -> Option<String> {
    match &schema["default"] {
        Value::Null => None,
        Value::String(default) => Some(format!("default: {default}")),
        default => Some(format!("default: {default}")),
    }
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds
            .iter()
            .filter_map(Value::as_str)
            .find(|k| *k != "null"),
        kind => kind.as_str(),
    }
    .unwrap_or("string")
}

pub(super) fn may_be_null(schema: &Value) -> bool {
    schema["type"]
        .as_array()
        .is_some_and(|kinds| kinds.iter().any(|kind| kind == "null"))
}

/// Text as the value that a schema asks for; text that is none stays, for the schema to refuse.
pub(crate) fn typed(schema: &Value, text: &str) -> Value {
    let trimmed = text.trim();
    let value = match kind(schema) {
        "integer" => whole_number(trimmed).ok(),
        "number" => number(trimmed).ok(),
        "boolean" => trimmed.parse().map(Value::Bool).ok(),
        _ => words(schema)
            .into_iter()
            .find(|word| word.eq_ignore_ascii_case(trimmed))
            .map(Value::String),
    };
    value.unwrap_or_else(|| text.into())
}

fn words(schema: &Value) -> Vec<String> {
    let values = schema["enum"].as_array().into_iter().flatten();
    values
        .filter_map(|value| value.as_str().map(str::to_owned))
        .collect()
}

/// Whether it is a moment: a time, or a whole day.
pub(super) fn is_time(schema: &Value) -> bool {
    schema["anyOf"].is_array()
}

pub(super) fn value_name(schema: &Value) -> &'static str {
    match (kind(schema), schema["format"].as_str()) {
        _ if !words(schema).is_empty() => "VALUE",
        _ if is_time(schema) => "TIME",
        ("integer" | "number", _) => "NUMBER",
        ("boolean", _) => "BOOL",
        (_, Some("uuid")) => "UUID",
        _ => "TEXT",
    }
}

/// Only what decides how a value is written into JSON is looked at here, and words, because a person
/// wants the nearest one; limits are the server's to check.
pub(super) fn parser(schema: &Value) -> ValueParser {
    let words = words(schema);
    if !words.is_empty() {
        return word(words).map(Value::String).into();
    }
    match (kind(schema), schema["format"].as_str()) {
        ("integer", _) => ValueParser::new(whole_number),
        ("number", _) => ValueParser::new(number),
        ("boolean", _) => PossibleValuesParser::new(["true", "false"])
            .map(|word| Value::Bool(word == "true"))
            .into(),
        (_, Some("uuid")) => ValueParser::new(uuid),
        _ => ValueParser::new(text),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "what clap asks of a parser")]
fn text(text: &str) -> Result<Value, &'static str> {
    Ok(text.into())
}

fn whole_number(text: &str) -> Result<Value, &'static str> {
    text.parse::<u64>()
        .map(Value::from)
        .map_err(|_| "not a whole number")
}

fn number(text: &str) -> Result<Value, &'static str> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(json!(number)),
        _ => Err("not a number; write it like 5000000 or 49.5"),
    }
}

fn uuid(text: &str) -> Result<Value, &'static str> {
    text.parse::<Uuid>()
        .map(|id| Value::String(id.to_string()))
        .map_err(|_| "not a UUID")
}
