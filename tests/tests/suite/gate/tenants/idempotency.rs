//! An `Idempotency-Key` belongs to its workspace.

use konektor_spec::{Location, Operation};
use konektor_tests::{Server, both_engines};
use serde_json::{Value, json};

use super::{example, gated, stranger};

/// The operations that accept an `Idempotency-Key`.
fn once() -> impl Iterator<Item = &'static Operation> {
    gated().filter(|operation| {
        let mut headers = operation.parameters_in(Location::Header);
        headers.any(|header| header.name == "Idempotency-Key")
    })
}

/// Returns the example body, and a variant with another text.
fn bodies(operation: &Operation) -> [Value; 2] {
    let one = operation.body.as_ref().unwrap().example.clone();
    let mut two = one.clone();
    let lead = if two["lead"].is_object() {
        &mut two["lead"]
    } else {
        &mut two
    };
    let text = ["firstName", "subject"]
        .into_iter()
        .find(|name| lead[name].is_string());
    // An update accepts any field of a lead.
    lead[text.unwrap_or("notes")] = json!("Another");
    [one, two]
}

async fn send(
    server: &Server,
    operation: &Operation,
    key: &str,
    body: &Value,
) -> (u16, String, Value) {
    let (path, _) = example(operation);
    let request = server
        .request(&operation.method, &path)
        .bearer_auth(key)
        .header("idempotency-key", "1024");
    let answer = server.finish(request.json(body)).await;
    let replayed = answer.header("idempotency-replayed").to_owned();
    (answer.status, replayed, answer.json)
}

both_engines! {
    async fn another_workspaces_key_is_free(server) {
        assert!(once().count() >= 4);
        for operation in once() {
            let [one, two] = bodies(operation);
            let strangers = [stranger(&server).await, stranger(&server).await, stranger(&server).await];
            let expected = if operation.method == "PATCH" { 200 } else { 201 };
            for key in strangers.iter().filter(|_| expected == 200) {
                let lead = json!({"firstName": "Budi", "externalRef": "CRM-1024"});
                assert_eq!(server.send("POST", "/leads", Some(key), Some(lead)).await.status, 201);
            }
            let owner = send(&server, operation, &strangers[0], &one).await;
            let same = send(&server, operation, &strangers[1], &one).await;
            let other = send(&server, operation, &strangers[2], &two).await;
            for (status, replayed, answer) in [&owner, &same, &other] {
                assert_eq!((*status, replayed.as_str()), (expected, ""), "{}: {answer}", operation.id);
            }
            assert_ne!(owner.2["data"], same.2["data"], "{}", operation.id);
            let again = send(&server, operation, &strangers[0], &one).await;
            assert_eq!((again.1.as_str(), again.2), ("true", owner.2), "{}", operation.id);
            let reused = send(&server, operation, &strangers[0], &two).await;
            assert_eq!(reused.0, 422, "{}", operation.id);
        }
    }
}
