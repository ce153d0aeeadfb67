//! HTTP methods and routes.

use konektor_spec::Spec;
use konektor_tests::{Answer, Server, both_engines};
use serde_json::json;

async fn send(server: &Server, method: &str, path: &str) -> Answer {
    server
        .finish(server.request(method, path).bearer_auth(&server.key))
        .await
}

both_engines! {
    async fn a_method_a_path_does_not_take_is_answered_with_those_it_takes(server) {
        for (path, allow) in [
            ("/leads", "GET, POST, HEAD"),
            ("/leads/x", "GET, PATCH, HEAD"),
            ("/leads/upsert", "POST"),
            ("/analytics/summary", "GET, HEAD"),
            ("/support/tickets", "POST"),
            ("/SKILL.md", "GET, HEAD"),
        ] {
            for method in ["DELETE", "PUT", "OPTIONS", "TRACE", "PROPFIND"] {
                let answer = send(&server, method, path).await;
                assert_eq!((answer.status, answer.code()), (405, "VALIDATION_ERROR"), "{method} {path}");
                let mut given: Vec<_> = answer.header("allow").split(", ").collect();
                let mut expected: Vec<_> = allow.split(", ").collect();
                given.sort_unstable();
                expected.sort_unstable();
                assert_eq!(given, expected, "{path}");
            }
        }
    }

    async fn head_is_get_without_a_body(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "E"})).await;
        for operation in Spec::builtin().operations().iter().filter(|operation| operation.method == "GET") {
            let path = operation.path.fill(|_| "E");
            let (get, head) = (send(&server, "GET", &path).await, send(&server, "HEAD", &path).await);
            assert_eq!((head.status, head.text.as_str()), (get.status, ""), "{path}");
            assert_eq!(head.header("content-type"), get.header("content-type"));
            assert_eq!(head.header("content-length"), get.text.len().to_string());
        }
        let missing = send(&server, "HEAD", "/leads/nobody").await;
        assert_eq!((missing.status, missing.text.as_str()), (404, ""));
    }

    async fn no_browser_of_another_site_is_invited(server) {
        for method in ["OPTIONS", "GET"] {
            let request = server
                .request(method, "/leads")
                .bearer_auth(&server.key)
                .header("origin", "https://example.com")
                .header("access-control-request-method", "GET");
            let answer = server.finish(request).await;
            assert_eq!(answer.status, if method == "GET" { 200 } else { 405 });
            assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control")));
        }
    }

    async fn an_unknown_route_is_not_found_once_the_key_is_good(server) {
        for path in [
            "/nowhere", "/leads/x/y", "/Leads", "/leads/", "//leads", "/analytics", "/support", "/skill.md", "/",
            "/leads/upsert/x", "/conversions/pending/",
        ] {
            let answer = send(&server, "GET", path).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{path}");
            assert_eq!(answer.number("x-ratelimit-limit"), 1_000_000);
            assert_eq!(server.send("GET", path, None, None).await.status, 401, "{path}");
        }
    }

    async fn outside_the_base_path_there_is_nothing_to_be_let_into(server) {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for path in ["/", "/api/v2", "/api/v1/agent/leads", "/leads", "/api/v2/agentleads"] {
            let answer = Answer::read(client.get(format!("{}{path}", server.url)).send().await.unwrap()).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{path}");
            assert!(!answer.header("x-request-id").is_empty());
        }
    }

    async fn unknown_parameters_are_refused_by_every_operation(server) {
        for operation in Spec::builtin().operations() {
            let path = format!("{}?lang=id", operation.path.fill(|_| "E"));
            let body = operation
                .body
                .as_ref()
                .map(|_| json!({"firstName": "B", "match": {"by": "phone", "value": "081234567890"}}));
            let answer = server.send(&operation.method, &path, Some(&server.key), body).await;
            assert_eq!((answer.status, answer.complaint("lang")), (400, "Unknown parameter"), "{}", operation.id);
        }
    }
}
