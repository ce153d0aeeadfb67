//! A server follows a changed copy of the document without being rebuilt.

use konektor_cli::Environment;
use konektor_server::{clock::Clock, randomness::Randomness, server, settings::Settings};
use konektor_spec::Spec;
use konektor_tests::{Database, Engine, Options, Server, both_engines};
use serde_json::{Value, json};

both_engines! {
    options: of(|document| document["components"]["schemas"]["FirstName"]["maxLength"] = json!(5));

    async fn a_shorter_name_limits_every_write(server) {
        let lead = server.lead(json!({"firstName": "Rahma"})).await;
        let id = lead["id"].as_str().unwrap();
        let too_long = json!({"firstName": "Rahmat"});
        let created = server.post("/leads", too_long.clone()).await;
        assert_eq!(created.complaint("firstName"), "Must have at most 5 characters");
        let updated = server.patch(&format!("/leads/{id}"), too_long.clone()).await;
        assert_eq!(updated.complaint("firstName"), "Must have at most 5 characters");
        let body = json!({"match": {"by": "id", "value": id}, "lead": too_long});
        let upserted = server.post("/leads/upsert", body).await;
        assert_eq!(upserted.complaint("lead.firstName"), "Must have at most 5 characters");
    }

    async fn a_shorter_name_is_told_to_everybody(server) {
        assert!(guide(&server).await.contains("firstName: 1–5 chars"));
        assert!(server.page("/docs").await.text.contains("1–5 chars"));
        let served = server.page("/api/v2/agent/openapi.json").await;
        assert_eq!(served.json["components"]["schemas"]["FirstName"]["maxLength"], 5);
    }
}

both_engines! {
    options: of(|document| {
        document["components"]["schemas"]["PageLimit"]["maximum"] = json!(3);
        document["components"]["schemas"]["PageLimit"]["x-default"] = json!(2);
    });

    async fn a_smaller_page_is_the_largest_and_the_usual_one(server) {
        for name in ["Budi", "Siti", "Andi", "Dewi"] {
            server.lead(json!({"firstName": name})).await;
        }
        assert_eq!(server.get("/leads").await.data().as_array().unwrap().len(), 2);
        assert_eq!(server.get("/leads?limit=3").await.json["pagination"]["totalPages"], 2);
        for path in ["/leads?limit=4", "/conversions/pending?limit=4"] {
            assert_eq!(server.get(path).await.complaint("limit"), "Must be at most 3");
        }
        assert!(guide(&server).await.contains("limit=2: integer 1–3"));
    }
}

both_engines! {
    options: with_a_new_status();

    async fn a_new_status_is_taken_filtered_by_and_counted_in_its_place(server) {
        server.lead(json!({"firstName": "Budi", "status": "nurtured"})).await;
        server.lead(json!({"firstName": "Siti"})).await;
        let found = server.get("/leads?status=nurtured").await;
        assert_eq!(found.json["pagination"]["total"], 1);
        let funnel = server.get("/analytics/funnel").await;
        assert_eq!(funnel.data().as_array().unwrap().len(), 12);
        assert_eq!(funnel.data()[2], json!({"status": "nurtured", "count": 1, "percentage": 50}));
        let refused = server.post("/leads", json!({"firstName": "Andi", "status": "x"})).await;
        assert!(refused.complaint("status").contains("new, nurtured, contacted"));
        assert!(guide(&server).await.contains("new | nurtured | contacted"));
        assert!(server.page("/docs").await.text.contains("nurtured"));
    }

    /// Its flags are generated from the document, which the tests of `cargo xtask generate` change.
    async fn a_new_status_is_shown_by_a_command_line_that_does_not_know_it(server) {
        let body = ["-f", "firstName=Budi", "-f", "status=nurtured"];
        let create = [&["api", "POST", "/leads"][..], &body].concat();
        let (code, lead) = konektor(&server, &create).await;
        assert_eq!(code, 0, "{lead}");
        for line in [&["leads", "list"][..], &["analytics", "funnel"]] {
            let (code, answer) = konektor(&server, line).await;
            assert_eq!(code, 0);
            assert!(answer.contains("nurtured"), "{answer}");
        }
        let create = ["leads", "create", "--first-name", "Budi", "--status", "nurtured"];
        let (code, refused) = konektor(&server, &create).await;
        assert_eq!(code, 2, "{refused}");
    }
}

