//! The message about a bad field: what is allowed, never the value itself.

use jsonschema::{ValidationError, error::ValidationErrorKind as Kind};
use serde_json::Value;

use crate::{
    phone::Phone,
    schema::{Kind as Type, Schema},
};

/// The priority of a reason. A field that is bad in several ways gets the lowest.
pub(super) type Rank = u8;

/// The bad fields of one error of the validator, each with a reason.
///
/// `at` is the dotted path of the value, `schema` its schema, if any, and `unknown` the message for a name that the
/// schema does not have.
pub(super) fn findings(
    error: &ValidationError<'_>,
    at: &str,
    schema: Option<&Schema>,
    unknown: &str,
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
            .map(|name| (join(at, name), 0, unknown.to_owned()))
            .collect(),
        Kind::Type { .. } if error.instance().is_null() => own(0, "Must not be null".into()),
        Kind::Type { .. } => own(0, wanted_type(schema)),
        Kind::Enum { options } => own(1, allowed(options)),
        Kind::MinLength { limit: 1 } => own(1, "Must not be empty".into()),
        Kind::MinLength { limit } => own(1, format!("Must have at least {limit} characters")),
        Kind::MaxLength { limit } => own(1, format!("Must have at most {limit} characters")),
        Kind::Minimum { limit } => own(1, format!("Must be at least {limit}")),
        Kind::Maximum { limit } => own(1, format!("Must be at most {limit}")),
        // Tells what to write, which helps more than a length. An empty text needs no more than that.
        Kind::Format { format } if format == "phone" => match error.instance().as_str() {
            Some(text) if !text.is_empty() => text
                .parse::<Phone>()
                .err()
                .map_or_else(Vec::new, |why| own(0, why.to_string())),
            _ => own(2, "Invalid phone".to_owned()),
        },
        _ => own(
            2,
            schema
                .and_then(Schema::message)
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

fn wanted_type(schema: Option<&Schema>) -> String {
    match schema.and_then(Schema::kind) {
        Some(Type::String) => "Must be text",
        Some(Type::Integer) => "Must be a whole number",
        Some(Type::Number) => "Must be a number",
        Some(Type::Boolean) => "Must be true or false",
        Some(Type::Array) => "Must be a list",
        Some(Type::Object) => "Must be an object",
        None => "Invalid",
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
