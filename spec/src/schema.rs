//! What a value may be.

use std::collections::BTreeMap;

use serde_json::{Map, Number, Value};

use crate::{
    error::SpecError,
    resolve::{COMPONENT, resolve},
};

/// What a value may be: a schema of the document, with every reference resolved.
///
/// ```
/// use konektor_spec::{Kind, Spec};
///
/// let lead = Spec::builtin().schema("LeadCreate").unwrap();
/// let name = lead.property("firstName").unwrap();
/// assert_eq!((name.kind(), name.max_length()), (Some(Kind::String), Some(100)));
/// assert!(lead.is_required("firstName") && !name.is_nullable());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    /// All keywords but those below.
    keywords: Map<String, Value>,
    properties: Vec<(String, Schema)>,
    items: Option<Box<Schema>>,
    alternatives: Vec<Schema>,
}

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    Array,
    /// Names with values.
    Object,
}

impl Kind {
    /// The type that JSON Schema calls so.
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "array" => Self::Array,
            "object" => Self::Object,
            _ => return None,
        })
    }
}

/// Every component schema by its name.
pub(crate) fn read_all(document: &Value) -> Result<BTreeMap<String, Schema>, SpecError> {
    document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, schema)| Ok((name.clone(), Schema::resolved(document, schema)?)))
        .collect()
}

impl Schema {
    /// Reads plain JSON Schema, without references.
    #[must_use]
    pub fn from_json(json: &Value) -> Self {
        let mut schema = Self::default();
        for (keyword, value) in json.as_object().into_iter().flatten() {
            match (keyword.as_str(), value) {
                ("properties", Value::Object(properties)) => {
                    let properties = properties.iter();
                    schema.properties = properties
                        .map(|(name, property)| (name.clone(), Self::from_json(property)))
                        .collect();
                }
                ("items", items) => schema.items = Some(Box::new(Self::from_json(items))),
                ("anyOf", Value::Array(alternatives)) => {
                    schema.alternatives = alternatives.iter().map(Self::from_json).collect();
                }
                _ => {
                    schema.keywords.insert(keyword.clone(), value.clone());
                }
            }
        }
        schema
    }

