//! `encryption rotate-data` and `rotate-master`

use std::{process::Stdio, time::Duration};

use konektor_server::{
    domain::{lead::LeadChanges, search::SearchQuery},
    store::{
        CreateTicket, NewTicket,
        leads::{LeadFilter, LeadOrder, UpdateLead},
        paging::PageStart,
    },
    vault::MasterKey,
};
use konektor_tests::{Database, Engine, Server, ServerProcess, both_engines, serve, start_server};
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};
use tokio::time::sleep;

use super::{
    command,
    hammer::{Hammer, LAST_NAME, Written},
    run,
};

/// The number of killed rotations, each killed later than the one before.
const KILLS: u32 = 4;

both_engines! {
    async fn nothing_fails_or_is_missed_or_lost_while_data_keys_rotate_and_are_killed(server) {
        let before = some_leads(&server, 120).await;
        let program = start_server(&server.database, "warn");
        let hammers = [
            Hammer::start(&server, &server.url, "near"),
            Hammer::start(&server, &program.url, "far"),
        ];
        let mut keys_seen = Vec::new();
        for round in 0..KILLS {
            kill_midway(&server.database, Duration::from_millis(8 * u64::from(round))).await;
            keys_seen.push(data_keys(&server.database).await);
            if round % 2 == 1 {
                rotate(&server.database).await;
            }
        }
        assert!(keys_seen.iter().any(|keys| keys.len() == 2), "none was killed midway: {keys_seen:?}");
        assert!(keys_seen.iter().all(|keys| keys.len() <= 2), "{keys_seen:?}");
        let mut written = before;
        for hammer in hammers {
            written.extend(hammer.stop().await);
        }
        let log = program.into_log();
        assert_eq!(log, "", "nothing to warn of");
        rotate(&server.database).await;

        must_be_under_one_key(&server, &written).await;
        must_all_be_there(&server, &written).await;
    }

    async fn a_rotation_that_was_killed_goes_on_under_the_key_that_it_made(server) {
        let written = some_leads(&server, 400).await;
        let database = &server.database;
        while data_keys(database).await.len() < 2 {
            kill_midway(database, Duration::from_millis(5)).await;
        }
        let unfinished = data_keys(database).await;
        let rotated = rotate(database).await;
        assert_eq!(rotated["workspaces"][0]["resumed"], true);
        assert_eq!(data_keys(database).await, unfinished[1..]);
        must_all_be_there(&server, &written).await;
    }

    async fn rotations_at_the_same_moment_do_the_work_of_one(server) {
        let written = some_leads(&server, 200).await;
        let all = (0..3).map(|_| {
            let command = command(&server.database, "encryption rotate-data --all");
            tokio::spawn(run(command))
        });
        for one in all.collect::<Vec<_>>() {
            one.await.unwrap();
        }
        assert_eq!(data_keys(&server.database).await.len(), 1);
        must_be_under_one_key(&server, &written).await;
        must_all_be_there(&server, &written).await;
    }

    async fn a_request_that_began_before_a_rotation_reads_searches_and_writes_after_it(server) {
        some_leads(&server, 3).await;
        let before = server.store.tenant(&server.workspace).await.unwrap();
        rotate(&server.database).await;

        assert_eq!(before.lead("lead-1").await.unwrap().unwrap().notes.unwrap(), "number 1");
        let (filter, order) = (
            LeadFilter { search: Some(SearchQuery::parse(LAST_NAME)), ..LeadFilter::default() },
            LeadOrder { by_update: false, ascending: true },
        );
        let page = before.leads(&filter, order, &PageStart::Offset(0), 10).await.unwrap();
        assert_eq!((page.rows.len(), page.total), (3, 3));

        let changes: LeadChanges = serde_json::from_value(json!({"notes": "later"})).unwrap();
        let now = server.clock.now();
        let changed = before.write(UpdateLead { handle: "lead-2".into(), changes, now }).await;
        assert_eq!(changed.unwrap().unwrap().notes.unwrap(), "later");
        let ticket = NewTicket {
            id: "ticket_1".into(),
            status: "new".into(),
            priority: "low".into(),
            created_at: now,
            subject: "Tagihan".into(),
            message: "Salah".into(),
        };
        before.write(CreateTicket(ticket)).await.unwrap();

        let status = status(&server.database).await;
        let data = &status["workspaces"][0]["keys"][0];
        assert_eq!((&data["keyId"], &data["leads"], &data["tickets"]), (&json!(2), &json!(3), &json!(1)));
        assert_eq!(status["workspaces"][0]["keys"][1]["purpose"], "index");
        assert_eq!(server.find("lead-2").await.data()["notes"], "later");
    }

    async fn a_rotation_waits_for_a_write_that_may_not_know_its_key(server) {
        some_leads(&server, 3).await;
        let mut writer = AnyConnection::connect(&server.database.url).await.unwrap();
        let begin = match server.engine {
            Engine::Sqlite => "begin immediate".to_owned(),
            Engine::Postgres => format!(
                "begin; select pg_advisory_xact_lock_shared(1, hashtext('{}'))::text", server.workspace.id
            ),
        };
        sqlx::raw_sql(AssertSqlSafe(begin)).execute(&mut writer).await.unwrap();
        let rotation = tokio::spawn(run(command(&server.database, "encryption rotate-data --all")));
        sleep(Duration::from_millis(1500)).await;
        assert!(!rotation.is_finished());
        assert_eq!(data_keys(&server.database).await[0], 1);
        // On PostgreSQL other writes do not wait for the rotation.
        if server.engine == Engine::Postgres {
            assert_eq!(server.patch("/leads/lead-1", json!({"notes": "now"})).await.status, 200);
        }
        sqlx::raw_sql("rollback").execute(&mut writer).await.unwrap();
        rotation.await.unwrap();
        assert_eq!(data_keys(&server.database).await, [2]);
    }

    async fn a_row_that_does_not_open_keeps_its_key_and_is_named(server) {
        let written = some_leads(&server, 3).await;
        let id = server.find("lead-0").await.data()["id"].as_str().unwrap().to_owned();
        server.database.execute(&format!("update lead set sealed = phone_index where id = '{id}'")).await;
        let output = command(&server.database, "encryption rotate-data --all").output().await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(&id) && error.contains(&server.workspace.id), "{error}");
        assert_eq!(data_keys(&server.database).await.len(), 2);
        assert_eq!(server.find("lead-1").await.data()["notes"], written["lead-1"]);
    }

    async fn a_new_master_key_takes_over_while_the_server_runs(server) {
        let written = some_leads(&server, 5).await;
        let database = &server.database;
        let new = MasterKey::generate().to_base64();
        let both = format!("2:{},1:{}", *new, *database.master_key.to_base64());
        let program = ServerProcess::start(serve(database, "warn").env_remove("KONEKTOR_MASTER_KEY").env("KONEKTOR_MASTER_KEYS", &both));
        let hammer = Hammer::start(&server, &program.url, "far");
        let rewrap = || {
            let mut command = command(database, "encryption rotate-master");
            command.env_remove("KONEKTOR_MASTER_KEY").env("KONEKTOR_MASTER_KEYS", &both);
            run(command)
        };
        let rewrapped = rewrap().await;
        assert_eq!(rewrapped, json!({"masterKeyId": 2, "rewrapped": 2, "erased": true}));
        assert_eq!(rewrap().await["rewrapped"], 0);
        sleep(Duration::from_millis(200)).await;
        let more = hammer.stop().await;
        assert_eq!(program.into_log(), "");

        // The old master key alone is refused; the new one alone is sufficient.
        let refused = command(database, "encryption rotate-data --all").output().await.unwrap();
        let error = String::from_utf8(refused.stderr).unwrap();
        assert!(error.contains("master key 2, which was not given"), "{error}");
        let only_new = format!("2:{}", *new);
        let program = ServerProcess::start(serve(database, "warn").env_remove("KONEKTOR_MASTER_KEY").env("KONEKTOR_MASTER_KEYS", &only_new));
        for (code, notes) in written.into_iter().chain(more) {
            let url = format!("{}/api/v2/agent/leads/{code}", program.url);
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let answer = server.finish(http.get(url).bearer_auth(&server.key)).await;
            assert_eq!(answer.data()["notes"], notes);
        }
    }

    async fn status_counts_what_is_under_each_key_and_needs_no_master_key(server) {
        some_leads(&server, 3).await;
        let ticket = json!({"subject": "Tagihan", "message": "Salah"});
        assert_eq!(server.post("/support/tickets", ticket).await.status, 201);
        let status = status(&server.database).await;
        assert_eq!(status["masterKeys"], json!([1]));
        let workspace = &status["workspaces"][0];
        assert_eq!((&workspace["opens"], &workspace["rotating"]), (&json!(true), &json!(false)));
        let data = &workspace["keys"][0];
        assert_eq!(data["purpose"], "data");
        assert_eq!((&data["leads"], &data["tickets"], &data["keptAnswers"]), (&json!(3), &json!(1), &json!(0)));
        assert_eq!(workspace["keys"][1]["purpose"], "index");

        let mut without = command(&server.database, "encryption status");
        without.env_remove("KONEKTOR_MASTER_KEY");
        let without = run(without).await;
        assert_eq!(without["masterKeys"], json!([]));
        assert_eq!(without["workspaces"][0]["opens"], false);
        assert_eq!(without["workspaces"][0]["keys"], workspace["keys"]);
    }
}

