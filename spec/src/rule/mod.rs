//! Validates values against the document's schemas: names every bad field, with what is allowed.
//!
//! The server refuses by these rules, and clients can check by the same ones before they send.

mod message;

use std::{collections::BTreeMap, sync::LazyLock};

use jsonschema::{Draft, EmailOptions, Validator};
use serde_json::{Map, Value, json};

use crate::{error::SpecError, operation::Parameter, phone::Phone, schema::Schema, text::is_blank};
use message::{Rank, findings, join};

/// A compiled schema that validates values.
///
/// ```
/// use konektor_spec::{Spec, rule::Rule};
///
/// let schema = Spec::builtin().schema("LeadCreate").unwrap();
/// let mut bad = std::collections::BTreeMap::new();
/// Rule::new(schema)?.check(&serde_json::json!({"email": "budi@"}), &mut bad);
/// assert_eq!(bad["email"], "Invalid email");
/// assert_eq!(bad["firstName"], "Required");
/// # Ok::<(), konektor_spec::SpecError>(())
/// ```
#[derive(Debug)]
pub struct Rule {
    schema: Schema,
    /// The message for a name that the schema does not have.
    unknown: &'static str,
    validator: Validator,
}

impl Rule {
    /// Compiles a schema, with the formats of the document.
    ///
    /// # Errors
    /// When it is not valid.
    pub fn new(schema: &Schema) -> Result<Self, SpecError> {
        Self::with_unknown(schema.clone(), "Unknown field")
    }

    /// Compiles a rule for an object that holds these parameters and no others.
    ///
    /// # Errors
    /// When one of the schemas is not valid.
    pub fn from_parameters<'a>(
        parameters: impl Iterator<Item = &'a Parameter>,
    ) -> Result<Self, SpecError> {
        let properties = parameters.map(|it| (it.name.as_str(), &it.schema, it.required));
        Self::with_unknown(Schema::closed_object(properties), "Unknown parameter")
    }

    fn with_unknown(schema: Schema, unknown: &'static str) -> Result<Self, SpecError> {
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .should_validate_formats(true)
            .with_format("phone", |text: &str| Phone::parse(text).is_some())
            .with_format("time-or-date", is_time_or_date)
            .with_format("nonblank", |text: &str| !is_blank(text))
            // An addr-spec alone (RFC 5322, 3.4.1): no `Budi <budi@example.com>`.
            .with_email_options(EmailOptions::default().without_display_text())
            .build(&schema.to_json())
            .map_err(|error| SpecError::Unusable(error.to_string()))?;
        Ok(Self {
            schema,
            unknown,
            validator,
        })
    }

    /// Adds every bad field of a value by its dotted path. Existing reasons stay.
    pub fn check(&self, value: &Value, bad: &mut BTreeMap<String, String>) {
        let mut found: BTreeMap<String, (Rank, String)> = BTreeMap::new();
        for error in self.validator.iter_errors(value) {
            let pointer = error.instance_path().to_string();
            let names: Vec<_> = pointer.split('/').skip(1).collect();
            let at = names.join(".");
            let mut names = names.iter();
            let schema = names.try_fold(&self.schema, |schema, name| schema.property(name));
            for (field, rank, message) in findings(&error, &at, schema, self.unknown) {
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

    /// The properties of the schema.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.schema.properties()
    }

    /// Fills the defaults of absent fields into an object; anything else stays as it is.
    pub fn fill_defaults(&self, value: &mut Value) {
        if let Value::Object(map) = value {
            self.fill_defaults_of(map);
        }
    }

    /// Removes fields that have their default value from an object, as if they had not been sent; anything else stays as
    /// it is.
    pub fn remove_defaults(&self, value: &mut Value) {
        if let Value::Object(map) = value {
            for (name, schema) in self.properties() {
                let default = schema.default_value();
                if default.is_some() && map.get(name) == default {
                    map.remove(name);
                }
            }
        }
    }

    /// Fills the defaults of absent fields.
    pub fn fill_defaults_of(&self, map: &mut Map<String, Value>) {
        for (name, schema) in self.properties() {
            if let Some(default) = schema.default_value() {
                map.entry(name).or_insert_with(|| default.clone());
            }
        }
    }
}

/// The formats of the validator decide what a time and a date are.
fn is_time_or_date(text: &str) -> bool {
    static FORMATS: LazyLock<Option<Validator>> = LazyLock::new(|| {
        let formats = json!({"anyOf": [{"format": "date-time"}, {"format": "date"}]});
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        options.should_validate_formats(true).build(&formats).ok()
    });
    let formats = FORMATS.as_ref();
    formats.is_some_and(|formats| formats.is_valid(&Value::from(text)))
}

/// The component schema for the value of an upsert's match; None for an id, which is not validated.
#[must_use]
pub fn match_schema(by: &str) -> Option<&'static str> {
    match by {
        "uniqueCode" => Some("UniqueCode"),
        "externalRef" => Some("ExternalRef"),
        "phone" => Some("Phone"),
        _ => None,
    }
}

