//! Every operation treats the data of another workspace as missing.
//!
//! The operations come from the document, so the tests fail for a new operation that they do not cover.

mod cursors;
mod fields;
mod idempotency;
mod keys;
mod neighbours;

use konektor_spec::{Operation, Spec};
use konektor_tests::{Options, Server};
use serde_json::Value;

/// The operations that need a key.
fn gated() -> impl Iterator<Item = &'static Operation> {
    let operations = Spec::builtin().operations().iter();
    operations
        .map(|operation| &**operation)
        .filter(|operation| operation.scope().is_some())
}

fn all_scopes() -> Vec<&'static str> {
    Spec::builtin()
        .scopes()
        .iter()
        .map(|scope| scope.name.as_str())
        .collect()
}

/// Creates another workspace and returns a key with all scopes.
async fn stranger(server: &Server) -> String {
    let workspace = server.another_workspace(&Options::default()).await;
    server.key_with(&workspace, &all_scopes(), |_| ()).await
}

/// Returns the path and body of the example request.
fn example(operation: &Operation) -> (String, Option<Value>) {
    let body = operation.body.as_ref().map(|body| body.example.clone());
    (operation.path.fill(|_| "CRM-1024"), body)
}
