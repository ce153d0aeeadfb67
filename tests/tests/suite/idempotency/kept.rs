//! How long responses are stored.

use std::time::Duration;

use konektor_spec::Spec;
use konektor_tests::{Engine, Server, both_engines};
use serde_json::json;

use super::{is_replay, written};

/// How long a response is stored.
const DAY: Duration = Duration::from_hours(24);
const MOMENT: Duration = Duration::from_millis(1);
const ALMOST_A_DAY: Duration = Duration::from_millis(24 * 60 * 60 * 1000 - 1);

both_engines! {
    async fn a_key_is_forgotten_after_24_hours_and_no_sooner(server) {
        let lead = json!({"firstName": "Budi"});
        let first = server.post_under("k", "/leads", &lead).await;
        server.clock.advance(ALMOST_A_DAY);
        assert_eq!(server.post_under("k", "/leads", &lead).await.text, first.text);
        server.clock.advance(MOMENT);
        // The key has expired and can be used for another request.
        let second = server.post_under("k", "/leads", &json!({"firstName": "Siti"})).await;
        assert_eq!((second.status, is_replay(&second)), (201, false), "{}", second.text);
        server.clock.advance(ALMOST_A_DAY);
        let again = server.post_under("k", "/leads", &json!({"firstName": "Siti"})).await;
        assert_eq!((is_replay(&again), &again.text), (true, &second.text));
        assert_eq!(server.post_under("k", "/leads", &lead).await.status, 422);
        assert_eq!(written(&server).await, 2);
    }

    async fn what_is_forgotten_is_removed_and_nothing_else(server) {
        server.post_under("old", "/leads", &json!({"firstName": "Budi"})).await;
        server.clock.advance(MOMENT);
        server.post_under("young", "/leads", &json!({"firstName": "Siti"})).await;
        server.clock.advance(ALMOST_A_DAY);
        assert_eq!(server.store.forget_answers(server.clock.now(), DAY).await.unwrap(), 1);
        assert_eq!(server.store.forget_answers(server.clock.now(), DAY).await.unwrap(), 0);
        assert!(is_replay(&server.post_under("young", "/leads", &json!({"firstName": "Siti"})).await));
    }

    async fn a_great_many_are_removed_in_batches(server) {
        server.post_under("k", "/leads", &json!({"firstName": "Budi"})).await;
        // Many in the same millisecond, so that a batch ends among them.
        server.database.execute(
            "insert into idempotency (workspace_id, id, fingerprint, status, created_at, data_key_id, sealed) \
             select workspace_id, id || n, fingerprint, status, created_at + n / 700, data_key_id, sealed \
             from idempotency, (with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 1500) \
             select n from numbers) as numbers"
        ).await;
        server.clock.advance(DAY + MOMENT);
        assert_eq!(server.store.forget_answers(server.clock.now(), DAY).await.unwrap(), 1400);
        assert_eq!(answers(&server).await, 101);
    }

    async fn a_running_server_removes_them_by_itself(server) {
        server.post_under("k", "/leads", &json!({"firstName": "Budi"})).await;
        server.clock.advance(DAY);
        assert_eq!(answers(&server).await, 1);
        // A server deletes expired responses when it starts.
        let _other = server.beside().await;
        let removed = async {
            while answers(&server).await > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), removed).await.unwrap();
    }

    async fn they_go_with_their_workspace(server) {
        server.post_under("k", "/leads", &json!({"firstName": "Budi"})).await;
        server.store.delete_workspace(&server.workspace.id, |_, _| ()).await.unwrap();
        assert_eq!(answers(&server).await, 0);
    }
}

/// Returns the number of stored responses.
async fn answers(server: &Server) -> i64 {
    server
        .database
        .number("select count(*) from idempotency")
        .await
}

/// The document states how long a key is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_kept_for_as_long_as_the_document_says() {
    let server = Server::start(Engine::Sqlite).await;
    let mut document = Spec::builtin().document().clone();
    document["x-konektor-limits"]["idempotencyHours"] = json!(1);
    let server = server
        .beside_with(Spec::from_value(document).unwrap())
        .await;
    let lead = json!({"firstName": "Budi"});
    server.post_under("k", "/leads", &lead).await;
    server
        .clock
        .advance(Duration::from_hours(1).saturating_sub(MOMENT));
    assert!(is_replay(&server.post_under("k", "/leads", &lead).await));
    server.clock.advance(MOMENT);
    assert!(!is_replay(&server.post_under("k", "/leads", &lead).await));
}
