//! What a schema says about a value that is typed.

use clap::builder::{PossibleValuesParser, TypedValueParser as _, ValueParser};
use konektor_sdk::uuid::Uuid;
use konektor_spec::{Kind, Schema};
use serde_json::{Value, json};

use super::word;

/// Range, length and default, for the help.
pub(super) fn facts(schema: &Schema) -> impl Iterator<Item = String> {
    [range(schema), length(schema), default(schema)]
        .into_iter()
        .flatten()
}

fn range(schema: &Schema) -> Option<String> {
    match (schema.minimum(), schema.maximum()) {
        (None, None) => None,
        (Some(least), None) => Some(format!("at least {least}")),
        (None, Some(most)) => Some(format!("at most {most}")),
        (Some(least), Some(most)) => Some(format!("{least} to {most}")),
    }
}

fn length(schema: &Schema) -> Option<String> {
    let most = schema.max_length()?;
    Some(format!("at most {most} characters"))
}

fn default(schema: &Schema) -> Option<String> {
    Some(match schema.default_value()? {
        Value::String(default) => format!("default: {default}"),
        default => format!("default: {default}"),
    })
}

/// Text as the value that a schema asks for; text that is none stays, for the schema to refuse.
pub(crate) fn typed(schema: &Schema, text: &str) -> Value {
    let trimmed = text.trim();
    let value = match schema.kind() {
        Some(Kind::Integer) => whole_number(trimmed).ok(),
        Some(Kind::Number) => number(trimmed).ok(),
        Some(Kind::Boolean) => trimmed.parse().map(Value::Bool).ok(),
        _ => words(schema)
            .into_iter()
            .find(|word| word.eq_ignore_ascii_case(trimmed))
            .map(Value::String),
    };
    value.unwrap_or_else(|| text.into())
}

fn words(schema: &Schema) -> Vec<String> {
    schema.values().map(str::to_owned).collect()
}

pub(super) fn value_name(schema: &Schema) -> &'static str {
    match (schema.kind(), schema.format()) {
        _ if !words(schema).is_empty() => "VALUE",
        _ if schema.is_time() => "TIME",
        (Some(Kind::Integer | Kind::Number), _) => "NUMBER",
        (Some(Kind::Boolean), _) => "BOOL",
        (_, Some("uuid")) => "UUID",
        _ => "TEXT",
    }
}

/// Only what decides how a value is written into JSON is looked at here, and words, because a person
/// wants the nearest one; limits are the server's to check.
pub(super) fn parser(schema: &Schema) -> ValueParser {
    let words = words(schema);
    if !words.is_empty() {
        return word(words).map(Value::String).into();
    }
    match (schema.kind(), schema.format()) {
        (Some(Kind::Integer), _) => ValueParser::new(whole_number),
        (Some(Kind::Number), _) => ValueParser::new(number),
        (Some(Kind::Boolean), _) => PossibleValuesParser::new(["true", "false"])
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
