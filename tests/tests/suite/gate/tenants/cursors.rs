//! A cursor is valid only in its own workspace.

use konektor_spec::{Location, Operation};
use konektor_tests::both_engines;
use serde_json::json;

use super::{gated, stranger};

/// The operations that take a cursor.
fn paged() -> impl Iterator<Item = &'static Operation> {
    gated().filter(|operation| {
        let mut parameters = operation.parameters_in(Location::Query);
        parameters.any(|parameter| parameter.name == "cursor")
    })
}

both_engines! {
    async fn a_foreign_cursor_is_no_better_than_an_invented_one(server) {
        let key = stranger(&server).await;
        for name in ["Budi", "Siti", "Rahmat"] {
            server.lead(json!({"firstName": name})).await;
            server.send("POST", "/leads", Some(&key), Some(json!({"firstName": name}))).await;
        }
        server.database.execute("update lead set conversion_sync_status = 'failed'").await;
        let mut cursors = Vec::new();
        for operation in paged() {
            let page = server.get_with(operation.path.as_str(), &[("limit", "1")]).await;
            cursors.push(page.next_cursor().unwrap_or_else(|| panic!("{} has no page", operation.id)).to_owned());
        }
        assert!(cursors.len() >= 2, "{cursors:?}");
        for operation in paged() {
            let ask = async |cursor: &str| {
                let path = format!("{}?cursor={cursor}", operation.path);
                server.send("GET", &path, Some(&key), None).await
            };
            let invented = ask("invented").await;
            assert_eq!((invented.status, invented.bad_fields()), (400, vec!["cursor"]));
            for cursor in &cursors {
                let foreign = ask(cursor).await;
                assert_eq!((foreign.status, foreign.text), (400, invented.text.clone()), "{}", operation.id);
            }
        }
    }
}
