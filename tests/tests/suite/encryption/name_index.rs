//! `workspace create --no-name-index` and `workspace set-name-index`

use std::{
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::Duration,
};

use konektor_tests::{Options, Server, both_engines, start_server};
use serde_json::json;
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    task::{JoinHandle, spawn_blocking},
    time::sleep,
};

use super::{
    command,
    hammer::{Hammer, LAST_NAME},
    run,
};

both_engines! {
    async fn without_its_index_a_name_finds_nothing_and_everything_else_still_does(server) {
        let body = json!({
            "firstName": "Budi", "lastName": LAST_NAME, "uniqueCode": "SHOP-7", "externalRef": "CRM-10",
            "phone": "081234567890", "email": "budi@example.com",
        });
        server.lead(body).await;
        let exact = ["SHOP", "CRM-1", "0812 3456 7890", "BUDI@example.com"];
        switch(&server, "off").await;
        assert_eq!(tokens(&server).await, 0);
        server.lead(json!({"firstName": "Budiman", "uniqueCode": "other"})).await;
        assert_eq!(server.patch("/leads/SHOP-7", json!({"firstName": "Bagus"})).await.status, 200);
        assert_eq!(tokens(&server).await, 0);
        for search in ["budi", "bagus", "wirahadi"] {
            assert_eq!(total(&server, search).await, 0, "{search}");
        }
        for search in exact {
            assert_eq!(total(&server, search).await, 1, "{search}");
        }

        switch(&server, "on").await;
        for search in ["bagus", "budiman", "wirahadi"].into_iter().chain(exact) {
            assert_eq!(total(&server, search).await, 1, "{search}");
        }
        // Budi was renamed to Bagus, so only Budiman matches this prefix.
        assert_eq!(total(&server, "budi").await, 1);
    }

    async fn a_workspace_may_never_have_had_a_name_index(server) {
        let created = run(command(&server.database, "workspace create --name Klinik --no-name-index")).await;
        let id = created["workspaceId"].as_str().unwrap();
        let shown = run(command(&server.database, &format!("workspace show {id}"))).await;
        assert_eq!(shown["nameIndex"], "off");
        let workspace = server.store.workspace(id).await.unwrap().unwrap();
        let key = server.key_with(&workspace, &["agent.leads.write", "agent.leads.read"], |_| ()).await;
        let made = server.send("POST", "/leads", Some(&key), Some(json!({"firstName": "Budi"}))).await;
        assert_eq!(made.status, 201);
        let found = server.send("GET", "/leads?search=budi", Some(&key), None).await;
        assert_eq!(found.total(), 0);
        assert_eq!(tokens(&server).await, 0);
    }

    async fn a_search_by_name_finds_all_or_none_while_the_index_is_switched_and_killed(server) {
        make_150(&server).await;
        let hammer = Hammer::without_names(&server, &server.url, "near");
        let done = Arc::new(AtomicBool::new(false));
        let searches = tokio::spawn(search_until(Arc::clone(&done), server.beside().await));
        for round in 0..6 {
            let state = if round % 2 == 0 { "off" } else { "on" };
            kill_after(&server, state, Duration::from_millis(50 + 40 * round)).await;
        }
        switch(&server, "off").await;
        switch(&server, "on").await;
        sleep(Duration::from_millis(100)).await;
        let written = hammer.stop().await;
        done.store(true, Ordering::Relaxed);
        let partial = searches.await.unwrap();
        assert_eq!(partial, [0; 0], "answers that were neither all nor none");
        assert_eq!(total(&server, "rahmawati").await, 150);
        assert_eq!(total(&server, LAST_NAME).await, i64::try_from(written.len()).unwrap());
    }

    async fn an_index_that_was_begun_anew_meanwhile_is_not_called_complete_too_early(server) {
        make_150(&server).await;
        switch(&server, "off").await;
        let first = Build::until(&server, 100).await;
        switch(&server, "off").await;
        let second = Build::until(&server, 50).await;
        first.go_on().await;
        assert_eq!(total(&server, "rahmawati").await, 150);
        second.go_on().await;
        assert_eq!(total(&server, "rahmawati").await, 150);
    }

    async fn an_index_of_an_older_version_is_built_again_before_the_server_listens(server) {
        make_150(&server).await;
        server.lead(json!({"firstName": "José"})).await;
        let off = server.another_workspace(&Options::default()).await;
        // The state before the migration: other tokens, and an enabled index.
        for sql in [
            "delete from _sqlx_migrations where version = 4",
            "drop index lead_assigned",
            "delete from lead_token",
            "insert into lead_token (workspace_id, token, lead_id) select workspace_id, phone_index, id from lead \
             where phone_index is not null",
        ] {
            server.database.execute(sql).await;
        }
        let switch_off = format!("update workspace set name_index = 0 where id = '{}'", off.id);
        server.database.execute(&switch_off).await;
        let program = start_server(&server.database, "info");
        assert_eq!(total(&server, "rahmawati").await, 150);
        assert_eq!(total(&server, "jose").await, 1);
        let shown = run(command(&server.database, &format!("workspace show {}", off.id))).await;
        assert_eq!(shown["nameIndex"], "off");
        let log = program.into_log();
        assert_eq!(log.matches("building the index of names").count(), 1, "{log}");
    }

    async fn an_index_that_was_switched_off_while_it_was_built_stays_off(server) {
        make_150(&server).await;
        switch(&server, "off").await;
        let build = Build::until(&server, 50).await;
        switch(&server, "off").await;
        build.go_on().await;
        assert_eq!(total(&server, "rahmawati").await, 0);
        assert_eq!(tokens(&server).await, 0);
    }
}

