//! `Idempotency-Key`: a write that is sent again is answered again, and done once.

mod blanked;
mod in_flight;
mod kept;
mod key;
mod replay;

use konektor_spec::{Location, Operation, Spec};
use konektor_tests::{Answer, Server};
use serde_json::{Value, json};

/// The operations that take a key.
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

/// The documented example of what an operation takes.
fn body(operation: &Operation) -> &Value {
    &operation.body.as_ref().unwrap().example
}

/// Where the examples' lead is.
fn path(operation: &Operation) -> String {
    operation.path.fill(|_| "CRM-1024")
}

/// Sends the documented example under a key.
async fn send_example(server: &Server, operation: &Operation) -> Answer {
    let (method, path) = (&operation.method, path(operation));
    server
        .send_under(&operation.id, method, &path, body(operation))
        .await
}

/// Leaves the one lead that an operation needs: the examples of creates may not find it taken.
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

/// How many leads and tickets there are in the whole database.
async fn written(server: &Server) -> i64 {
    let count = "select (select count(*) from lead) + (select count(*) from ticket)";
    server.database.number(count).await
}
