//! Every operation refuses every bad key with the same response.

use std::time::Duration;

use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Options, Server, both_engines};

use super::{all_scopes, example, gated};

/// Returns the key with another last letter.
fn mistyped(key: &str) -> String {
    let last = if key.ends_with('A') { "B" } else { "A" };
    [&key[..key.len() - 1], last].concat()
}

/// Invalid keys, and why they are invalid.
async fn bad_keys(server: &Server) -> Vec<(&'static str, Option<String>)> {
    let scopes = all_scopes();
    let forged = ApiKey::generate(&mut rand::rng());
    let right = server
        .key_with(&server.workspace, &scopes, |key| {
            forged.id().clone_into(&mut key.id);
        })
        .await;
    let expired = server
        .key_with(&server.workspace, &scopes, |key| {
            key.expires_at = Some(key.created_at);
        })
        .await;
    let revoked = server.key_with(&server.workspace, &scopes, |_| ()).await;
    let id = ApiKey::parse(&revoked).unwrap().id().to_owned();
    let now = server.clock.now();
    server.store.revoke_api_key(&id, now).await.unwrap();
    let gone = server.another_workspace(&Options::default()).await;
    let deleted = server.key_with(&gone, &scopes, |_| ()).await;
    server
        .store
        .delete_workspace(&gone.id, |_, _| ())
        .await
        .unwrap();
    let unknown = ApiKey::generate(&mut rand::rng()).text().to_string();
    let keys = [
        ("malformed", "kna_x".to_owned()),
        ("empty", String::new()),
        ("bad checksum", mistyped(&server.key)),
        ("unknown id", unknown),
        ("wrong secret", forged.text().to_string()),
        ("another id's secret", right),
        ("expired", expired),
        ("revoked", revoked),
        ("deleted workspace", deleted),
    ];
    let keys = keys.into_iter().map(|(why, key)| (why, Some(key)));
    keys.chain([("no key", None)]).collect()
}

both_engines! {
    async fn every_bad_key_gets_one_answer_from_every_operation(server) {
        let keys = bad_keys(&server).await;
        let mut said = Vec::new();
        for operation in gated() {
            // The throttle limits the failures per minute.
            server.clock.advance(Duration::from_mins(1));
            let (path, body) = example(operation);
            for (why, key) in &keys {
                let answer = server.send(&operation.method, &path, key.as_deref(), body.clone()).await;
                assert_eq!((answer.status, answer.code()), (401, "UNAUTHORIZED"), "{}: {why}", operation.id);
                let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
                headers.sort();
                said.push((answer.text, headers));
            }
        }
        let first = said[0].clone();
        assert!(said.iter().all(|other| *other == first), "{said:#?}");
        assert_eq!(server.list(&[]).await.total(), 0, "nothing was written");
    }
}