    /// The schema as plain JSON Schema, without references, for a validator.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut json = self.keywords.clone();
        // Without them the validator does not name the properties that nobody knows.
        let is_closed = json.get("additionalProperties") == Some(&Value::Bool(false));
        if is_closed || !self.properties.is_empty() {
            let properties = self.properties.iter();
            let properties = properties.map(|(name, property)| (name.clone(), property.to_json()));
            json.insert("properties".to_owned(), properties.collect());
        }
        if let Some(items) = &self.items {
            json.insert("items".to_owned(), items.to_json());
        }
        if !self.alternatives.is_empty() {
            let alternatives = self.alternatives.iter().map(Self::to_json);
            json.insert("anyOf".to_owned(), alternatives.collect());
        }
        Value::Object(json)
    }

    /// A schema of the document.
    pub(crate) fn resolved(document: &Value, schema: &Value) -> Result<Self, SpecError> {
        Ok(Self::from_json(&resolve(document, schema)?))
    }

    /// An object with these properties and no others.
    #[cfg(feature = "rules")]
    pub(crate) fn closed_object<'a>(
        properties: impl Iterator<Item = (&'a str, &'a Self, bool)>,
    ) -> Self {
        let mut schema = Self::default();
        let mut required = Vec::new();
        for (name, property, is_required) in properties {
            schema.properties.push((name.to_owned(), property.clone()));
            if is_required {
                required.push(Value::from(name));
            }
        }
        let keywords = [
            ("type", Value::from("object")),
            // Without any the validator would not say which property is unexpected.
            ("properties", Value::Object(serde_json::Map::new())),
            ("required", Value::from(required)),
            ("additionalProperties", Value::from(false)),
        ];
        let keywords = keywords.into_iter();
        schema.keywords = keywords
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        schema
    }

    /// The component schema that it refers to, directly, as the alternative to null, or for its known values.
    ///
    /// ```
    /// use konektor_spec::Spec;
    ///
    /// let lead = Spec::builtin().schema("LeadCreate").unwrap();
    /// assert_eq!(lead.property("status").unwrap().component(), Some("LeadStatus"));
    /// ```
    #[must_use]
    pub fn component(&self) -> Option<&str> {
        self.text(COMPONENT)
    }

    /// The type; null left out. None when values of several types are allowed.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self.keywords.get("type")? {
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find_map(Kind::named),
            kind => Kind::named(kind.as_str()?),
        }
    }

    /// Whether null is allowed.
    #[must_use]
    pub fn is_nullable(&self) -> bool {
        match self.keywords.get("type") {
            Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "null"),
            _ => false,
        }
    }

    /// e.g. `email`; [`Schema::is_time`] tells of times.
    #[must_use]
    pub fn format(&self) -> Option<&str> {
        self.text("format")
    }

    /// Whether it is a time, or a time or a date.
    #[must_use]
    pub fn is_time(&self) -> bool {
        matches!(self.format(), Some("date-time" | "time-or-date"))
    }

    /// Whether only the [`Schema::values`] are allowed.
    #[must_use]
    pub fn is_enum(&self) -> bool {
        self.keywords.contains_key("enum")
    }

    /// Whether it has [`Schema::values`].
    #[must_use]
    pub fn has_values(&self) -> bool {
        self.values().next().is_some()
    }

    /// The known values in the document's order, null left out. [`Schema::is_enum`] tells whether others are refused.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        let keywords = ["enum", "x-extensible-enum"].into_iter();
        let values = keywords.filter_map(|name| self.keywords.get(name)?.as_array());
        values.flatten().filter_map(Value::as_str)
    }

    /// The value that stands for an absent one (`x-default`). A `default` would make the field required in the types of
    /// some generators, and others would send it.
    #[must_use]
    pub fn default_value(&self) -> Option<&Value> {
        self.keywords.get("x-default")
    }

    /// What it means, in Markdown, without the sentence about [`Schema::default_value`].
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        let text = self.text("description")?;
        Some(without_default(text))
    }

    /// A real value.
    #[must_use]
    pub fn example(&self) -> Option<&Value> {
        self.keywords.get("example")
    }

    /// The fewest characters.
    #[must_use]
    pub fn min_length(&self) -> Option<u64> {
        self.keywords.get("minLength")?.as_u64()
    }

    /// The most characters.
    #[must_use]
    pub fn max_length(&self) -> Option<u64> {
        self.keywords.get("maxLength")?.as_u64()
    }

    /// The smallest number.
    #[must_use]
    pub fn minimum(&self) -> Option<&Number> {
        self.keywords.get("minimum")?.as_number()
    }

    /// The largest number.
    #[must_use]
    pub fn maximum(&self) -> Option<&Number> {
        self.keywords.get("maximum")?.as_number()
    }

    /// The regular expression that a text matches.
    #[must_use]
    pub fn pattern(&self) -> Option<&str> {
        self.text("pattern")
    }

    /// The regular expression that a text does not match (`not`).
    #[must_use]
    pub fn refuses_pattern(&self) -> Option<&str> {
        self.keywords.get("not")?["pattern"].as_str()
    }

    /// What every value begins with (`x-konektor-prefix`).
    #[must_use]
    pub fn prefix(&self) -> Option<&str> {
        self.text("x-konektor-prefix")
    }

    /// What a caller is told about a value that is not allowed (`x-konektor-message`).
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.text("x-konektor-message")
    }

    /// Whether a value says something about a person (`x-konektor-personal`).
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.extension("x-konektor-personal") == Some(&Value::Bool(true))
    }

    /// What the values of a list may be.
    #[must_use]
    pub fn items(&self) -> Option<&Self> {
        self.items.as_deref()
    }

    /// The schemas of which one has to allow a value (`anyOf`); none when there is no choice.
    #[must_use]
    pub fn alternatives(&self) -> &[Self] {
        &self.alternatives
    }

    /// The properties of an object by their names, in the document's order.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Self)> {
        let properties = self.properties.iter();
        properties.map(|(name, property)| (name.as_str(), property))
    }

    /// One property of an object.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Self> {
        let mut properties = self.properties();
        properties.find_map(|(known, property)| (known == name).then_some(property))
    }

    /// Whether an object has properties of its own.
    #[must_use]
    pub fn has_properties(&self) -> bool {
        !self.properties.is_empty()
    }

    /// Whether an object must have a property.
    #[must_use]
    pub fn is_required(&self, property: &str) -> bool {
        let names = self.keywords.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|name| name == property))
    }

    /// Whether the names in an object are not the document's, but a caller's or the server's own.
    #[must_use]
    pub fn is_map(&self) -> bool {
        let others = self.keywords.get("additionalProperties");
        others.is_some_and(Value::is_object)
    }

    /// A keyword of the document's own, e.g. `x-konektor-personal`.
    #[must_use]
    pub fn extension(&self, name: &str) -> Option<&Value> {
        self.keywords.get(name).filter(|_| name.starts_with("x-"))
    }

    fn text(&self, keyword: &str) -> Option<&str> {
        self.keywords.get(keyword)?.as_str()
    }
}

