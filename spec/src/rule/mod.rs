//! Values held against the document's schemas: every bad field is named, with what it may be.
//!
//! The server refuses by these rules, and whoever wants to know before it sends something asks the same ones.

mod message;

use std::collections::BTreeMap;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value};

use crate::{SpecError, phone::Phone};
use message::{Rank, findings, join};

/// A schema of the document, ready to judge values.
///
/// ```
/// use konektor_spec::{Spec, rule::Rule};
///
/// let schema = Spec::builtin().schema("LeadCreate").unwrap();
/// let mut bad = std::collections::BTreeMap::new();
/// Rule::new(schema.clone())?.check(&serde_json::json!({"email": "budi@"}), &mut bad);
/// assert_eq!(bad["email"], "Invalid email");
/// assert_eq!(bad["firstName"], "Required");
/// # Ok::<(), konektor_spec::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Rule {
    schema: Value,
    validator: Validator,
}

impl Rule {
    /// Compiles a schema, with the formats that the document gives a meaning of its own.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(schema: Value) -> Result<Self, SpecError> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_format("phone", |text: &str| Phone::parse(text).is_some())
            .build(&schema)
            .map_err(|error| SpecError::Unusable(error.to_string()))?;
        Ok(Self { schema, validator })
    }

    /// Adds every bad field of a value, by its dotted path; a reason that is there already stays.
    pub fn check(&self, value: &Value, bad: &mut BTreeMap<String, String>) {
        let mut found: BTreeMap<String, (Rank, String)> = BTreeMap::new();
        for error in self.validator.iter_errors(value) {
            let pointer = error.instance_path().to_string();
            let names: Vec<_> = pointer.split('/').skip(1).collect();
            let at = names.join(".");
            let schema = names
                .iter()
                .fold(&self.schema, |schema, name| &schema["properties"][*name]);
            for (field, rank, message) in findings(&error, &at, schema) {
                let field = if field.is_empty() {
                    "body".to_owned()
                } else {
                    field
                };
                let told = found.entry(field).or_insert((rank, message.clone()));
                if rank < told.0 {
                    *told = (rank, message);
                }
            }
        }
        find_nul(value, "", &mut found);
        for (field, (_, message)) in found {
            bad.entry(field).or_insert(message);
        }
    }

    /// The fields of the schema, each with its own.
    pub fn properties(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.schema["properties"].as_object().into_iter().flatten()
    }

    /// Fills the defaults of absent fields into an object; anything else stays as it is.
    pub fn fill_defaults(&self, value: &mut Value) {
        if let Value::Object(map) = value {
            self.fill_defaults_of(map);
        }
    }

    /// Fills the defaults of absent fields.
    pub fn fill_defaults_of(&self, map: &mut Map<String, Value>) {
        for (name, schema) in self.properties() {
            if let Some(default) = schema.get("default") {
                map.entry(name.clone()).or_insert_with(|| default.clone());
            }
        }
    }
}

/// PostgreSQL cannot keep NUL in text and SQLite can: neither gets one.
fn find_nul(value: &Value, at: &str, found: &mut BTreeMap<String, (Rank, String)>) {
    match value {
        Value::String(text) if text.contains('\0') => {
            found.insert(at.to_owned(), (0, "Must not contain NUL".into()));
        }
        Value::Object(map) => map
            .iter()
            .for_each(|(name, value)| find_nul(value, &join(at, name), found)),
        Value::Array(values) => values.iter().for_each(|value| find_nul(value, at, found)),
        _ => {}
    }
}
