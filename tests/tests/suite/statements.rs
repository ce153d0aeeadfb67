//! Bounds the number of database statements per operation.

use std::time::Duration;

use konektor_spec::OperationId;
use konektor_tests::{Engine, Server, ServerProcess, Statement, Wire, both_engines, start_server};
use serde_json::{Value, json};
use tokio::time::sleep;

/// The number of requests per operation, of which the last counts. The first ones prepare statements and unwrap keys.
const REPEATS: usize = 6;

/// The bounds of an operation: statements on SQLite, and on PostgreSQL including `begin` and `commit`.
fn bound(operation: OperationId) -> (usize, usize) {
    use OperationId as Id;
    match operation {
        Id::SkillShow => (0, 0),
        Id::LeadsList => (3, 3),
        Id::LeadsCreate | Id::LeadsUpdate => (5, 8),
        Id::LeadsUpsert => (8, 11),
        Id::SupportTicketCreate => (3, 6),
        Id::LeadsGet
        | Id::AnalyticsSummary
        | Id::AnalyticsFunnel
        | Id::AnalyticsCampaigns
        | Id::ConversionsStatus
        | Id::ConversionsPending
        | Id::WorkspaceShow => (2, 2),
    }
}

fn request(operation: OperationId, number: usize) -> (&'static str, &'static str, Option<Value>) {
    use OperationId as Id;
    let lead = || json!({"firstName": "Budi", "externalRef": format!("N-{number}")});
    match operation {
        Id::SkillShow => ("GET", "/SKILL.md", None),
        Id::LeadsList => ("GET", "/leads", None),
        Id::LeadsCreate => ("POST", "/leads", Some(lead())),
        Id::LeadsUpsert => {
            let found = json!({"by": "externalRef", "value": "X"});
            let lead = json!({"firstName": format!("Budi {number}")});
            (
                "POST",
                "/leads/upsert",
                Some(json!({"match": found, "lead": lead})),
            )
        }
        Id::LeadsGet => ("GET", "/leads/X", None),
        Id::LeadsUpdate => {
            let change = json!({"notes": format!("called {number} times")});
            ("PATCH", "/leads/X", Some(change))
        }
        Id::AnalyticsSummary => ("GET", "/analytics/summary", None),
        Id::AnalyticsFunnel => ("GET", "/analytics/funnel", None),
        Id::AnalyticsCampaigns => ("GET", "/analytics/campaigns", None),
        Id::ConversionsStatus => ("GET", "/conversions/status", None),
        Id::ConversionsPending => ("GET", "/conversions/pending", None),
        Id::WorkspaceShow => ("GET", "/workspace", None),
        Id::SupportTicketCreate => {
            let ticket = json!({"subject": "Help", "message": "Please", "priority": "normal"});
            ("POST", "/support/tickets", Some(ticket))
        }
    }
}

both_engines! {
    async fn each_operation_asks_its_database_as_often_as_it_may(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "X"})).await;
        let counted = match server.engine {
            Engine::Sqlite => on_sqlite(&server).await,
            Engine::Postgres => on_postgres(&server).await,
        };
        let mut over = Vec::new();
        for (operation, statements, pings) in counted {
            let (on_sqlite, on_postgres) = bound(operation);
            let most = if server.engine == Engine::Sqlite { on_sqlite } else { on_postgres };
            // A connection that was used a moment ago is not pinged.
            if statements > most || pings > 0 {
                over.push(format!("{}: {statements} statements, {pings} pings", operation.as_str()));
            }
        }
        assert!(over.is_empty(), "{over:#?}");
    }
}

#[tokio::test]
async fn a_statement_that_nobody_waits_for_any_more_ends() {
    let server = Server::start(Engine::Postgres).await;
    let program = start_server(&server.database, "info");
    let locked = server.database.lock().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v2/agent/leads", program.url);
    let answer = server.finish(http.get(url).bearer_auth(&server.key)).await;
    assert_eq!(answer.status, 503);
    let waiting = "select count(*) from pg_stat_activity \
        where datname = current_database() and wait_event_type = 'Lock'";
    assert_eq!(server.database.number(waiting).await, 1);
    sleep(Duration::from_secs(3)).await;
    assert_eq!(server.database.number(waiting).await, 0);
    drop(locked);
    program.stop();
}

/// Counts the logged statements before each response.
async fn on_sqlite(server: &Server) -> Vec<(OperationId, usize, usize)> {
    let log = "sqlx::query=debug,konektor_server=info";
    let program = start_server(&server.database, log);
    for operation in OperationId::ALL {
        for number in 0..REPEATS {
            ask(server, &program, operation, number).await;
        }
    }
    let log = program.into_log();
    let mut counts = std::collections::HashMap::new();
    let mut statements = 0;
    for line in log.lines() {
        let fields: Value = serde_json::from_str(line).unwrap();
        if fields["message"] == "answered" {
            // The last request counts.
            counts.insert(fields["operation"].as_str().unwrap().to_owned(), statements);
            statements = 0;
        } else if Statement::of_line(line).is_some() {
            statements += 1;
        }
    }
    let counts = OperationId::ALL.map(|operation| (operation, counts[operation.as_str()], 0));
    counts.into()
}

async fn on_postgres(server: &Server) -> Vec<(OperationId, usize, usize)> {
    let wire = Wire::before(&server.database).await;
    let program = start_server(&wire.database, "warn");
    let mut counts = Vec::new();
    for operation in OperationId::ALL {
        let mut count = (0, 0);
        for number in 0..REPEATS {
            // Connections return to the pool asynchronously.
            sleep(Duration::from_millis(100)).await;
            let _ = wire.take();
            ask(server, &program, operation, number).await;
            sleep(Duration::from_millis(100)).await;
            count = wire.take();
        }
        counts.push((operation, count.0, count.1));
    }
    program.stop();
    counts
}

async fn ask(server: &Server, program: &ServerProcess, operation: OperationId, number: usize) {
    let (method, path, body) = request(operation, number);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v2/agent{path}", program.url);
    let mut request = http
        .request(method.parse().unwrap(), url)
        .bearer_auth(&server.key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = server.finish(request).await;
    assert!(answer.status < 300, "{path}: {}", answer.text);
}