/// A description without its last sentence, if that tells the default, e.g. `Default: 50.`
#[must_use]
pub fn without_default(description: &str) -> &str {
    let sentence = description.rsplit_once(" Default: ");
    sentence.map_or(description, |(before, _)| before)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Spec;

    fn property(name: &str) -> &'static Schema {
        let lead = Spec::builtin().schema("LeadCreate").unwrap();
        lead.property(name).unwrap()
    }

    /// All component schemas and their properties.
    fn schemas() -> Vec<(String, &'static Schema)> {
        let mut schemas = Vec::new();
        for (name, schema) in Spec::builtin().schemas() {
            schemas.push((name.to_owned(), schema));
            for (property, schema) in schema.properties() {
                schemas.push((format!("{name}.{property}"), schema));
            }
        }
        schemas
    }

    #[test]
    fn a_nullable_reference_allows_null_and_keeps_its_limits() {
        let last_name = property("lastName");
        assert_eq!(last_name.kind(), Some(Kind::String));
        assert!(last_name.is_nullable());
        assert_eq!(last_name.max_length(), Some(100));
        assert_eq!(last_name.to_json()["type"], json!(["string", "null"]));

        let source = property("source");
        assert!(source.is_nullable() && source.is_enum());
        assert!(
            source
                .values()
                .eq(Spec::builtin().enum_values("LeadSource"))
        );
        let values = source.to_json();
        assert_eq!(
            values["enum"].as_array().unwrap().last(),
            Some(&Value::Null)
        );
    }

    #[test]
    fn a_default_stays_beside_the_referenced_schema() {
        let status = property("status");
        assert_eq!(status.default_value(), Some(&json!("new")));
        assert_eq!(status.kind(), Some(Kind::String));
    }

    #[test]
    fn alternatives_other_than_null_stay() {
        let time = json!({"type": "string", "format": "date-time"});
        let schema = json!({"anyOf": [time, {"type": "integer"}]});
        let schema = Schema::resolved(&json!({}), &schema).unwrap();
        assert_eq!(schema.alternatives().len(), 2);
        assert!(schema.alternatives()[0].is_time() && !schema.is_nullable());
        assert_eq!(schema.kind(), None);
    }

    #[test]
    fn an_answer_knows_the_values_of_the_input_and_allows_others() {
        let lead = Spec::builtin().schema("Lead").unwrap();
        let source = lead.property("source").unwrap();
        assert!(!source.is_enum() && source.is_nullable());
        let known = Spec::builtin().enum_values("LeadSource");
        assert!(!known.is_empty() && source.values().eq(known));
    }

    #[test]
    fn every_default_is_told_in_the_description() {
        for (name, schema) in schemas() {
            let Some(default) = schema.default_value() else {
                continue;
            };
            let word = default
                .as_str()
                .map_or_else(|| default.to_string(), str::to_owned);
            let description = schema.text("description").unwrap_or_default();
            assert!(
                description.ends_with(&format!(" Default: {word}.")),
                "{name}: {description}"
            );
            assert!(!schema.description().unwrap().contains("Default"), "{name}");
        }
    }

    #[test]
    fn json_is_read_and_written_without_loss() {
        let document = Spec::builtin().document();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let json = resolve(document, schema).unwrap();
            assert_eq!(Schema::from_json(&json).to_json(), json, "{name}");
        }
    }
}
