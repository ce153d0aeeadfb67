//! Bounds the allocations of a request inside the router. The counts are the same on every machine. They reveal what a
//! latency test would miss, such as a copy of the document per request, or a search that decrypts too many leads.
//!
//! The allocator counts for the whole process, so this file has a single test.

#![allow(
    clippy::unwrap_used,
    reason = "this is how a test fails, in its helpers too"
)]

use std::alloc::System;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use konektor_server::{
    randomness::Randomness, seed::SyntheticLeads, server::Server as ApiServer, settings::Settings,
};
use konektor_spec::Spec;
use konektor_tests::{Engine, Server};
use serde_json::json;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower::ServiceExt as _;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The number of requests per case. The average over them hides allocations that are not caused by the request.
const TIMES: usize = 20;

/// The bound of one request on either engine, with a margin of 20 %. Investigate an excess before raising the bound.
struct Bound {
    allocations: usize,
    bytes: usize,
}

/// A request and its bound.
struct Case {
    name: &'static str,
    path: String,
    with_key: bool,
    status: StatusCode,
    bound: Bound,
}

fn cases(lead: &str) -> Vec<Case> {
    let case = |name, path: &str, with_key, status, allocations, bytes| Case {
        name,
        path: path.to_owned(),
        with_key,
        status,
        bound: Bound { allocations, bytes },
    };
    let (ok, unauthorized) = (StatusCode::OK, StatusCode::UNAUTHORIZED);
    let base = "/api/v2/agent";
    vec![
        case("liveness", "/healthz", false, ok, 23, 10_000),
        case(
            "the guide",
            &format!("{base}/SKILL.md"),
            false,
            ok,
            23,
            14_000,
        ),
        case(
            "no key",
            &format!("{base}/leads"),
            false,
            unauthorized,
            35,
            15_000,
        ),
        case(
            "the workspace",
            &format!("{base}/workspace"),
            true,
            ok,
            230,
            47_000,
        ),
        case(
            "a lead",
            &format!("{base}/leads/{lead}"),
            true,
            ok,
            345,
            54_000,
        ),
        case(
            "a search for one lead",
            &format!("{base}/leads?search=%2B6281234567890"),
            true,
            ok,
            700,
            200_000,
        ),
        case(
            "a page",
            &format!("{base}/leads?limit=50"),
            true,
            ok,
            2_700,
            305_000,
        ),
    ]
}

#[tokio::test]
async fn what_a_request_allocates_is_bounded() {
    let mut too_much = Vec::new();
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let mut server = Server::start(engine).await;
        let lead = server
            .lead(json!({"firstName": "Budi", "phone": "081234567890"}))
            .await;
        let leads = SyntheticLeads::new(
            Spec::builtin(),
            &server.workspace.id,
            1,
            100,
            server.clock.now(),
        );
        let tenant = server.store.tenant(&server.workspace).await.unwrap();
        tenant
            .insert_leads(leads.into_iter(), |_| ())
            .await
            .unwrap();
        // Background tasks would add to the counts.
        server.stop().await;

        let router = router(&server).await;
        for case in cases(lead["id"].as_str().unwrap()) {
            let cost = cost(&router, &server.key, &case).await;
            let told = format!(
                "{engine:?}, {}: {} allocations of {}, {} bytes of {}",
                case.name, cost.allocations, case.bound.allocations, cost.bytes, case.bound.bytes
            );
            println!("{told}");
            if cost.allocations > case.bound.allocations || cost.bytes > case.bound.bytes {
                too_much.push(told);
            }
        }
    }
    assert!(too_much.is_empty(), "{too_much:#?}");
}

/// Builds the router alone, without sockets and background tasks.
async fn router(server: &Server) -> Router {
    let store = server.database.open().await;
    let spec = Spec::builtin().clone();
    let server = ApiServer::new(
        Settings::default(),
        spec,
        store,
        server.clock.clone(),
        Randomness::system(),
        &server.url,
    );
    server.unwrap().router()
}

/// Measures the average cost of a request after a warm-up.
async fn cost(router: &Router, key: &str, case: &Case) -> Bound {
    for _ in 0..TIMES {
        answer(router, key, case).await;
    }
    let region = Region::new(ALLOCATOR);
    for _ in 0..TIMES {
        answer(router, key, case).await;
    }
    let change = region.change();
    Bound {
        allocations: (change.allocations + change.reallocations) / TIMES,
        bytes: change.bytes_allocated / TIMES,
    }
}

async fn answer(router: &Router, key: &str, case: &Case) {
    let mut request = Request::get(&case.path);
    if case.with_key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let response = router
        .clone()
        .oneshot(request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(response.status(), case.status, "{}", case.name);
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    // A page of fifty leads is larger than 20,000 bytes.
    assert!(body.len() > if case.name == "a page" { 20_000 } else { 10 });
}
