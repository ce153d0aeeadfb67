//! API keys: which are valid, and that a refusal never reveals the reason.

use std::{collections::BTreeSet, time::Duration};

use jiff::SignedDuration;
use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Answer, Engine, Server, both_engines};
use sqlx::{AnyConnection, Connection as _, Executor as _};

const SCOPE: &[&str] = &["agent.workspace.read"];

/// Reads the workspace with an `Authorization` header.
async fn with(server: &Server, authorization: &str) -> Answer {
    let request = server
        .request("GET", "/workspace")
        .header("authorization", authorization);
    server.finish(request).await
}

/// Returns the key with one letter changed.
fn changed(key: &str, at: usize) -> String {
    let mut text = key.to_owned();
    let other = if &key[at..=at] == "A" { "B" } else { "A" };
    text.replace_range(at..=at, other);
    text
}

both_engines! {
    async fn every_bad_key_gets_the_same_answer(server) {
        let expired = server.key_with(&server.workspace, SCOPE, |key| key.expires_at = Some(key.created_at)).await;
        let mut id = String::new();
        let revoked = server.key_with(&server.workspace, SCOPE, |key| id.clone_from(&key.id)).await;
        server.store.revoke_api_key(&id, server.clock.now()).await.unwrap();
        let unknown = ApiKey::generate(&mut rand::rng()).text().to_string();
        let mut bodies = BTreeSet::new();
        for key in [
            expired.as_str(),
            &revoked,
            &unknown,
            "",
            "x",
            "kna_",
            "kna__",
            "kna_é_é",
            &changed(&server.key, 30),
            &changed(&server.key, 6),
            &server.key[1..],
            &server.key[..60],
            &server.key.to_uppercase(),
        ] {
            let answer = server.send("GET", "/workspace", Some(key), None).await;
            assert_eq!((answer.status, answer.code()), (401, "UNAUTHORIZED"), "{key}");
            assert_eq!(answer.header("www-authenticate"), "Bearer", "{key}");
            bodies.insert(answer.text);
        }
        bodies.insert(server.send("GET", "/workspace", None, None).await.text);
        for authorization in
            ["Basic dTpw", "Bearer", "bearer ", "Token x", &server.key, &format!("Bearer{}", server.key)]
        {
            let answer = with(&server, authorization).await;
            assert_eq!(answer.status, 401, "{authorization}");
            bodies.insert(answer.text);
        }
        assert_eq!(bodies.len(), 1, "{bodies:?}");
        assert!(bodies.pop_first().unwrap().contains(r#""details":null"#));
    }

    async fn a_well_formed_key_with_a_known_id_and_a_wrong_secret_is_unknown(server) {
        let forged = ApiKey::generate(&mut rand::rng());
        server.key_with(&server.workspace, SCOPE, |key| forged.id().clone_into(&mut key.id)).await;
        let bad = server.send("GET", "/workspace", Some(&forged.text()), None).await;
        let none = server.send("GET", "/workspace", None, None).await;
        assert_eq!((bad.status, bad.text), (401, none.text));
    }

    async fn bearer_is_read_in_any_case(server) {
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            assert_eq!(with(&server, &format!("{scheme} {}", server.key)).await.status, 200, "{scheme}");
        }
    }

    async fn two_authorization_headers_are_none(server) {
        let bearer = format!("Bearer {}", server.key);
        let request =
            server.request("GET", "/workspace").header("authorization", &bearer).header("authorization", &bearer);
        assert_eq!(server.finish(request).await.status, 401);
    }

    async fn a_key_in_the_url_is_none(server) {
        let path = format!("/workspace?api_key={0}&key={0}&access_token={0}", server.key);
        assert_eq!(server.send("GET", &path, None, None).await.status, 401);
    }

    async fn a_key_ends_at_its_moment(server) {
        let end = server.clock.now() + SignedDuration::from_secs(60);
        let key = server.key_with(&server.workspace, SCOPE, |key| key.expires_at = Some(end)).await;
        server.clock.advance(Duration::from_millis(59_999));
        assert_eq!(server.send("GET", "/workspace", Some(&key), None).await.status, 200);
        server.clock.advance(Duration::from_millis(1));
        assert_eq!(server.send("GET", "/workspace", Some(&key), None).await.status, 401);
    }

    async fn keys_come_and_go_in_every_process_at_once(server) {
        let other = server.beside().await;
        let mut id = String::new();
        let key = server.key_with(&server.workspace, SCOPE, |key| id.clone_from(&key.id)).await;
        assert_eq!(other.send("GET", "/workspace", Some(&key), None).await.status, 200);
        server.store.revoke_api_key(&id, server.clock.now()).await.unwrap();
        assert_eq!(other.send("GET", "/workspace", Some(&key), None).await.status, 401);
        assert_eq!(server.send("GET", "/workspace", Some(&key), None).await.status, 401);
    }

    async fn a_deleted_workspaces_key_is_unknown(server) {
        server.lead(serde_json::json!({"firstName": "Budi"})).await;
        server.store.delete_keys(&server.workspace.id).await.unwrap();
        assert_eq!(server.get("/workspace").await.status, 401);
    }

    async fn every_answer_has_a_request_id_of_the_servers_own(server) {
        let mut ids = BTreeSet::new();
        let sent = "5f0c1d2e-3b4a-4c5d-8e6f-7a8b9c0d1e2f";
        for (method, path, key) in [
            ("GET", "/leads", &server.key),
            ("GET", "/leads", &String::new()),
            ("GET", "/nowhere", &server.key),
            ("DELETE", "/leads", &server.key),
            ("GET", "/leads/x", &server.key),
            ("GET", "/SKILL.md", &server.key),
            ("GET", "/leads?x=1", &server.key),
            ("HEAD", "/leads", &server.key),
            ("GET", "/openapi.yaml", &server.key),
        ] {
            let request = server.request(method, path).bearer_auth(key).header("x-request-id", sent);
            let answer = server.finish(request).await;
            let id = answer.header("x-request-id").to_owned();
            assert!(id.len() == 36 && id != sent, "{method} {path}: {id}");
            assert!(ids.insert(id));
        }
        let answer = server.finish(server.request("GET", "/../../../healthz")).await;
        assert!(ids.insert(answer.header("x-request-id").to_owned()));
    }
}

/// PostgreSQL only: on SQLite reads do not wait for locks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_in_trouble_is_503_for_an_unknown_key_too() {
    let server = Server::start(Engine::Postgres).await;
    let impatient = "do $$ begin \
        execute format('alter database %I set statement_timeout = 300', current_database()); end $$";
    server.database.execute(impatient).await;
    let server = server.beside().await;
    let mut lock = AnyConnection::connect(&server.database.url).await.unwrap();
    lock.execute("begin; lock table workspace_key in access exclusive mode")
        .await
        .unwrap();
    let unknown = ApiKey::generate(&mut rand::rng()).text().to_string();
    for key in [&unknown, &server.key] {
        let answer = server.send("GET", "/workspace", Some(key), None).await;
        assert_eq!(
            (answer.status, answer.header("retry-after")),
            (503, "5"),
            "{}",
            answer.text
        );
    }
}
