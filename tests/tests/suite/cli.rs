//! The program `konektor` against the real server.

mod auth;
mod export;
mod import;
mod keyring;
mod waiting;

use std::{collections::BTreeSet, process::Output};

use konektor_spec::Spec;
use konektor_tests::{Options, Server, both_engines, program};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

/// Every command once, in an order in which each finds what it needs.
const COMMANDS: [(&str, &[&str]); 13] = [
    ("skill_show", &["skill", "show"]),
    (
        "leads_create",
        &[
            "leads",
            "create",
            "--first-name",
            "Budi",
            "--last-name",
            "Santoso",
            "--external-ref",
            "CRM-1024",
            "--phone",
            "081234567890",
        ],
    ),
    ("leads_get", &["leads", "get", "CRM-1024"]),
    (
        "leads_update",
        &["leads", "update", "CRM-1024", "--status", "qualified"],
    ),
    (
        "leads_upsert",
        &[
            "leads",
            "upsert",
            "--match-by",
            "phone",
            "--match-value",
            "0812-3456-7890",
            "--priority",
            "high",
        ],
    ),
    (
        "leads_list",
        &["leads", "list", "--status", "qualified", "--search", "budi"],
    ),
    (
        "analytics_summary",
        &["analytics", "summary", "--timeframe", "today"],
    ),
    ("analytics_funnel", &["analytics", "funnel"]),
    (
        "analytics_campaigns",
        &["analytics", "campaigns", "--from", "2025-01-01"],
    ),
    ("conversions_status", &["conversions", "status"]),
    ("conversions_pending", &["conversions", "pending"]),
    ("workspace_show", &["workspace", "show"]),
    (
        "support_ticket_create",
        &[
            "support",
            "ticket",
            "create",
            "--subject",
            "A question",
            "--message",
            "How?",
        ],
    ),
];

#[test]
fn every_operation_has_its_command_here() {
    let documented: BTreeSet<_> = Spec::builtin()
        .operations()
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    assert_eq!(
        COMMANDS
            .map(|(id, _)| id)
            .into_iter()
            .collect::<BTreeSet<_>>(),
        documented
    );
}

