//! The answers that the API's document gives, for tests that call the API without a real server.

use konektor_spec::{Operation, Response, Spec};
use serde_json::Value;
use wiremock::{Request, ResponseTemplate};

/// An API key.
pub const KEY: &str = "kna_3fJxTest_averysecretsecret";

/// The id of every [`answer`].
pub const REQUEST_ID: &str = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f";

/// The operation with this `operationId`.
#[must_use]
pub fn operation(id: &str) -> &'static Operation {
    let operation = Spec::builtin().operation(id);
    operation.unwrap_or_else(|| panic!("no operation {id}"))
}

/// The document's example of an operation's first success.
#[must_use]
pub fn example(id: &str) -> Value {
    first_success(id).example.clone()
}

/// An operation's first success, as the document gives it.
#[must_use]
pub fn documented(id: &str) -> ResponseTemplate {
    success(id, &example(id))
}

/// An operation's first success with this body.
#[must_use]
pub fn success(id: &str, body: &Value) -> ResponseTemplate {
    let documented = first_success(id);
    let answer = answer(documented.status);
    match body {
        Value::String(text) => {
            let media_type = documented.media_type.as_deref().unwrap_or_default();
            answer.set_body_raw(text.as_bytes(), media_type)
        }
        body => answer.set_body_json(body),
    }
}

/// One of an operation's failures, as the document gives it.
#[must_use]
pub fn failure(id: &str, status: u16) -> ResponseTemplate {
    let mut responses = operation(id).responses.iter();
    let documented = responses.find(|response| response.status == status);
    let documented = documented.unwrap_or_else(|| panic!("no answer {status} to {id}"));
    json(status, &documented.example)
}

/// An answer with this body.
#[must_use]
pub fn json(status: u16, body: &Value) -> ResponseTemplate {
    answer(status).set_body_json(body)
}

/// An answer with the headers that every answer has, and no body.
#[must_use]
pub fn answer(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("x-request-id", REQUEST_ID)
        .insert_header("x-ratelimit-limit", "200")
        .insert_header("x-ratelimit-remaining", "199")
        .insert_header("x-ratelimit-reset", "1736937001")
}

/// The parameters in the query of a request, as they were sent.
#[must_use]
pub fn query(request: &Request) -> Vec<(String, String)> {
    request.url.query_pairs().into_owned().collect()
}

fn first_success(id: &str) -> &'static Response {
    let first = operation(id).responses.first();
    first.unwrap_or_else(|| panic!("no answer to {id}"))
}
