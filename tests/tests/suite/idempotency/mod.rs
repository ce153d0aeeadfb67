//! `Idempotency-Key`: a repeated write returns the same response and is executed once.

mod blanked;
mod in_flight;
mod kept;
mod key;
mod replay;

use konektor_spec::{Location, Operation, Spec};
use konektor_tests::{Answer, Server};
use serde_json::{Value, json};

/// The operations that accept a key.
fn keyed() -> impl Iterator<Item = &'static Operation> {
    let operations = Spec::builtin().operations().iter();
    operations
        .map(|operation| &**operation)
        .filter(|operation| {
            operation
                .parameters_in(Location::Header)
                .any(|header| header.name == "Idempotency-Key")
        })
}

/// Returns the example body of an operation.
fn body(operation: &Operation) -> &Value {
    &operation.body.as_ref().unwrap().example
}

/// Returns the path of the example lead.
fn path(operation: &Operation) -> String {
    operation.path.fill(|_| "CRM-1024")
}

/// Sends the example request with a key.
async fn send_example(server: &Server, operation: &Operation) -> Answer {
    let (method, path) = (&operation.method, path(operation));
    server
        .send_under(&operation.id, method, &path, body(operation))
        .await
}

/// Leaves only the lead that an operation needs, because its values would conflict with the example of a create.
async fn prepare(server: &Server, operation: &Operation) {
    server.database.execute("delete from lead").await;
    if operation.method == "PATCH" {
        let lead = json!({"firstName": "Budi", "externalRef": "CRM-1024"});
        server.lead(lead).await;
    }
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

/// Returns the number of leads and tickets in the whole database.
async fn written(server: &Server) -> i64 {
    let count = "select (select count(*) from lead) + (select count(*) from ticket)";
    server.database.number(count).await
}
