//! Each operation requires exactly its own scope, as stated in the document.

use konektor_spec::{Operation, Spec};
use konektor_tests::{Answer, Options, Server, both_engines};
use serde_json::Value;

/// Sends the example request of an operation.
fn example(operation: &Operation) -> (String, Option<Value>) {
    let path = operation.path.fill(|_| "CRM-1024");
    (
        path,
        operation.body.as_ref().map(|body| body.example.clone()),
    )
}

async fn status(server: &Server, operation: &Operation, key: &str) -> (u16, String) {
    let (path, body) = example(operation);
    let answer = server.send(&operation.method, &path, Some(key), body).await;
    (answer.status, answer.message().to_owned())
}

both_engines! {
    async fn a_scope_opens_its_operations_and_no_others(server) {
        let mut opened = 0;
        for scope in Spec::builtin().scopes().iter().map(|scope| scope.name.as_str()) {
            let key = server.key_with(&server.workspace, &[scope], |_| ()).await;
            for operation in Spec::builtin().operations() {
                let Some(needed) = operation.scope() else { continue };
                let (status, message) = status(&server, operation, &key).await;
                if needed == scope {
                    assert!(!matches!(status, 401 | 403), "{scope} does not open {}", operation.id);
                    opened += 1;
                } else {
                    assert_eq!(status, 403, "{scope} opens {}", operation.id);
                    assert!(message.contains(needed), "{message}");
                }
            }
        }
        let gated = Spec::builtin().operations().iter().filter(|operation| operation.scope().is_some());
        assert_eq!(opened, gated.count());
    }

    async fn all_scopes_but_one_open_all_but_its_operations(server) {
        let all: Vec<_> = Spec::builtin().scopes().iter().map(|scope| scope.name.as_str()).collect();
        for missing in &all {
            let others: Vec<_> = all.iter().copied().filter(|scope| scope != missing).collect();
            let key = server.key_with(&server.workspace, &others, |_| ()).await;
            for operation in Spec::builtin().operations() {
                let (status, _) = status(&server, operation, &key).await;
                assert_eq!(status == 403, operation.scope() == Some(missing), "{} without {missing}", operation.id);
            }
        }
    }

    async fn every_answer_to_a_good_key_tells_its_scopes(server) {
        let scopes = ["agent.workspace.read", "agent.leads.read"];
        let told = |answer: &Answer| answer.header("x-konektor-scopes").to_owned();
        let key = server.key_with(&server.workspace, &scopes, |_| ()).await;
        for (method, path, expected) in [
            ("GET", "/workspace", 200),
            ("GET", "/leads?x=1", 400),
            ("GET", "/analytics/summary", 403),
            ("GET", "/leads/nobody", 404),
            ("GET", "/nowhere", 404),
            ("DELETE", "/leads", 405),
        ] {
            let answer = server.send(method, path, Some(&key), None).await;
            assert_eq!((answer.status, told(&answer)), (expected, scopes.join(" ")), "{method} {path}");
        }
        let elsewhere = server.key_with(&server.workspace, &scopes, |key| key.ip_allow = vec!["203.0.113.7".into()]);
        let free = server.another_workspace(&Options { plan: "free".into(), ..Options::default() }).await;
        let of_free = server.key_with(&free, &scopes, |_| ());
        let slow = server.another_workspace(&Options { requests_per_minute: Some(1), ..Options::default() }).await;
        let of_slow = server.key_with(&slow, &scopes, |_| ()).await;
        server.send("GET", "/leads", Some(&of_slow), None).await;
        for (key, expected) in [(elsewhere.await, 403), (of_free.await, 403), (of_slow, 429)] {
            let answer = server.send("GET", "/leads", Some(&key), None).await;
            assert_eq!((answer.status, told(&answer)), (expected, scopes.join(" ")));
        }
        // Without a valid key there is no header.
        for path in ["/leads", "/SKILL.md"] {
            let answer = server.send("GET", path, None, None).await;
            assert!(!answer.headers.contains_key("x-konektor-scopes"), "{path}");
        }
        let all: Vec<_> = Spec::builtin().scopes().iter().map(|scope| scope.name.as_str()).collect();
        assert_eq!(told(&server.get("/leads").await), all.join(" "));
    }

    async fn a_key_without_a_scope_opens_nothing_but_the_guide(server) {
        let key = server.key_with(&server.workspace, &[], |_| ()).await;
        for operation in Spec::builtin().operations() {
            let (status, _) = status(&server, operation, &key).await;
            assert_eq!(status, if operation.scope().is_some() { 403 } else { 200 }, "{}", operation.id);
        }
    }

    async fn a_name_that_only_resembles_a_scope_opens_nothing(server) {
        for near in
            ["agent.leads", "agent.leads.*", "AGENT.LEADS.READ", "agent.leads.readx", "*", "agent.leads.write"]
        {
            let key = server.key_with(&server.workspace, &[near], |_| ()).await;
            assert_eq!(server.send("GET", "/leads", Some(&key), None).await.status, 403, "{near}");
        }
    }

    async fn head_needs_the_scope_of_get(server) {
        let key = server.key_with(&server.workspace, &["agent.leads.write"], |_| ()).await;
        let answer = server.finish(server.request("HEAD", "/leads").bearer_auth(key)).await;
        assert_eq!(answer.status, 403);
    }
}