/// PostgreSQL cannot store NUL in text, SQLite can. Refused for both.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Location, Spec};

    fn bad(schema: &str, value: &Value) -> BTreeMap<String, String> {
        let schema = Spec::builtin().schema(schema).expect(schema);
        let mut bad = BTreeMap::new();
        Rule::new(schema).expect("a schema").check(value, &mut bad);
        bad
    }

    #[test]
    fn an_email_is_an_address_and_nothing_else() {
        for email in [
            "Vivi Andini <vivi@example.com>",
            "\"Vivi\" <vivi@example.com>",
            "<vivi@example.com>",
            "vivi@example.com>",
            "vivi@example.com; vivi2@example.com",
            "mailto:vivi@",
        ] {
            let found = bad("LeadUpdate", &json!({"email": email}));
            assert_eq!(found["email"], "Invalid email", "{email}");
        }
        for email in ["ARIF@Example.COM", "kania+promo@example.com"] {
            assert!(bad("LeadUpdate", &json!({"email": email})).is_empty());
        }
    }

    #[test]
    fn a_refused_phone_is_told_what_to_write() {
        for (phone, why) in [
            ("", "Must not be empty"),
            (
                "60123000456",
                "Invalid phone: write + and the country code, like +14155552671",
            ),
            (
                "0812 3456 0006 / 0813 1111 2222",
                "Invalid phone: write one number, like 081234567890 or +14155552671",
            ),
            (
                &"0812 3456 7890 or ".repeat(9),
                "Invalid phone: write one number in digits, like 081234567890 or +14155552671",
            ),
        ] {
            assert_eq!(bad("LeadUpdate", &json!({"phone": phone}))["phone"], why);
        }
        let spaced = format!("+62 (0) 812-3456-0004{}", " ".repeat(40));
        assert!(bad("LeadUpdate", &json!({"phone": spaced.trim()})).is_empty());
        assert_eq!(
            bad("LeadUpdate", &json!({"phone": spaced}))["phone"],
            "Must have at most 60 characters"
        );
    }

    #[test]
    fn an_unknown_parameter_is_named_where_none_is_known() {
        for id in ["skill_show", "leads_list"] {
            let operation = Spec::builtin().operation(id).expect("an operation");
            let query = operation.parameters_in(Location::Query);
            let rule = Rule::from_parameters(query).expect("a rule");
            let mut bad = BTreeMap::new();
            rule.check(&json!({"colour": "red"}), &mut bad);
            assert_eq!(bad["colour"], "Unknown parameter", "{id}");
        }
    }

    #[test]
    fn required_text_has_a_visible_character() {
        for blank in [" ", "\u{a0}", "\u{200b}", "\u{3164}\u{2800}\u{ad}"] {
            let value = json!({"firstName": blank});
            for schema in ["LeadCreate", "LeadUpdate"] {
                assert_eq!(bad(schema, &value)["firstName"], "Must not be blank");
            }
            let ticket = json!({"subject": blank.repeat(3), "message": blank});
            let found = bad("SupportTicketCreate", &ticket);
            assert_eq!(found["subject"], "Must not be blank");
            assert_eq!(found["message"], "Must not be blank");
        }
        assert_eq!(
            bad("LeadCreate", &json!({"firstName": ""}))["firstName"],
            "Must not be empty"
        );
    }
}