both_engines! {
    async fn every_command_succeeds_and_prints_rows(server) {
        for (id, arguments) in COMMANDS {
            if id == "conversions_pending" {
                server.database.execute("update lead set conversion_sync_status = 'failed'").await;
            }
            let done = output_of(&server, arguments).await;
            assert_eq!(done.status.code(), Some(0), "{id}: {}", stderr(&done));
            assert!(!done.stdout.is_empty(), "{id}");
            assert_eq!(stderr(&done), "", "{id}");
        }
    }

    async fn every_command_succeeds_and_prints_json(server) {
        for (id, arguments) in COMMANDS.into_iter().skip(1) {
            let done = output_of(&server, &[arguments, &["-o", "json"]].concat()).await;
            assert_eq!(done.status.code(), Some(0), "{id}: {}", stderr(&done));
            serde_json::from_slice::<Value>(&done.stdout).unwrap();
        }
    }

    async fn what_is_printed_is_what_the_server_has(server) {
        server.lead(json!({"firstName": "Budi", "lastName": "Santoso", "phone": "081234567890", "externalRef": "CRM-1024"})).await;
        let lead = server.find("CRM-1024").await.data().clone();
        assert_eq!(data(&output_of(&server, &["leads", "get", "CRM-1024", "-o", "json"]).await), lead);
        let updated = output_of(&server, &["leads", "update", "CRM-1024", "--status", "won", "-o", "json"]).await;
        assert_eq!(server.find("CRM-1024").await.data(), &data(&updated));
        assert_eq!(data(&updated)["status"], "won");
        let table = output_of(&server, &["leads", "list"]).await;
        let table = String::from_utf8(table.stdout).unwrap();
        assert!(table.contains("\tBudi\tSantoso\t") && table.contains("\t+6281234567890\twon\t"), "{table}");
        let funnel = server.get("/analytics/funnel").await.data().clone();
        assert_eq!(data(&output_of(&server, &["analytics", "funnel", "-o", "json"]).await), funnel);
    }

    async fn the_guide_needs_no_key(server) {
        let done = konektor(&server, &["skill", "show"]).env_remove("KONEKTOR_API_KEY").output().await.unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
        let guide = server.page("/api/v2/agent/SKILL.md").await.text;
        assert_eq!(String::from_utf8(done.stdout).unwrap().trim_end(), guide.trim_end());
    }

    async fn wrong_usage_exits_2_and_sends_nothing(server) {
        for arguments in [
            &["leads", "shout"][..],
            &["leads", "list", "--colour", "red"],
            &["leads", "update", "CRM-1024", "--status", "qualifed"],
        ] {
            must_fail(&output_of(&server, arguments).await, 2);
        }
        let first = server.get("/workspace").await;
        assert_eq!(first.header("x-ratelimit-remaining"), "999999");
    }

    async fn no_access_exits_4(server) {
        let workspace_only = server.key_with(&server.workspace, &["agent.workspace.read"], |_| ()).await;
        let expired = server.key_with(&server.workspace, &["agent.leads.read"], |key| key.expires_at = Some(key.created_at)).await;
        for key in ["", "kna_unknown_key", &expired, &workspace_only] {
            let refused = konektor(&server, &["leads", "list"]).env("KONEKTOR_API_KEY", key).output().await.unwrap();
            must_fail(&refused, 4);
            assert!(key.is_empty() || !stderr(&refused).contains(key));
        }
    }

    async fn a_lead_that_is_not_there_exits_5(server) {
        must_fail(&output_of(&server, &["leads", "get", "CRM-1"]).await, 5);
    }

    async fn what_the_server_finds_not_valid_exits_6_and_is_named(server) {
        server.lead(json!({"firstName": "Budi", "phone": "081234567890"})).await;
        let taken = output_of(&server, &["leads", "create", "--first-name", "Siti", "--phone", "+6281234567890"]).await;
        must_fail(&taken, 6);
        assert!(stderr(&taken).contains("phone"), "{}", stderr(&taken));
    }

    async fn a_server_that_is_not_there_exits_8(server) {
        let mut server = server;
        server.stop().await;
        // The port that is free now may be another test's next one: this one is taken, and nobody listens at it.
        let deaf = TcpSocket::new_v4().unwrap();
        deaf.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        server.url = format!("http://{}", deaf.local_addr().unwrap());
        must_fail(&output_of(&server, &["workspace", "show"]).await, 8);
    }
}

both_engines! {
    options: Options { requests_per_minute: Some(1), ..Options::default() };

    async fn too_many_requests_exit_7(server) {
        assert_eq!(output_of(&server, &["workspace", "show"]).await.status.code(), Some(0));
        let limited = output_of(&server, &["workspace", "show"]).await;
        must_fail(&limited, 7);
        assert!(stderr(&limited).contains("60"), "it says how long: {}", stderr(&limited));
    }
}

fn konektor(server: &Server, arguments: &[&str]) -> tokio::process::Command {
    let mut konektor = program("konektor");
    konektor
        .args(arguments)
        .env("KONEKTOR_BASE_URL", &server.url)
        .env("KONEKTOR_API_KEY", &server.key)
        // Nothing is remembered from one test to the next.
        .env_remove("HOME")
        .env_remove("XDG_CACHE_HOME");
    konektor
}

async fn output_of(server: &Server, arguments: &[&str]) -> Output {
    konektor(server, arguments).output().await.unwrap()
}

fn must_fail(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
    assert_eq!(output.stdout, b"");
    // It may have told before for how long it waits.
    let mut lines = stderr(output).lines();
    let first = lines.find(|line| !line.starts_with("waiting "));
    assert!(
        first.is_some_and(|line| line.starts_with("error: ")),
        "{}",
        stderr(output)
    );
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

/// The data alone, wherever the program puts it.
fn data(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}
