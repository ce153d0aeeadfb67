//! The query plans of all statements on leads: they use indexes, whatever the number of leads.
//!
//! The statements come from the log of the server binary, so that none is missing or duplicated here.

use std::collections::BTreeSet;

use konektor_server::seed::SyntheticLeads;
use konektor_spec::Spec;
use konektor_tests::{Engine, Server, ServerProcess, Statement, both_engines, start_server};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};

use crate::at_rest::traces;

type Request = (&'static str, String, Option<Value>);

/// The tables that grow with the number of leads.
const TABLES: [&str; 2] = ["lead", "lead_token"];

both_engines! {
    async fn no_request_reads_a_whole_table(server) {
        let mut requests = lookups();
        requests.extend(lists().into_iter().chain(totals()));
        let statements = statements_of(&server, requests).await;
        assert!(statements.len() > 30, "{statements:#?}");
        for (statement, plan) in plans(&server, statements).await {
            assert!(!reads_a_whole_table(&plan), "{statement}\n{plan:#?}");
        }
    }

    async fn one_lead_is_found_by_more_than_its_workspace(server) {
        let statements = statements_of(&server, lookups()).await;
        for (statement, plan) in plans(&server, statements).await {
            let by_workspace_alone = plan.iter().any(|step| conditions(step) == Some(1));
            assert!(!by_workspace_alone, "{statement}\n{plan:#?}");
        }
    }

    async fn a_search_among_100_000_leads_reads_what_it_finds(server) {
        // Every search finds this lead, so that the statements of its page run too.
        let body = json!({
            "firstName": "Budi Siti Dewi Agus Putri Eka Rina Joko", "lastName": "Santoso O'Brien Nur'aini Al-Fatih",
            "phone": "081234567890", "email": "budi@example.com", "externalRef": "CRM-10", "source": "ads",
            "assignedTo": "7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c",
        });
        server.lead(body).await;
        let searches = searches();
        let requests = searches.len();
        let statements = statements_of(&server, searches).await;
        // Some searches share statements.
        assert!(statements.len() > requests + requests / 2, "{} statements", statements.len());
        multiply(&server).await;
        let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
        let values = Values::common(&server, &mut connection).await;
        for statement in statements {
            // The generic plan, and the plan for the most frequent values.
            let mut plans = vec![plan(&server, &mut connection, &values.put_into(&statement)).await];
            match server.engine {
                Engine::Sqlite => plans.push(plan(&server, &mut connection, &statement).await),
                Engine::Postgres => {
                    sqlx::raw_sql("set plan_cache_mode = force_generic_plan").execute(&mut connection).await.unwrap();
                    let prepared = prepared(&mut connection, &statement).await;
                    plans.push(plan(&server, &mut connection, &prepared).await);
                }
            }
            for plan in plans {
                assert!(!reads_a_whole_table(&plan), "{statement}\n{plan:#?}");
                let by_workspace_alone = plan
                    .iter()
                    .any(|step| conditions(step) == Some(1) && mentions(step, "workspace_id"));
                assert!(!by_workspace_alone, "{statement}\n{plan:#?}");
            }
        }
    }

    async fn a_page_is_read_in_the_order_of_an_index(server) {
        let statements = statements_of(&server, lists()).await;
        let pages = statements.into_iter().filter(|statement| statement.contains(" order by ")).collect();
        for (statement, plan) in plans(&server, pages).await {
            let sorts = plan.iter().any(|step| step.contains("TEMP B-TREE") || step.contains("Sort"));
            assert!(!sorts, "{statement}\n{plan:#?}");
        }
    }
}

/// Requests that read or write a single lead.
fn lookups() -> Vec<Request> {
    let by = |by: &str, value: &str| {
        let body = json!({"match": {"by": by, "value": value}, "lead": {"firstName": "Siti"}});
        ("POST", "/leads/upsert".to_owned(), Some(body))
    };
    vec![
        (
            "POST",
            "/leads".into(),
            Some(json!({"firstName": "Budi", "phone": "0811-1111-1111", "externalRef": "X"})),
        ),
        (
            "POST",
            "/leads".into(),
            Some(json!({"firstName": "Budi", "phone": "0811-1111-1111", "externalRef": "X"})),
        ),
        ("GET", "/leads/X".into(), None),
        ("GET", "/leads/081111111111".into(), None),
        ("GET", "/leads/lead_01jhmh6v5e7m2q9r4s8t0w1x3y".into(), None),
        (
            "PATCH",
            "/leads/X".into(),
            Some(json!({"firstName": "Rahmat", "phone": "0811-2222-2222"})),
        ),
        by("id", "lead_01jhmh6v5e7m2q9r4s8t0w1x3y"),
        by("uniqueCode", "KNK-1"),
        by("externalRef", "X"),
        by("phone", "081122222222"),
    ]
}

fn lists() -> Vec<Request> {
    let queries = [
        "/leads",
        "/leads?sortOrder=asc",
        "/leads?sortBy=updatedAt",
        "/leads?sortBy=updatedAt&sortOrder=asc&limit=10",
        "/leads?page=3&limit=10",
        "/leads?status=new",
        "/leads?assignedTo=7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c",
        "/leads?createdFrom=2025-01-01&createdTo=2025-01-31",
    ];
    queries.map(|path| ("GET", path.to_owned(), None)).into()
}

/// Filters and totals, which read all matching rows, and searches, which sort all matching rows.
fn totals() -> Vec<Request> {
    let queries = [
        "/leads?status=new&priority=high&source=ads&adPlatform=meta&sortBy=updatedAt",
        "/leads?search=budi",
        "/leads?search=budi+santoso",
        "/leads?search=budi@example.com",
        "/leads?search=081234567890",
        "/leads?search=CRM-10",
        "/analytics/summary?timeframe=all_time",
        "/analytics/summary?from=2025-01-01",
        "/analytics/campaigns",
        "/conversions/status?platform=meta",
        "/conversions/pending",
        "/conversions/pending?page=2&limit=10",
        "/workspace",
    ];
    queries.map(|path| ("GET", path.to_owned(), None)).into()
}

/// Searches of every kind, and the filter that works like one.
fn searches() -> Vec<Request> {
    let queries = [
        "search=dewi",
        "search=dewi&page=2&limit=10",
        "search=dewi&sortBy=updatedAt&sortOrder=asc",
        "search=dewi&status=new&source=ads",
        "search=dewi&createdFrom=2020-01-01",
        "search=budi%20santoso",
        "search=nur%27aini",
        "search=al-fatih",
        "search=081234567890",
        "search=0812%203456%207890",
        "search=budi%200812%203456%207890",
        "search=budi@example.com",
        "search=budi%20budi@example.com",
        "search=CRM-10",
        "search=budi%20siti%20dewi%20agus%20putri%20eka%20rina%20joko",
        "search=budi%20siti%20dewi%20agus%20putri%20o%27brien%200812%203456%207890&status=new",
        "assignedTo=7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c",
    ];
    queries
        .map(|query| ("GET", format!("/leads?{query}"), None))
        .into()
}

/// Copies every lead and its name tokens 99 times in the database. The copies cannot be decrypted.
async fn multiply(server: &Server) {
    let (numbers, hash) = match server.engine {
        Engine::Sqlite => (
            "with recursive copies(n) as (select 1 union all select n + 1 from copies where n < 99)",
            "randomblob(16)",
        ),
        Engine::Postgres => (
            "with copies(n) as (select generate_series(1, 99))",
            "decode(md5(id || '-' || n), 'hex')",
        ),
    };
    let columns = server.database.columns("lead").await;
    let copied = columns.iter().map(|column| match column.as_str() {
        "id" | "unique_code" | "external_ref" => format!("{column} || '-' || n"),
        "email_index" | "phone_index" => hash.to_owned(),
        "created_at" | "updated_at" => format!("{column} - n"),
        column => column.to_owned(),
    });
    let leads = format!(
        "insert into lead ({}) {numbers} select {} from lead cross join copies",
        columns.join(", "),
        copied.collect::<Vec<_>>().join(", ")
    );
    let tokens = format!(
        "insert into lead_token (workspace_id, token, lead_id) {numbers} \
         select workspace_id, token, lead_id || '-' || n from lead_token cross join copies order by 1, 2, 3"
    );
    server.database.execute(&leads).await;
    server.database.execute(&tokens).await;
    server.database.execute("analyze").await;
}

/// The values for the placeholders of a search.
struct Values {
    workspace_id: String,
    token: String,
    hash: String,
    engine: Engine,
}

impl Values {
    /// Reads the most frequent token.
    async fn common(server: &Server, connection: &mut AnyConnection) -> Self {
        let token = "select token from lead_token group by token order by count(*) desc limit 1";
        let hash = "select phone_index from lead where phone_index is not null limit 1";
        let mut bytes = Vec::new();
        for sql in [token, hash] {
            let row = sqlx::query(sql).fetch_one(&mut *connection).await.unwrap();
            bytes.push(row.get::<Vec<u8>, _>(0));
        }
        Self {
            workspace_id: server.workspace.id.clone(),
            token: traces::hex(&bytes[0]),
            hash: traces::hex(&bytes[1]),
            engine: server.engine,
        }
    }

    /// Replaces each placeholder by a value that suits its column and operator.
    fn put_into(&self, statement: &str) -> String {
        let mut parts = statement.split('$');
        let mut whole = parts.next().unwrap().to_owned();
        for part in parts {
            let digits = part.chars().take_while(char::is_ascii_digit).count();
            let before = whole.trim_end_matches(['(', ' ']);
            let mut words = before.rsplit(' ');
            let (operator, column) = (words.next().unwrap(), words.next().unwrap_or_default());
            let bytes = |hex: &str| match self.engine {
                Engine::Sqlite => format!("x'{hex}'"),
                Engine::Postgres => format!("'\\x{hex}'::bytea"),
            };
            let value = match (column, operator) {
                ("workspace_id" | "id", "=") => format!("'{}'", self.workspace_id),
                ("token", "=") => bytes(&self.token),
                ("email_index" | "phone_index", "=") => bytes(&self.hash),
                ("unique_code" | "external_ref", ">=") => "'CRM-10'".into(),
                ("unique_code" | "external_ref", "<") => "'CRM-11'".into(),
                ("name_index", "=") => "1".into(),
                ("status", "=") => "'new'".into(),
                ("source", "=") => "'ads'".into(),
                ("lower(assigned_to)", "=") => "'7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c'".into(),
                (_, "limit") => "51".into(),
                (_, "offset") => "10".into(),
                (_, "id)" | "<" | ">" | "<=" | ">=") => "1700000000000".into(),
                // The second value of a pair (time, id).
                (_, "1700000000000,") => "'lead_5'".into(),
                other => panic!("{other:?} in {statement}"),
            };
            whole.push_str(&value);
            whole.push_str(&part[digits..]);
        }
        whole
    }
}

/// Returns the statements on the tables of leads that the server executes for these requests, and for the page after
/// each page.
async fn statements_of(server: &Server, requests: Vec<Request>) -> BTreeSet<String> {
    let leads = SyntheticLeads::new(
        Spec::builtin(),
        &server.workspace.id,
        1,
        1_000,
        server.clock.now(),
    );
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    tenant
        .insert_leads(leads.into_iter(), |_| ())
        .await
        .unwrap();
    server.database.execute("analyze").await;

    let program = start_server(&server.database, "sqlx::query=debug");
    for (method, path, body) in requests {
        let answer = send(server, &program, method, &path, body).await;
        if let Some(cursor) = answer["pagination"]["nextCursor"].as_str() {
            let path = path.split('?').next().unwrap();
            send(
                server,
                &program,
                "GET",
                &format!("{path}?cursor={cursor}"),
                None,
            )
            .await;
        }
    }
    let log = program.into_log();
    let statements = log.lines().filter_map(Statement::of_line);
    statements
        .map(|statement| statement.sql)
        .filter(|statement| TABLES.iter().any(|table| mentions(statement, table)))
        .collect()
}

async fn send(
    server: &Server,
    program: &ServerProcess,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Value {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/api/v2/agent{path}", program.url);
    let mut request = http
        .request(method.parse().unwrap(), url)
        .bearer_auth(&server.key);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = server.finish(request).await;
    assert!(
        answer.status < 500 && answer.status != 401,
        "{path}: {}",
        answer.text
    );
    answer.json
}

fn mentions(statement: &str, table: &str) -> bool {
    statement
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == table)
}

/// Returns the query plan of each statement.
async fn plans(server: &Server, statements: BTreeSet<String>) -> Vec<(String, Vec<String>)> {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    if server.engine == Engine::Postgres {
        // PostgreSQL scans small tables. Without sequential scans the plan shows whether an index is used.
        connection
            .execute("set enable_seqscan = off; set plan_cache_mode = force_generic_plan")
            .await
            .unwrap();
    }
    let mut plans = Vec::new();
    for statement in statements {
        let explained = match server.engine {
            Engine::Sqlite => statement.clone(),
            Engine::Postgres => prepared(&mut connection, &statement).await,
        };
        let plan = plan(server, &mut connection, &explained).await;
        plans.push((statement, plan));
    }
    plans
}

async fn plan(server: &Server, connection: &mut AnyConnection, statement: &str) -> Vec<String> {
    let (prefix, column) = match server.engine {
        Engine::Sqlite => ("explain query plan ", 3),
        Engine::Postgres => ("explain (costs off) ", 0),
    };
    let rows = sqlx::raw_sql(AssertSqlSafe(format!("{prefix}{statement}")));
    let rows = rows.fetch_all(connection).await.unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>(column).trim().to_owned())
        .collect()
}

