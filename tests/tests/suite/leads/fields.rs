//! The fields of a lead that callers can set, from the document, so that tests cover a new field too.

use konektor_spec::{Kind, Schema, Spec};
use serde_json::{Map, Value, json};

/// The fields of `POST /leads` with the schema of a value that is not null.
fn fields() -> impl Iterator<Item = (&'static str, &'static Schema)> {
    let create = Spec::builtin().schema("LeadCreate").unwrap();
    create.properties().map(|(name, schema)| {
        let not_null = schema.alternatives().first().unwrap_or(schema);
        (name, not_null)
    })
}

/// The fields that may be null, or those that may not.
pub(super) fn nullable(nullable: bool) -> Vec<&'static str> {
    let create = Spec::builtin().schema("LeadCreate").unwrap();
    let fields = create.properties();
    fields
        .filter(|(_, schema)| schema.is_nullable() == nullable)
        .map(|(name, _)| name)
        .collect()
}

/// The fields whose values are texts without a meaning to the server, with the longest length.
pub(super) fn free_texts() -> Vec<(&'static str, usize)> {
    fields()
        .filter(|(_, schema)| is_free_text(schema))
        .filter_map(|(name, schema)| Some((name, usize::try_from(schema.max_length()?).ok()?)))
        .collect()
}

/// The fields whose values are texts of many kinds: free texts, email addresses and phone numbers.
pub(super) fn open_texts() -> Vec<&'static str> {
    fields()
        .filter(|(_, schema)| {
            is_free_text(schema) || matches!(schema.format(), Some("email" | "phone"))
        })
        .map(|(name, _)| name)
        .collect()
}

/// A lead with these values, and a sample value in every other field. Samples of other numbers differ in every field.
pub(super) fn with_samples(mut lead: Value, number: usize) -> Value {
    for (name, schema) in fields() {
        if lead[name].is_null() {
            lead[name] = sample(schema, number);
        }
    }
    lead
}

/// An object with the same value in each field.
pub(super) fn each(names: &[&str], value: &Value) -> Value {
    let fields = names.iter().map(|name| ((*name).to_owned(), value.clone()));
    Value::Object(fields.collect::<Map<_, _>>())
}

fn is_free_text(schema: &Schema) -> bool {
    schema.kind() == Some(Kind::String)
        && !schema.is_enum()
        && matches!(schema.format(), None | Some("nonblank"))
}

fn sample(schema: &Schema, number: usize) -> Value {
    match (schema.kind(), schema.format()) {
        _ if schema.is_enum() => schema.values().nth(number).unwrap().into(),
        (Some(Kind::Boolean), _) => number.is_multiple_of(2).into(),
        (Some(Kind::Integer | Kind::Number), _) => number.into(),
        (_, Some("uuid")) => format!("7b0f3c52-5f6e-4b8e-9d3a-{number:012}").into(),
        (_, Some("email")) => format!("sample{number}@example.com").into(),
        (_, Some("phone")) => format!("+6285711112{number:03}").into(),
        (_, Some("date-time")) => format!("2025-01-{:02}T10:30:00.000Z", number + 1).into(),
        _ => json!(format!("Sample {number}")),
    }
}
