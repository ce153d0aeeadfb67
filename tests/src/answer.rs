//! What came back, already held against the document.

use konektor_spec::{Operation, Spec};
use reqwest::header::HeaderMap;
use serde_json::Value;

/// An answer of the server.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, null when it is not JSON.
    pub json: Value,
    /// The body as it came.
    pub text: String,
}

impl Answer {
    /// A header, empty when it is not there.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// `data` of a success.
    ///
    /// # Panics
    /// When it is a failure.
    #[must_use]
    pub fn data(&self) -> &Value {
        assert_eq!(self.json["success"], true, "{}", self.text);
        &self.json["data"]
    }

    /// The reason given for a bad field, empty when it is not among them.
    #[must_use]
    pub fn complaint(&self, field: &str) -> &str {
        self.json["error"]["details"][field]
            .as_str()
            .unwrap_or_default()
    }

    /// The names of all bad fields.
    #[must_use]
    pub fn bad_fields(&self) -> Vec<&str> {
        let details = self.json["error"]["details"].as_object();
        details
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Fails unless the document says that this operation answers this.
    pub(crate) fn must_be_documented(&self, spec: &Spec, operation: &Operation) {
        let Some(response) = operation
            .responses
            .iter()
            .find(|response| response.status == self.status)
        else {
            panic_undocumented(spec, operation, self);
        };
        for header in &response.headers {
            assert!(
                self.headers.contains_key(header.as_str()),
                "{}: {} lacks {header}",
                operation.id,
                self.status
            );
        }
        assert!(
            self.header("content-type")
                .starts_with(&response.media_type),
            "{}: {} is {}",
            operation.id,
            self.status,
            self.header("content-type")
        );
        if response.media_type == "application/json" {
            let errors = complaints(&response.schema, &self.json);
            assert!(
                errors.is_empty(),
                "{}: {} is not as documented: {errors:?}",
                operation.id,
                self.status
            );
        }
    }
}

#[expect(clippy::panic, reason = "this is how a test fails")]
fn panic_undocumented(spec: &Spec, operation: &Operation, answer: &Answer) -> ! {
    panic!(
        "{} of {} does not say {}: {}",
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
fn complaints(schema: &Value, value: &Value) -> Vec<String> {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .expect("a schema");
    validator
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect()
}
