//! Conformance to the document: every status of every operation is provoked on a real server, every example is sent.

mod examples;
mod failures;
mod successes;

use std::collections::BTreeSet;

use konektor_spec::{Location, Operation, Spec};
use konektor_tests::{Answer, Options, Server};
use reqwest::RequestBuilder;
use serde_json::Value;

/// The statuses that these tests provoke, each for every operation that documents it.
const STATUSES: [u16; 15] = [
    200, 201, 400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 504,
];

#[test]
fn every_documented_status_has_a_test_that_provokes_it() {
    let documented: BTreeSet<_> = Spec::builtin()
        .operations()
        .iter()
        .flat_map(|operation| &operation.responses)
        .map(|response| response.status)
        .collect();
    assert_eq!(documented, BTreeSet::from(STATUSES));
}

/// Returns the operations that document a status.
fn documenting(status: u16) -> impl Iterator<Item = &'static Operation> {
    assert!(STATUSES.contains(&status), "{status} is missing above");
    let answers = move |operation: &&Operation| {
        let mut responses = operation.responses.iter();
        responses.any(|response| response.status == status)
    };
    let operations = Spec::builtin().operations().iter();
    operations.map(|operation| &**operation).filter(answers)
}

/// Builds the documented example request of an operation.
fn example(server: &Server, operation: &Operation) -> RequestBuilder {
    let request = bare(server, operation).query(&query(operation));
    match &operation.body {
        Some(body) => request.json(&body.example),
        None => request,
    }
}

/// Builds the example request without query and body.
fn bare(server: &Server, operation: &Operation) -> RequestBuilder {
    let path = operation.path.fill(|name| {
        let mut parameters = operation.parameters_in(Location::Path);
        let parameter = parameters.find(|parameter| parameter.name == name);
        text(&parameter.unwrap().example)
    });
    server.request(&operation.method, &path)
}

fn query(operation: &Operation) -> Vec<(&str, String)> {
    operation
        .parameters_in(Location::Query)
        .filter(|parameter| !parameter.example.is_null())
        .map(|parameter| (parameter.name.as_str(), text(&parameter.example)))
        .collect()
}

/// Creates a workspace and returns its key.
async fn fresh_key(server: &Server) -> String {
    let workspace = server.another_workspace(&Options::default()).await;
    let scopes: Vec<_> = Spec::builtin()
        .scopes()
        .iter()
        .map(|scope| scope.name.as_str())
        .collect();
    server.key_with(&workspace, &scopes, |_| ()).await
}

fn text(example: &Value) -> String {
    example
        .as_str()
        .map_or_else(|| example.to_string(), str::to_owned)
}

/// Sends a request and checks that the response has the status and conforms to the document, including the error
/// code.
async fn expect(
    server: &Server,
    operation: &Operation,
    status: u16,
    request: RequestBuilder,
) -> Answer {
    let answer = server.finish(request).await;
    must_be(operation, status, &answer);
    answer
}

fn must_be(operation: &Operation, status: u16, answer: &Answer) {
    assert_eq!(answer.status, status, "{}: {}", operation.id, answer.text);
    answer.must_be_documented(Spec::builtin(), operation);
    let documented = operation
        .responses
        .iter()
        .find(|response| response.status == status)
        .unwrap();
    assert_eq!(
        answer.json["error"]["code"], documented.example["error"]["code"],
        "{}",
        operation.id
    );
}
