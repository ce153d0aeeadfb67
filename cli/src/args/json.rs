//! Converts text to the JSON type of a schema.

use konektor_spec::{Kind, Operation, Schema};
use serde_json::{Value, json};

use super::parsers::{number, whole_number};

/// Converts the value of a field, named by its dotted path. It stays text if the document does not have the field.
pub(crate) fn field(operation: Option<&Operation>, path: &str, text: &str) -> Value {
    let body = operation.and_then(|operation| operation.body.as_ref());
    let mut names = path.split('.');
    let schema =
        body.and_then(|body| names.try_fold(&body.schema, |schema, name| schema.property(name)));
    schema.map_or_else(|| text.into(), |schema| value(schema, text))
}

/// Converts text to the type of a schema. Text that does not parse stays text, so that the check against the schema
/// reports it.
pub(crate) fn value(schema: &Schema, text: &str) -> Value {
    let trimmed = text.trim();
    let value = match schema.kind() {
        Some(Kind::Integer) => whole_number(trimmed).map(Value::from).ok(),
        Some(Kind::Number) => number(trimmed).map(|number| json!(number)).ok(),
        Some(Kind::Boolean) => trimmed.parse().map(Value::Bool).ok(),
        _ => {
            let mut words = schema.values();
            let word = words.find(|word| word.eq_ignore_ascii_case(trimmed));
            word.map(Value::from)
        }
    };
    value.unwrap_or_else(|| text.into())
}
