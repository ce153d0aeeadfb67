//! The response time to a bad key must not reveal whether its id exists.

use std::time::Instant;

use konektor_server::domain::api_key::ApiKey;
use konektor_tests::{Server, Statement, both_engines, start_server};

/// The number of unknown ids, which are distributed around the existing ones.
const UNKNOWN: usize = 24;

/// The number of measured pairs of requests, and of pairs per batch that the throttle admits.
const PAIRS: usize = 400;
const BUNCH: usize = 40;

/// Creates a key with an existing id and a wrong secret.
async fn forged(server: &Server) -> String {
    let key = ApiKey::generate(&mut rand::rng());
    server
        .key_with(&server.workspace, &[], |stored| {
            key.id().clone_into(&mut stored.id);
        })
        .await;
    key.text().to_string()
}

fn unknown() -> String {
    ApiKey::generate(&mut rand::rng()).text().to_string()
}

/// Returns the statements of each request.
fn by_request(log: &str) -> Vec<Vec<Statement>> {
    let mut requests = vec![Vec::new()];
    for line in log.lines() {
        if line.contains("\"answered\"") {
            requests.push(Vec::new());
        } else if let (Some(statement), Some(request)) =
            (Statement::of_line(line), requests.last_mut())
        {
            request.push(statement);
        }
    }
    // Ignore the setup of new connections.
    for request in &mut requests {
        let sets_up =
            |sql: &str| sql.starts_with("pragma") || sql.starts_with("set statement_timeout");
        request.retain(|statement| !sets_up(&statement.sql.to_lowercase()));
    }
    requests
}

both_engines! {
    async fn every_well_formed_bad_key_costs_the_database_the_same(server) {
        let other = server.another_workspace(&konektor_tests::Options::default()).await;
        server.key_with(&other, &[], |_| ()).await;
        let program = start_server(&server.database, "info,sqlx::query=debug");
        let expired = server.key_with(&server.workspace, &[], |key| key.expires_at = Some(key.created_at)).await;
        let keys = [forged(&server).await, expired].into_iter().chain((0..UNKNOWN).map(|_| unknown()));
        // The first request overlaps the startup of the server.
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        for key in [unknown()].into_iter().chain(keys) {
            let request = http.get(format!("{}/api/v2/agent/workspace", program.url)).bearer_auth(key);
            assert_eq!(server.finish(request).await.status, 401);
        }
        let requests = by_request(&program.into_log());
        let [_, wrong_secret, others @ ..] = &requests[..=UNKNOWN + 2] else { panic!("{requests:?}") };
        assert!(wrong_secret.iter().any(|statement| statement.sql.contains("api_key")));
        assert!(wrong_secret.iter().any(|statement| statement.sql.contains("workspace_key")));
        for other in others {
            assert_eq!(other, wrong_secret);
        }
    }

    /// If both requests do the same work, either is faster about as often as the other.
    async fn an_unknown_id_is_refused_no_quicker_than_a_wrong_secret(server) {
        let (forged, unknown) = (forged(&server).await, unknown());
        let time = async |key: &str| {
            let begun = Instant::now();
            let answer = server.finish(server.request("GET", "/workspace").bearer_auth(key)).await;
            assert_eq!(answer.status, 401);
            begun.elapsed()
        };
        let mut quicker = 0;
        for pair in 0..PAIRS {
            if pair % BUNCH == 0 {
                server.clock.advance(std::time::Duration::from_mins(1));
            }
            let (wrong, missed) = if pair % 2 == 0 {
                (time(&forged).await, time(&unknown).await)
            } else {
                let missed = time(&unknown).await;
                (time(&forged).await, missed)
            };
            quicker += usize::from(missed < wrong);
        }
        println!("an unknown id was quicker in {quicker} of {PAIRS} pairs");
        assert!((PAIRS / 4..PAIRS * 3 / 4).contains(&quicker), "{quicker} of {PAIRS}");
    }
}
