//! The time of last use of a key, which is recorded without a write per request.

use std::{collections::BTreeMap, time::Duration};

use jiff::{SignedDuration, Timestamp};
use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Database, Server, Statement, both_engines, program, start_server};
use serde_json::Value;

const REQUESTS: u32 = 100;

/// Returns the times of last use, oldest key first.
async fn last_used(server: &Server, database: &Database) -> Vec<Option<Timestamp>> {
    let keys = database.open().await.api_keys(&server.workspace.id).await;
    keys.unwrap()
        .into_iter()
        .map(|key| key.last_used_at)
        .collect()
}

both_engines! {
    async fn uses_are_written_when_the_server_stops_and_not_before(server) {
        let mut server = server;
        let database = server.database.clone();
        for _ in 0..5 {
            server.clock.advance(Duration::from_secs(1));
            assert_eq!(server.get("/workspace").await.status, 200);
        }
        assert_eq!(last_used(&server, &database).await, [None]);
        server.stop().await;
        assert_eq!(last_used(&server, &database).await, [Some(server.clock.now())]);
    }

    async fn so_many_requests_write_once(server) {
        let program = start_server(&server.database, "sqlx::query=debug");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..REQUESTS {
            let request = http.get(format!("{}/api/v2/agent/workspace", program.url)).bearer_auth(&server.key);
            assert_eq!(server.finish(request).await.status, 200);
        }
        let log = program.into_log();
        let statements: Vec<_> = log.lines().filter_map(Statement::of_line).collect();
        let about_keys = |kind: &str| {
            let of_kind = statements.iter().filter(|statement| statement.sql.starts_with(kind));
            of_kind.filter(|statement| statement.sql.contains("api_key")).count()
        };
        assert!(about_keys("select") >= REQUESTS as usize, "the log tells of every statement");
        assert_eq!(about_keys("update"), 1);
        assert!(last_used(&server, &server.database).await[0].is_some());
    }

    async fn a_bad_key_is_not_used(server) {
        let mut server = server;
        let database = server.database.clone();
        let forged = ApiKey::generate(&mut rand::rng());
        server.key_with(&server.workspace, &[], |key| forged.id().clone_into(&mut key.id)).await;
        let expired = server.key_with(&server.workspace, &[], |key| key.expires_at = Some(key.created_at)).await;
        for key in [forged.text().as_str(), &expired] {
            assert_eq!(server.send("GET", "/workspace", Some(key), None).await.status, 401);
        }
        server.stop().await;
        assert_eq!(last_used(&server, &database).await, [None; 3]);
    }

    async fn an_earlier_use_that_is_written_later_changes_nothing(server) {
        let other = server.key_with(&server.workspace, &[], |_| ()).await;
        let ids = [&server.key, &other].map(|key| ApiKey::parse(key).unwrap().id().to_owned());
        let used = |seconds: [i64; 2]| -> BTreeMap<_, _> {
            let at = seconds.map(|second| server.clock.now() + SignedDuration::from_secs(second));
            let nobody = ("gone".to_owned(), at[0]);
            ids.clone().into_iter().zip(at).chain([nobody]).collect()
        };
        let known = async || {
            let keys = server.store.api_keys(&server.workspace.id).await.unwrap();
            keys.into_iter().map(|key| (key.id, key.last_used_at.unwrap())).collect::<BTreeMap<_, _>>()
        };
        for (written, expected) in [([5, 5], [5, 5]), ([4, 6], [5, 6]), ([-3600, 7], [5, 7])] {
            server.store.set_last_used(&used(written)).await.unwrap();
            let mut expected = used(expected);
            expected.remove("gone");
            assert_eq!(known().await, expected);
        }
    }

    async fn the_list_of_keys_tells_it(server) {
        let mut server = server;
        let (database, workspace) = (server.database.clone(), server.workspace.id.clone());
        let list = async |more: &[&str]| {
            let mut command = program("konektor-server");
            command.args(["key", "list", "--workspace", &workspace, "--database-url", &database.url]);
            String::from_utf8(command.args(more).output().await.unwrap().stdout).unwrap()
        };
        assert!(list(&[]).await.contains("never"));
        server.get("/workspace").await;
        server.stop().await;
        assert!(list(&[]).await.contains("2025-01-15T10:30:00.000Z"));
        let json: Value = serde_json::from_str(&list(&["--json"]).await).unwrap();
        assert_eq!(json["keys"][0]["lastUsedAt"], "2025-01-15T10:30:00.000Z");
    }
}
