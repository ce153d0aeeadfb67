//! An answer of the server, and its comparison with the document.

use konektor_spec::{Operation, Schema, Spec};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer of the server.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body as JSON, or null if it is not JSON.
    pub json: Value,
    /// The body as text.
    pub text: String,
}

impl Answer {
    /// Reads a whole response.
    ///
    /// # Panics
    /// If the connection breaks off.
    #[expect(clippy::expect_used, reason = "this is how a test fails")]
    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("a whole answer");
        Self {
            status,
            headers,
            json: serde_json::from_str(&text).unwrap_or_default(),
            text,
        }
    }

    /// The value of a header, or an empty text without it.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// `data` of a successful answer.
    ///
    /// # Panics
    /// If the answer is a failure.
    #[must_use]
    pub fn data(&self) -> &Value {
        assert_eq!(self.json["success"], true, "{}", self.text);
        &self.json["data"]
    }

    /// `data` of a list.
    ///
    /// # Panics
    /// If the answer is a failure or not a list.
    #[must_use]
    #[expect(clippy::expect_used, reason = "this is how a test fails")]
    pub fn rows(&self) -> &Vec<Value> {
        self.data().as_array().expect("a list")
    }

    /// A text field of each row of a list; an empty text for null.
    #[must_use]
    pub fn each(&self, field: &str) -> Vec<&str> {
        let texts = self.rows().iter().map(|row| row[field].as_str());
        texts.map(Option::unwrap_or_default).collect()
    }

    /// `pagination.total` of a list.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.json["pagination"]["total"].as_i64().unwrap_or(-1)
    }

    /// `pagination.nextCursor` of a list, or `None` on the last page.
    #[must_use]
    pub fn next_cursor(&self) -> Option<&str> {
        self.json["pagination"]["nextCursor"].as_str()
    }

    /// `error.code` of a failure.
    #[must_use]
    pub fn code(&self) -> &str {
        self.json["error"]["code"].as_str().unwrap_or_default()
    }

    /// `error.message` of a failure.
    #[must_use]
    pub fn message(&self) -> &str {
        self.json["error"]["message"].as_str().unwrap_or_default()
    }

    /// The value of a numeric header.
    ///
    /// # Panics
    /// If the header is missing or not a number.
    #[must_use]
    #[expect(clippy::expect_used, reason = "this is how a test fails")]
    pub fn number(&self, header: &str) -> i64 {
        self.header(header).parse().expect("a number")
    }

    /// What is wrong with a field, or an empty text if the answer does not mention it.
    #[must_use]
    pub fn complaint(&self, field: &str) -> &str {
        self.json["error"]["details"][field]
            .as_str()
            .unwrap_or_default()
    }

    /// The names of all fields that are not valid.
    #[must_use]
    pub fn bad_fields(&self) -> Vec<&str> {
        let details = self.json["error"]["details"].as_object();
        details
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Compares a header with its description in the document and returns what is wrong.
    fn header_complaint(&self, name: &str, documented: &Value) -> Option<String> {
        let schema = &documented["schema"];
        if schema.is_null() {
            return Some(format!("the document does not describe {name}"));
        }
        if documented["required"] != true && !self.headers.contains_key(name) {
            return None;
        }
        let text = self.header(name);
        let value = match text.parse::<u64>() {
            Ok(number) if schema["type"] == "integer" => number.into(),
            _ => Value::from(text),
        };
        let errors = complaints(&Schema::from_json(schema), &value);
        (!errors.is_empty()).then(|| format!("{name}: {errors:?}"))
    }

    /// Checks that the document describes this answer of an operation: its status, its headers, and all fields of its
    /// body.
    ///
    /// # Panics
    /// If the answer differs from the document.
    pub fn must_be_documented(&self, spec: &Spec, operation: &Operation) {
        let Some(response) = operation
            .responses
            .iter()
            .find(|response| response.status == self.status)
        else {
            panic_undocumented(spec, operation, self);
        };
        for header in &response.headers {
            let complaint = self.header_complaint(
                header,
                documented_header(spec, operation, self.status, header),
            );
            assert_eq!(complaint, None, "{}: {}", operation.id, self.status);
        }
        let media_type = response.media_type.as_deref().unwrap_or_default();
        assert!(
            self.header("content-type").starts_with(media_type),
            "{}: {} is {}",
            operation.id,
            self.status,
            self.header("content-type")
        );
        if media_type == "application/json" {
            let mut errors = complaints(&response.schema, &self.json);
            undocumented(&response.schema, &self.json, "", &mut errors);
            assert!(
                errors.is_empty(),
                "{}: {} is not as documented: {errors:?}",
                operation.id,
                self.status
            );
        }
    }
}

/// The description of a header in the document.
fn documented_header<'a>(
    spec: &'a Spec,
    operation: &Operation,
    status: u16,
    name: &str,
) -> &'a Value {
    let document = spec.document();
    let follow = |value: &'a Value| {
        let reference = value["$ref"].as_str();
        let pointer = reference.map(|reference| reference.trim_start_matches('#'));
        pointer.map_or(value, |pointer| {
            document.pointer(pointer).unwrap_or(&Value::Null)
        })
    };
    let method = operation.method.to_lowercase();
    let responses = &document["paths"][operation.path.as_str()][&method]["responses"];
    follow(&follow(&responses[status.to_string()])["headers"][name])
}

/// Collects the fields and values of an answer that its schema does not list. The schemas are open, so that old clients
/// accept the answers of a newer server, and a validator reports neither.
fn undocumented(schema: &Schema, value: &Value, at: &str, errors: &mut Vec<String>) {
    match value {
        Value::Object(fields) if !schema.is_map() => {
            for (name, value) in fields {
                let at = format!("{at}/{name}");
                match schema.property(name) {
                    None => errors.push(format!("{at} is not documented")),
                    Some(schema) => undocumented(schema, value, &at, errors),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| {
            let items = schema.items().cloned().unwrap_or_default();
            undocumented(&items, value, at, errors);
        }),
        Value::String(text)
            if schema.has_values() && !schema.values().any(|known| known == text) =>
        {
            errors.push(format!("{at} has a value that is not documented"));
        }
        _ => {}
    }
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn panic_undocumented(spec: &Spec, operation: &Operation, answer: &Answer) -> ! {
    panic!(
        "the document does not describe this answer: {} of {} with {}: {}",
        operation.id,
        spec.title(),
        answer.status,
        answer.text
    )
}

#[expect(
    clippy::expect_used,
    reason = "a schema that does not compile fails the test"
)]
fn complaints(schema: &Schema, value: &Value) -> Vec<String> {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema.to_json())
        .expect("a schema");
    validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect()
}