/// Prepares the statement, so that PostgreSQL uses a generic plan.
async fn prepared(connection: &mut AnyConnection, statement: &str) -> String {
    let sql = format!("deallocate all; prepare explained as {statement}");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
    let count = (1..200)
        .take_while(|number| statement.contains(&format!("${number}")))
        .count();
    format!("execute explained ({})", vec!["null"; count].join(", "))
}

/// Whether the plan has a full scan: `SCAN` on SQLite, a sequential or unconditional index scan on PostgreSQL.
fn reads_a_whole_table(plan: &[String]) -> bool {
    plan.iter().enumerate().any(|(at, step)| {
        let on_leads = TABLES.iter().any(|table| mentions(step, table));
        let bitmap = step.contains("Bitmap Index Scan");
        let scans = step.starts_with("SCAN ") || step.contains("Seq Scan");
        let by_index = step.contains(" using ") || bitmap;
        let unconditional = by_index
            && !plan
                .get(at + 1)
                .is_some_and(|next| next.starts_with("Index Cond"));
        (on_leads && scans) || ((on_leads || bitmap) && unconditional)
    })
}

/// Returns the number of index columns that a step looks up, if it uses an index.
fn conditions(step: &str) -> Option<usize> {
    let looks = step.starts_with("Index Cond: ") || step.starts_with("SEARCH ");
    looks.then(|| step.matches(" AND ").count() + 1)
}

#[test]
fn whole_tables_are_recognised() {
    let plans: [&[&str]; 4] = [
        &["SCAN lead"],
        &["SCAN lead USING COVERING INDEX lead_created"],
        &["Aggregate", "->  Seq Scan on lead", "Filter: (x)"],
        &["->  Index Scan using lead_pkey on lead", "Filter: (x)"],
    ];
    for plan in plans {
        let plan: Vec<_> = plan.iter().map(ToString::to_string).collect();
        assert!(reads_a_whole_table(&plan), "{plan:?}");
    }
}
