//! Every documented failure, from every operation that documents it.

use futures::{
    StreamExt as _,
    future::{join_all, select},
    stream,
};
use konektor_spec::{Location, Operation, Spec};
use konektor_tests::{Answer, Engine, Options, Server, both_engines};
use reqwest::{Body, RequestBuilder, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sqlx::Connection as _;

use super::{bare, documenting, example, expect, fresh_key, must_be};

both_engines! {
    async fn an_unknown_parameter_is_400(server) {
        for operation in documenting(400) {
            let request = keyed(&server, operation).query(&[("colour", "red")]);
            let answer = expect(&server, operation, 400, request).await;
            assert_eq!(answer.bad_fields(), ["colour"], "{}", operation.id);
        }
    }

    async fn no_key_is_401(server) {
        for operation in documenting(401) {
            expect(&server, operation, 401, example(&server, operation)).await;
        }
    }

    async fn a_key_without_the_operations_scope_is_403(server) {
        for operation in documenting(403) {
            let scope = operation.scope().unwrap();
            let others: Vec<_> = Spec::builtin()
                .scopes()
                .iter()
                .map(|scope| scope.name.as_str())
                .filter(|name| *name != scope)
                .collect();
            let key = server.key_with(&server.workspace, &others, |_| ()).await;
            let request = example(&server, operation).bearer_auth(key);
            let answer = expect(&server, operation, 403, request).await;
            assert!(answer.json["error"]["message"].as_str().unwrap().contains(scope));
        }
    }

    async fn a_lead_that_is_not_there_is_404(server) {
        for operation in documenting(404) {
            let request = keyed(&server, operation);
            let body = operation.body.as_ref();
            let request = match body.filter(|body| body.schema.property("createIfMissing").is_some()) {
                Some(body) => {
                    let mut example = body.example.clone();
                    example["createIfMissing"] = Value::Bool(false);
                    request.json(&example)
                }
                None => request,
            };
            expect(&server, operation, 404, request).await;
        }
    }

    async fn a_key_in_flight_is_409(server) {
        let keyed = |operation: &&Operation| {
            operation.parameters_in(Location::Header).any(|header| header.name == "Idempotency-Key")
        };
        for operation in documenting(409).filter(keyed) {
            let key = fresh_key(&server).await;
            if names_a_lead(operation) {
                let lead = json!({"firstName": "Budi", "externalRef": "CRM-1024"});
                server.send("POST", "/leads", Some(&key), Some(lead)).await;
            }
            let send = || Box::pin(once(&server, operation, &key, "in-flight").send());
            let lock = server.database.lock().await;
            // The second request fails while the first one waits.
            let (refused, waiting) = select(send(), send()).await.factor_first();
            must_be(operation, 409, &Answer::read(refused.unwrap()).await);
            lock.close().await.unwrap();
            assert!(waiting.await.unwrap().status().is_success());
        }
    }

    async fn a_handle_of_two_leads_is_409(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1024"})).await;
        server.lead(json!({"firstName": "Siti", "externalRef": "CRM-1025", "uniqueCode": "S"})).await;
        // Concurrent creates can lead to this state.
        server.database.execute("update lead set unique_code = 'CRM-1024' where unique_code = 'S'").await;
        for operation in documenting(409).filter(|operation| names_a_lead(operation)) {
            let answer = expect(&server, operation, 409, keyed(&server, operation)).await;
            assert_eq!((answer.header("retry-after"), answer.bad_fields()), ("", vec!["id"]), "{}", operation.id);
        }
        let operations = Spec::builtin().operations().iter();
        for operation in operations.filter(|operation| names_a_lead(operation)) {
            assert!(documenting(409).any(|documenting| documenting.id == operation.id), "{}", operation.id);
        }
    }

    async fn a_body_over_the_limit_is_413(server) {
        let too_large = "x".repeat(Spec::builtin().limits().body_bytes + 1);
        for operation in documenting(413) {
            let announced = keyed(&server, operation).body(too_large.clone());
            expect(&server, operation, 413, announced).await;
            let chunks = stream::iter([Ok::<_, std::io::Error>(too_large.clone())]);
            let chunked = keyed(&server, operation).body(Body::wrap_stream(chunks));
            expect(&server, operation, 413, chunked).await;
        }
    }

    async fn a_body_that_is_not_json_is_415(server) {
        for operation in documenting(415) {
            let body = operation.body.as_ref().unwrap().example.to_string();
            let request = bare(&server, operation).bearer_auth(&server.key);
            let request = request.header(CONTENT_TYPE, "text/plain").body(body);
            expect(&server, operation, 415, request).await;
        }
    }

    async fn a_key_of_another_operation_is_422(server) {
        for operation in documenting(422) {
            let other = documenting(422).find(|it| it.id != operation.id).unwrap();
            let key = fresh_key(&server).await;
            let first = server.finish(once(&server, other, &key, "reused")).await;
            assert!(first.status < 300, "{}", first.text);
            expect(&server, operation, 422, once(&server, operation, &key, "reused")).await;
        }
    }

    async fn one_request_too_many_is_429(server) {
        for operation in documenting(429) {
            let options = Options { requests_per_minute: Some(1), ..Options::default() };
            let workspace = server.another_workspace(&options).await;
            let key = server.key_with(&workspace, &[operation.scope().unwrap()], |_| ()).await;
            server.finish(example(&server, operation).bearer_auth(&key)).await;
            let request = example(&server, operation).bearer_auth(&key);
            let answer = expect(&server, operation, 429, request).await;
            assert_eq!(answer.header("retry-after"), "60");
            assert_eq!(answer.header("x-ratelimit-remaining"), "0");
        }
    }

    async fn a_damaged_database_is_500_and_says_nothing_of_it(server) {
        for table in ["lead", "lead_day", "ticket"] {
            server.database.execute(&format!("alter table {table} rename to {table}_damaged")).await;
        }
        for operation in documenting(500) {
            let answer = expect(&server, operation, 500, keyed(&server, operation)).await;
            assert_eq!(answer.json["error"]["message"], "Something went wrong on our side");
            assert!(answer.json["error"]["details"].is_null());
        }
    }

    async fn a_database_that_is_away_is_503(server) {
        server.store.close().await;
        for operation in documenting(503) {
            expect(&server, operation, 503, keyed(&server, operation)).await;
        }
    }
}

both_engines! {
    options: Options { spec: in_a_hurry(), ..Options::default() };

    async fn a_body_that_does_not_arrive_whole_is_408(server) {
        join_all(documenting(408).map(async |operation| {
            let half = operation.body.as_ref().unwrap().example.to_string();
            let half = half[..half.len() / 2].to_owned();
            let silence = stream::iter([Ok::<_, std::io::Error>(half)]).chain(stream::pending());
            let request = keyed(&server, operation).body(Body::wrap_stream(silence));
            expect(&server, operation, 408, request).await;
        }))
        .await;
    }

    async fn a_database_locked_for_longer_than_a_request_may_take_is_503(server) {
        let _lock = server.database.lock().await;
        // On SQLite reads do not wait for locks.
        let waits = |operation: &&Operation| server.engine == Engine::Postgres || operation.body.is_some();
        join_all(documenting(503).filter(waits).map(async |operation| {
            expect(&server, operation, 503, keyed(&server, operation)).await;
        }))
        .await;
    }

}

both_engines! {
    options: Options { spec: in_seconds(2), ..Options::default() };

    async fn a_write_that_is_not_confirmed_in_time_is_504(server) {
        let mut requests = Vec::new();
        for operation in documenting(504) {
            // In a workspace of its own each example changes something.
            let key = fresh_key(&server).await;
            if names_a_lead(operation) {
                let lead = server.send("POST", "/leads", Some(&key), Some(example_of_a_lead())).await;
                assert_eq!(lead.status, 201);
            }
            requests.push((operation, example(&server, operation).bearer_auth(key)));
        }
        server.database.slow_down_commits().await;
        for (operation, request) in requests {
            expect(&server, operation, 504, request).await;
            server.database.wait_for_writer().await;
        }
    }
}

/// Whether the path contains a reference to a lead.
fn names_a_lead(operation: &Operation) -> bool {
    operation.parameters_in(Location::Path).next().is_some()
}

fn example_of_a_lead() -> Value {
    let create = Spec::builtin().operation("leads_create").unwrap();
    create.body.as_ref().unwrap().example.clone()
}

/// SQLite has no connections that could be terminated from outside.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_started_anew_is_found_again() {
    let server = Server::start(Engine::Postgres).await;
    assert_eq!(server.get("/leads").await.status, 200);
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()";
    server.database.execute(end).await;
    assert_eq!(server.get("/leads").await.status, 200);
    let lead = json!({"firstName": "Budi"});
    assert_eq!(server.post("/leads", lead).await.status, 201);
}

fn keyed(server: &Server, operation: &Operation) -> RequestBuilder {
    example(server, operation).bearer_auth(&server.key)
}

/// Builds the example request with an `Idempotency-Key`.
fn once(
    server: &Server,
    operation: &Operation,
    key: &str,
    idempotency_key: &str,
) -> RequestBuilder {
    let request = example(server, operation).bearer_auth(key);
    request.header("Idempotency-Key", idempotency_key)
}

/// The document with the shortest request timeout.
fn in_a_hurry() -> Spec {
    in_seconds(1)
}

fn in_seconds(seconds: u64) -> Spec {
    let mut document = Spec::builtin().document().clone();
    document["x-konektor-limits"]["requestSeconds"] = json!(seconds);
    document["x-konektor-limits"]["arrivalSeconds"] = json!(0.6);
    Spec::from_value(document).unwrap()
}
