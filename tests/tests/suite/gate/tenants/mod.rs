//! What belongs to another workspace is as good as missing, whatever the operation.
//!
//! The operations come from the document: one that nobody has thought of here fails the tests.

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

/// The key of another workspace, which may do everything there.
async fn stranger(server: &Server) -> String {
    let workspace = server.another_workspace(&Options::default()).await;
    server.key_with(&workspace, &all_scopes(), |_| ()).await
}

/// The path and body of the operation's example.
fn example(operation: &Operation) -> (String, Option<Value>) {
    let body = operation.body.as_ref().map(|body| body.example.clone());
    (operation.path.fill(|_| "CRM-1024"), body)
}