both_engines! {
    options: of(|document| {
        document["paths"]["/leads"]["get"]["x-konektor-scope"] = json!("agent.leads.browse");
        let scopes = &mut document["components"]["securitySchemes"]["apiKey"]["x-konektor-scopes"];
        scopes["agent.leads.browse"] = json!("Browse leads");
    });

    async fn another_scope_is_asked_for(server) {
        let reader = server.key_with(&server.workspace, &["agent.leads.read"], |_| ()).await;
        let refused = server.send("GET", "/leads", Some(&reader), None).await;
        assert_eq!(refused.status, 403);
        assert_eq!(refused.json["error"]["message"], "The key lacks the scope agent.leads.browse");
        let browser = server.key_with(&server.workspace, &["agent.leads.browse"], |_| ()).await;
        assert_eq!(server.send("GET", "/leads", Some(&browser), None).await.status, 200);
        assert!(guide(&server).await.contains("# agent.leads.browse\nGET /leads "));
        assert!(server.page("/docs").await.text.contains("agent.leads.browse"));
    }
}

both_engines! {
    options: Options {
        plan: "starter".into(),
        requests_per_minute: None,
        ..of(|document| {
            let quotas = &mut document["components"]["schemas"]["Plan"]["x-konektor-requests-per-minute"];
            quotas["starter"] = json!(2);
            quotas["trial"] = json!(7);
            quotas.as_object_mut().unwrap().remove("enterprise");
        })
    };

    async fn another_quota_is_counted_against(server) {
        let first = server.get("/workspace").await;
        assert_eq!(first.header("x-ratelimit-limit"), "2");
        assert_eq!(first.header("x-ratelimit-remaining"), "1");
        server.get("/workspace").await;
        let third = server.get("/workspace").await;
        assert_eq!(third.status, 429);
        assert_eq!(third.header("retry-after"), "30");
    }

    async fn a_plan_has_the_api_when_it_has_a_quota(server) {
        let answer_on = async |plan: &str| {
            let options = Options { plan: plan.into(), requests_per_minute: None, ..Options::default() };
            let workspace = server.another_workspace(&options).await;
            let key = server.key_with(&workspace, &["agent.workspace.read"], |_| ()).await;
            server.send("GET", "/workspace", Some(&key), None).await
        };
        let trial = answer_on("trial").await;
        assert_eq!((trial.status, trial.header("x-ratelimit-limit")), (200, "7"));
        assert_eq!(answer_on("enterprise").await.status, 403);
        let told = "trial 7, starter 2, pro 200, custom 200; free, enterprise: none";
        assert!(guide(&server).await.contains(told));
    }
}

both_engines! {
    options: of(|document| {
        document["x-konektor-limits"]["bodyBytes"] = json!(100);
        document["x-konektor-limits"]["failedAuthenticationsPerMinute"] = json!(1);
    });

    async fn other_limits_hold_for_every_request(server) {
        let large = server.post("/leads", json!({"firstName": "x".repeat(100)})).await;
        assert_eq!(large.status, 413);
        assert_eq!(large.json["error"]["message"], "The body is larger than 100 bytes");
        assert_eq!(server.send("GET", "/leads", None, None).await.status, 401);
        assert_eq!(server.send("GET", "/leads", None, None).await.status, 429);
        assert!(guide(&server).await.contains("Body ≤100 bytes"));
    }
}

#[tokio::test]
async fn an_operation_that_the_code_does_not_fit_is_refused_when_the_server_starts() {
    let refused = async |change: fn(&mut Value)| start(of(change)).await.unwrap_err();
    let said = refused(|document| {
        let mut operation = document["paths"]["/workspace"]["get"].clone();
        operation["operationId"] = json!("workspace_close");
        document["paths"]["/workspace"]["delete"] = operation;
    });
    assert_eq!(said.await, "no code behind the operation workspace_close");
    let said = refused(|document| {
        let mut path = document["paths"]["/SKILL.md"].clone();
        path["get"]["operationId"] = json!("ping");
        document["paths"]["/ping"] = path;
    });
    assert_eq!(said.await, "no code behind the operation ping");
    let said = refused(|document| {
        let operation = document["paths"]["/workspace"]["get"]
            .as_object_mut()
            .unwrap();
        operation.remove("x-konektor-scope");
        operation.insert("security".to_owned(), json!([]));
    });
    assert!(
        said.await
            .starts_with("the operation workspace_show has to need a scope")
    );
    let said = refused(|document| {
        let operation = document["paths"]["/SKILL.md"]["get"]
            .as_object_mut()
            .unwrap();
        operation.remove("security");
        operation.insert("x-konektor-scope".to_owned(), json!("agent.leads.read"));
    });
    assert!(
        said.await
            .starts_with("the operation skill_show must not need a scope")
    );
}

