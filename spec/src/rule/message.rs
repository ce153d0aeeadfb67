//! What a caller is told about a bad field: what it may be, never what it was.

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};
use serde_json::Value;

use crate::phone::Phone;

/// How much a reason says; when a field is bad in several ways the lowest is told.
pub(super) type Rank = u8;

/// The bad fields that one finding of the validator is about, each with a reason.
///
/// `at` is the dotted path of the value that was judged, `schema` its schema.
pub(super) fn findings(
    error: &ValidationError<'_>,
    at: &str,
    schema: &Value,
) -> Vec<(String, Rank, String)> {
    let own = |rank, message: String| vec![(at.to_owned(), rank, message)];
    match error.kind() {
        Kind::Required { property } => {
            vec![(
                join(at, property.as_str().unwrap_or_default()),
                0,
                "Required".into(),
            )]
        }
        Kind::AdditionalProperties { unexpected } => unexpected
            .iter()
            .map(|name| (join(at, name), 0, unknown(schema)))
            .collect(),
        Kind::Type { .. } if error.instance().is_null() => own(0, "Must not be null".into()),
        Kind::Type { .. } => own(0, wanted_type(schema)),
        Kind::Enum { options } => own(1, allowed(options)),
        Kind::MinLength { limit: 1 } => own(1, "Must not be empty".into()),
        Kind::MinLength { limit } => own(1, format!("Must have at least {limit} characters")),
        Kind::MaxLength { limit } => own(1, format!("Must have at most {limit} characters")),
        Kind::Minimum { limit } => own(1, format!("Must be at least {limit}")),
        Kind::Maximum { limit } => own(1, format!("Must be at most {limit}")),
        // Says what to write, which helps more than a length; that it is empty says all there is to say.
        Kind::Format { format } if format == "phone" => match error.instance().as_str() {
            Some(text) if !text.is_empty() => text
                .parse::<Phone>()
                .err()
                .map_or_else(Vec::new, |why| own(0, why.to_string())),
            _ => own(2, "Invalid phone".to_owned()),
        },
        _ => own(
            2,
            schema["x-konektor-message"]
                .as_str()
                .unwrap_or("Invalid")
                .to_owned(),
        ),
    }
}

/// The dotted path of a field in a value.
pub(super) fn join(parent: &str, field: &str) -> String {
    if parent.is_empty() {
        field.to_owned()
    } else {
        format!("{parent}.{field}")
    }
}

/// The schema of query parameters says so itself.
fn unknown(schema: &Value) -> String {
    schema["x-unknown"]
        .as_str()
        .unwrap_or("Unknown field")
        .to_owned()
}

fn wanted_type(schema: &Value) -> String {
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.first(),
        kind => Some(kind),
    };
    match kinds.and_then(Value::as_str) {
        Some("string") => "Must be text",
        Some("integer") => "Must be a whole number",
        Some("number") => "Must be a number",
        Some("boolean") => "Must be true or false",
        Some("array") => "Must be a list",
        Some("object") => "Must be an object",
        _ => "Invalid",
    }
    .into()
}

fn allowed(options: &Value) -> String {
    let values: Vec<_> = options
        .as_array()
        .into_iter()
        .flatten()
        .map(|value| value.as_str().unwrap_or("null"))
        .collect();
    format!("Must be one of: {}", values.join(", "))
}