/// A build of the index that is paused in the middle.
struct Build {
    go_on: mpsc::Sender<()>,
    ended: JoinHandle<()>,
}

impl Build {
    /// Builds the index and pauses after `leads` leads.
    async fn until(server: &Server, leads: u64) -> Self {
        let (store, workspace) = (server.store.clone(), server.workspace.clone());
        let (reached, stopped) = oneshot::channel();
        let (go_on, told) = mpsc::channel();
        let mut reached = Some(reached);
        let stop = move |done, _| {
            if done >= leads
                && let Some(reached) = reached.take()
            {
                reached.send(()).unwrap();
                told.recv().unwrap();
            }
        };
        let ended = spawn_blocking(move || {
            let built = store.build_name_index(&workspace, stop);
            Handle::current().block_on(built).unwrap();
        });
        stopped.await.unwrap();
        Self { go_on, ended }
    }

    /// Resumes the build and waits for its end.
    async fn go_on(self) {
        self.go_on.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

/// Creates 150 leads with one name, which is more than a batch of the build.
async fn make_150(server: &Server) {
    for number in 0..150 {
        let body = json!({"firstName": format!("Siti {number}"), "lastName": "Rahmawati"});
        let request = server.request("POST", "/leads").bearer_auth(&server.key);
        assert_eq!(server.finish(request.json(&body)).await.status, 201);
    }
}

/// Searches for leads that do not change, until `done`. Returns the totals that are neither all nor none.
async fn search_until(done: Arc<AtomicBool>, server: Server) -> Vec<i64> {
    let mut partial = Vec::new();
    while !done.load(Ordering::Relaxed) {
        let request = server.request("GET", "/leads?limit=1&search=rahma");
        let answer = server.finish(request.bearer_auth(&server.key)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        if ![0, 150].contains(&answer.total()) {
            partial.push(answer.total());
        }
    }
    partial
}

async fn kill_after(server: &Server, state: &str, time: Duration) {
    let words = format!("workspace set-name-index {} {state}", server.workspace.id);
    let mut child = command(&server.database, &words)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    sleep(time).await;
    // It may have exited already.
    let _ = child.kill().await;
}

async fn switch(server: &Server, state: &str) {
    let words = format!("workspace set-name-index {} {state}", server.workspace.id);
    assert_eq!(
        run(command(&server.database, &words)).await["nameIndex"],
        state
    );
}

async fn total(server: &Server, search: &str) -> i64 {
    let answer = server.list(&[("search", search)]).await;
    assert_eq!(
        answer.rows().len(),
        usize::try_from(answer.total()).unwrap().min(50)
    );
    answer.total()
}

async fn tokens(server: &Server) -> i64 {
    let mut connection = AnyConnection::connect(&server.database.url).await.unwrap();
    let count = sqlx::query("select count(*) from lead_token");
    count.fetch_one(&mut connection).await.unwrap().get(0)
}