/// Creates the leads that exist before the rotation.
async fn some_leads(server: &Server, count: usize) -> Written {
    let mut written = Written::new();
    for number in 0..count {
        let (code, notes) = (format!("lead-{number}"), format!("number {number}"));
        let body = json!({
            "firstName": "Siti", "lastName": LAST_NAME, "uniqueCode": code, "notes": notes,
            "phone": format!("0812{number:08}"),
        });
        let request = server.request("POST", "/leads").bearer_auth(&server.key);
        let answer = server.finish(request.json(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        written.insert(code, notes);
    }
    written
}

/// Starts a rotation and kills it some time after it has created its key.
async fn kill_midway(database: &Database, time: Duration) {
    let mut child = command(database, "encryption rotate-data --all")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut connection = AnyConnection::connect(&database.url).await.unwrap();
    let keys = "select count(*) from workspace_key where purpose = 'data'";
    while child.try_wait().unwrap().is_none() {
        let row = sqlx::query(keys).fetch_one(&mut connection).await.unwrap();
        if row.get::<i64, _>(0) > 1 {
            sleep(time).await;
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    // It may have exited already.
    let _ = child.kill().await;
}

async fn rotate(database: &Database) -> Value {
    run(command(database, "encryption rotate-data --all")).await
}

async fn status(database: &Database) -> Value {
    run(command(database, "encryption status")).await
}

/// Returns the ids of the data keys of the workspace.
async fn data_keys(database: &Database) -> Vec<i64> {
    let status = status(database).await;
    let keys = status["workspaces"][0]["keys"].as_array().unwrap();
    let data = keys.iter().filter(|key| key["purpose"] == "data");
    data.map(|key| key["keyId"].as_i64().unwrap()).collect()
}

async fn must_be_under_one_key(server: &Server, written: &Written) {
    let status = status(&server.database).await;
    let keys = status["workspaces"][0]["keys"].as_array().unwrap();
    let data: Vec<_> = keys.iter().filter(|key| key["purpose"] == "data").collect();
    assert_eq!(data.len(), 1, "{status}");
    assert_eq!(data[0]["leads"], written.len(), "{status}");
}

async fn must_all_be_there(server: &Server, written: &Written) {
    let tenant = server.store.tenant(&server.workspace).await.unwrap();
    for (code, notes) in written {
        let lead = tenant
            .lead(code)
            .await
            .unwrap()
            .expect("a lead that was acknowledged");
        assert_eq!(lead.notes.as_ref(), Some(notes), "{code}");
    }
    let total = server.list(&[("search", LAST_NAME)]).await.total();
    assert_eq!(total, i64::try_from(written.len()).unwrap());
}
