//! The public pages: the guide, the document, the docs page and the health checks.

use konektor_spec::{Spec, YAML};
use konektor_tests::both_engines;
use reqwest::header::HOST;
use serde_json::Value;

const PAGES: [&str; 6] = [
    "/api/v2/agent/SKILL.md",
    "/api/v2/agent/openapi.yaml",
    "/api/v2/agent/openapi.json",
    "/docs",
    "/healthz",
    "/readyz",
];

both_engines! {
    async fn pages_need_no_key_and_name_their_request(server) {
        for path in PAGES {
            let page = server.page(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert_eq!(page.header("x-request-id").len(), 36, "{path}");
            assert!(!page.headers.contains_key("x-ratelimit-limit"), "{path}");
        }
    }

    async fn the_document_is_the_file_with_the_public_url(server) {
        let yaml = server.page("/api/v2/agent/openapi.yaml").await.text;
        let own = format!("{}/api/v2/agent", server.url);
        assert_eq!(yaml, YAML.replacen("https://konektor.id/api/v2/agent", &own, 1));
        let json = server.page("/api/v2/agent/openapi.json").await.json;
        assert_eq!(json["servers"][0]["url"], own);
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml).unwrap(), json);
    }

    async fn the_guide_and_the_docs_page_carry_the_public_url(server) {
        for path in ["/api/v2/agent/SKILL.md", "/docs"] {
            // HTML may escape slashes.
            let page = server.page(path).await.text.replace("&#x2f;", "/");
            assert!(page.contains(&format!("BASE={}/api/v2/agent", server.url)), "{path}");
            assert!(!page.contains("https://konektor.id/api/v2/agent"), "{path}");
        }
    }

    async fn no_page_repeats_the_host_that_was_asked_for(server) {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for path in PAGES {
            let request = http.get(format!("{}{path}", server.url)).header(HOST, "evil.example");
            let page = server.finish(request).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(!page.text.contains("evil.example"), "{path}");
        }
    }

    async fn pages_are_of_their_types(server) {
        let mut types = Vec::new();
        for path in PAGES {
            types.push(server.page(path).await.header("content-type").to_owned());
        }
        assert_eq!(types, [
            "text/markdown; charset=utf-8",
            "application/yaml; charset=utf-8",
            "application/json",
            "text/html; charset=utf-8",
            "application/json",
            "application/json",
        ]);
    }

    async fn the_docs_page_shows_every_operation_and_loads_nothing(server) {
        let docs = server.page("/docs").await.text;
        for operation in Spec::builtin().operations() {
            assert!(docs.contains(&format!("id=\"{}\"", operation.id)), "{}", operation.id);
        }
        for foreign in ["<script", "<link", "<img", "<iframe", "@import", "url("] {
            assert!(!docs.contains(foreign), "{foreign}");
        }
    }

    async fn a_server_without_its_database_is_alive_and_not_ready(server) {
        server.store.close().await;
        assert_eq!(server.page("/healthz").await.status, 200);
        let ready = server.page("/readyz").await;
        assert_eq!(ready.status, 503);
        assert_eq!(ready.header("retry-after"), "5");
        assert_eq!(ready.json["error"]["code"], "INTERNAL_ERROR");
    }

    async fn pages_are_only_read(server) {
        for path in ["/openapi.json", "/openapi.yaml"] {
            let posted = server.finish(server.request("POST", path)).await;
            assert_eq!(posted.status, 405, "{path}");
            assert_eq!(posted.header("allow"), "GET, HEAD");
        }
    }
}