#[tokio::test]
async fn a_value_that_the_code_does_not_fit_is_refused_when_the_server_starts() {
    for (schema, value) in [
        ("LeadSortBy", "estimatedValue"),
        ("SortOrder", "random"),
        ("LeadMatchBy", "email"),
        ("Timeframe", "last_quarter"),
    ] {
        let options = of(|document| values(document, schema).push(json!(value)));
        let expected = format!("no code behind the value {value} of {schema}");
        assert_eq!(start(options).await, Err(expected));
    }
    for (schema, value) in [
        ("LeadStatus", "won"),
        ("LeadStatus", "new"),
        ("LeadStatus", "contacted"),
        ("ConversionSyncStatus", "none"),
        ("ConversionSyncStatus", "pending"),
        ("ConversionSyncStatus", "failed"),
        ("TicketStatus", "new"),
    ] {
        let options = of(|document| values(document, schema).retain(|known| known != value));
        let expected = format!(
            "the code needs the value {value} of {schema}, which is missing from the document"
        );
        assert_eq!(start(options).await, Err(expected));
    }
    // Values that the code does not need can be removed, and others can be added.
    let options = of(|document| {
        values(document, "Timeframe").retain(|known| known != "last_7_days");
        values(document, "Timeframe").push(json!("last_90_days"));
        values(document, "LeadStatus").push(json!("nurtured"));
    });
    assert_eq!(start(options).await, Ok(()));
}

#[tokio::test]
async fn a_field_of_a_lead_that_the_code_does_not_fit_is_refused_when_the_server_starts() {
    let options = of(|document| {
        document["components"]["schemas"]["Lead"]["properties"]["city"] = json!({"type": "string"});
    });
    let expected =
        "no code behind the property city of Lead; add it to server/src/domain/lead_fields.rs";
    assert_eq!(start(options).await, Err(expected.to_owned()));
    let options = of(|document| {
        let lead = &mut document["components"]["schemas"]["Lead"];
        lead["properties"]
            .as_object_mut()
            .unwrap()
            .remove("campaignName");
    });
    let expected =
        "the code has the field campaignName of Lead, which is missing from the document";
    assert_eq!(start(options).await, Err(expected.to_owned()));
}

#[tokio::test]
async fn what_the_store_depends_on_is_refused_when_the_server_starts() {
    let options = of(|document| {
        let lead = &mut document["components"]["schemas"]["Lead"];
        lead["properties"]["notes"]["x-konektor-personal"] = json!(false);
    });
    let expected =
        "notes must be both encrypted and marked x-konektor-personal, but is only one of them";
    assert_eq!(start(options).await, Err(expected.to_owned()));
    let options = of(|document| document["x-konektor-limits"]["searchPrefixLetters"] = json!(2));
    let expected = "the limit searchPrefixLetters is 3 in the code";
    assert_eq!(start(options).await, Err(expected.to_owned()));
    let options = of(|document| {
        let lead = &mut document["components"]["schemas"]["Lead"];
        lead["properties"]["id"]["x-konektor-prefix"] = json!("contact_");
    });
    let expected = "id of Lead begins with lead_ in the code";
    assert_eq!(start(options).await, Err(expected.to_owned()));
}

/// Creates a server, which checks its document.
async fn start(options: Options) -> Result<(), String> {
    server::Server::new(
        Settings::default(),
        options.spec,
        Database::new(Engine::Sqlite).await.open().await,
        Clock::system(),
        Randomness::system(),
        "http://localhost",
    )
    .map(drop)
    .map_err(|error| error.to_string())
}

/// Returns the enum values of a schema.
fn values<'a>(document: &'a mut Value, schema: &str) -> &'a mut Vec<Value> {
    let schema = document["components"]["schemas"][schema].as_object_mut();
    let keywords = schema.unwrap().iter_mut();
    let mut values =
        keywords.filter(|(name, _)| ["enum", "x-extensible-enum"].contains(&name.as_str()));
    values.next().unwrap().1.as_array_mut().unwrap()
}

fn with_a_new_status() -> Options {
    of(|document| {
        let schemas = &mut document["components"]["schemas"];
        let statuses = schemas["LeadStatus"]["enum"].as_array_mut().unwrap();
        statuses.insert(2, json!("nurtured"));
    })
}

/// Runs the command line. Returns its exit code and output.
async fn konektor(server: &Server, arguments: &[&str]) -> (u8, String) {
    let arguments: Vec<_> = [&["konektor"], arguments]
        .concat()
        .into_iter()
        .map(str::to_owned)
        .collect();
    let variables = [
        ("KONEKTOR_BASE_URL", server.url.clone()),
        ("KONEKTOR_API_KEY", server.key.clone()),
    ];
    let run = move || {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut environment = Environment::new(&mut stdout, &mut stderr);
        environment.variable = Box::new(move |name| {
            let mut variables = variables.iter();
            variables
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        });
        let code = konektor_cli::run(arguments, environment);
        (code, String::from_utf8([stdout, stderr].concat()).unwrap())
    };
    // The command line starts its own runtime, which is impossible on an async thread.
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Returns options with a changed copy of the document.
fn of(change: impl FnOnce(&mut Value)) -> Options {
    let mut document = Spec::builtin().document().clone();
    change(&mut document);
    Options {
        spec: Spec::from_value(document).unwrap(),
        ..Options::default()
    }
}

async fn guide(server: &Server) -> String {
    server.page("/api/v2/agent/SKILL.md").await.text
}
