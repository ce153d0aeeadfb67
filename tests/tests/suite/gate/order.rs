//! The order of the checks when several fail.

use konektor_tests::{Options, Server, both_engines};
use serde_json::{Value, json};

/// A body larger than the limit.
fn huge() -> Value {
    json!({"firstName": "x".repeat(70_000)})
}

async fn post(server: &Server, path: &str, key: &str, body: Value) -> u16 {
    server
        .send("POST", path, Some(key), Some(body))
        .await
        .status
}

both_engines! {
    async fn size_comes_before_the_key(server) {
        assert_eq!(post(&server, "/leads", "bad", huge()).await, 413);
        assert_eq!(post(&server, "/nowhere", "bad", huge()).await, 413);
    }

    async fn the_key_comes_before_everything_else(server) {
        assert_eq!(server.send("GET", "/nowhere", Some("bad"), None).await.status, 401);
        assert_eq!(server.send("DELETE", "/leads", Some("bad"), None).await.status, 401);
        assert_eq!(server.send("OPTIONS", "/leads", None, None).await.status, 401);
        assert_eq!(server.send("GET", "/leads?x=1", Some("bad"), None).await.status, 401);
        assert_eq!(post(&server, "/leads", "bad", json!({})).await, 401);
        assert_eq!(post(&server, "/SKILL.md", "bad", json!({})).await, 401);
    }

    async fn the_address_comes_before_the_plan(server) {
        let free = server.another_workspace(&Options { plan: "free".into(), ..Options::default() }).await;
        let key = server.key_with(&free, &[], |key| key.ip_allow = vec!["203.0.113.7".into()]).await;
        let answer = server.send("GET", "/leads", Some(&key), None).await;
        assert!(answer.message().contains("address"), "{}", answer.text);
    }

    async fn a_revoked_key_from_a_wrong_address_is_unauthorized(server) {
        let key = server
            .key_with(&server.workspace, &[], |key| {
                key.ip_allow = vec!["203.0.113.7".into()];
                key.expires_at = Some(key.created_at);
            })
            .await;
        assert_eq!(server.send("GET", "/leads", Some(&key), None).await.status, 401);
    }

    async fn the_limit_comes_before_the_scope_and_the_route(server) {
        let one = server.another_workspace(&Options { requests_per_minute: Some(1), ..Options::default() }).await;
        let key = server.key_with(&one, &[], |_| ()).await;
        assert_eq!(server.send("GET", "/leads", Some(&key), None).await.status, 403);
        for (method, path) in [("GET", "/leads"), ("GET", "/nowhere"), ("DELETE", "/leads"), ("GET", "/leads?x=1")]
        {
            assert_eq!(server.send(method, path, Some(&key), None).await.status, 429, "{method} {path}");
        }
    }

    async fn the_scope_comes_before_the_input(server) {
        let key = server.key_with(&server.workspace, &["agent.leads.read"], |_| ()).await;
        assert_eq!(post(&server, "/leads", &key, json!({})).await, 403);
        let request =
            server.request("POST", "/leads").bearer_auth(&key).header("content-type", "text/plain").body("x");
        assert_eq!(server.finish(request).await.status, 403);
        assert_eq!(server.send("GET", "/workspace?x=1", Some(&key), None).await.status, 403);
    }

    async fn route_and_method_come_before_the_scope(server) {
        let key = server.key_with(&server.workspace, &[], |_| ()).await;
        assert_eq!(server.send("GET", "/nowhere", Some(&key), None).await.status, 404);
        assert_eq!(server.send("DELETE", "/leads", Some(&key), None).await.status, 405);
    }

    async fn the_input_comes_before_the_lead(server) {
        assert_eq!(server.patch("/leads/nobody", json!({"x": 1})).await.status, 400);
        assert_eq!(server.get("/leads/nobody?x=1").await.status, 400);
    }
}
