//! The `konektor` binary against a real server.

mod auth;
mod export;
mod import;
mod keyring;
mod waiting;

use std::process::Output;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use konektor_spec::OperationId;
use konektor_tests::{Options, Server, both_engines, program};
use serde_json::{Value, json};
use tokio::net::TcpSocket;

/// The arguments of the command for an operation, in a workspace with [`lead`].
fn arguments(operation: OperationId) -> &'static [&'static str] {
    use OperationId as Id;
    match operation {
        Id::SkillShow => &["skill", "show"],
        Id::LeadsCreate => &[
            "leads",
            "create",
            "--first-name",
            "Siti",
            "--last-name",
            "Rahmawati",
        ],
        Id::LeadsGet => &["leads", "get", "CRM-1024"],
        Id::LeadsUpdate => &["leads", "update", "CRM-1024", "--priority", "low"],
        Id::LeadsUpsert => &[
            "leads",
            "upsert",
            "--match-by",
            "phone",
            "--match-value",
            "0812-3456-7890",
            "--priority",
            "high",
        ],
        Id::LeadsList => &["leads", "list", "--status", "qualified", "--search", "budi"],
        Id::AnalyticsSummary => &["analytics", "summary", "--timeframe", "today"],
        Id::AnalyticsFunnel => &["analytics", "funnel"],
        Id::AnalyticsCampaigns => &["analytics", "campaigns", "--from", "2025-01-01"],
        Id::ConversionsStatus => &["conversions", "status"],
        Id::ConversionsPending => &["conversions", "pending"],
        Id::WorkspaceShow => &["workspace", "show"],
        Id::SupportTicketCreate => &[
            "support",
            "ticket",
            "create",
            "--subject",
            "A question",
            "--message",
            "How?",
        ],
    }
}

fn lead() -> Value {
    json!({
        "firstName": "Budi", "lastName": "Santoso", "externalRef": "CRM-1024", "phone": "081234567890",
        "status": "qualified",
    })
}

both_engines! {
    async fn every_command_succeeds_and_prints_rows(server) {
        server.lead(lead()).await;
        for operation in OperationId::ALL {
            if operation == OperationId::ConversionsPending {
                server.database.execute("update lead set conversion_sync_status = 'failed'").await;
            }
            let done = output_of(&server, arguments(operation)).await;
            assert_eq!(done.status.code(), Some(0), "{operation:?}: {}", stderr(&done));
            assert!(!done.stdout.is_empty(), "{operation:?}");
            assert_eq!(stderr(&done), "", "{operation:?}");
        }
    }

    async fn every_command_succeeds_and_prints_json(server) {
        server.lead(lead()).await;
        for operation in OperationId::ALL.into_iter().filter(|id| *id != OperationId::SkillShow) {
            let done = output_of(&server, &[arguments(operation), &["-o", "json"]].concat()).await;
            assert_eq!(done.status.code(), Some(0), "{operation:?}: {}", stderr(&done));
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

    /// `today` is the day of the workspace, whatever the time zone of the user.
    async fn today_is_the_workspaces_day(server) {
        let now = Timestamp::now();
        let zone = TimeZone::get("Asia/Jakarta").unwrap();
        let today = now.to_zoned_datetime(zone.clone()).date();
        let yesterday = today.yesterday().unwrap();
        for (day, names) in [(yesterday, ["Ayu", "Budi"]), (today, ["Citra", "Dewi"])] {
            let start = day.to_zoned_datetime(zone.clone()).unwrap().timestamp();
            // The first millisecond of the day and its last that is not in the future.
            let end = start + SignedDuration::from_millis(24 * 60 * 60 * 1000 - 1);
            for (name, at) in names.into_iter().zip([start, end.min(now)]) {
                server.clock.set(at);
                server.lead(json!({"firstName": name})).await;
            }
        }
        server.clock.set(now);
        for zone in ["Asia/Jakarta", "UTC", "America/New_York", "Pacific/Honolulu", "Pacific/Kiritimati"] {
            let rows = async |words: &[&str]| {
                let all = [&["leads"], words, &["--sort-order", "asc", "-o", "ndjson", "--columns", "firstName"]].concat();
                let done = konektor(&server, &all).env("TZ", zone).output().await.unwrap();
                assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
                assert_eq!(stderr(&done), "");
                let text = String::from_utf8(done.stdout).unwrap();
                text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["firstName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
            };
            assert_eq!(rows(&["list", "--since", "today"]).await, ["Citra", "Dewi"], "{zone}");
            assert_eq!(rows(&["export", "-", "--since", "today"]).await, ["Citra", "Dewi"], "{zone}");
            assert_eq!(rows(&["list", "--since", "yesterday", "--until", "yesterday"]).await, ["Ayu", "Budi"], "{zone}");
            let total = async |words: &[&str]| {
                let all = [&["analytics", "summary", "-o", "json"], words].concat();
                data(&konektor(&server, &all).env("TZ", zone).output().await.unwrap())["totalLeads"].clone()
            };
            assert_eq!(total(&["--timeframe", "today"]).await, 2);
            assert_eq!(total(&["--since", "today"]).await, 2, "{zone}");
            assert_eq!(total(&["--since", "yesterday", "--until", "yesterday"]).await, 2, "{zone}");
        }
    }

    async fn a_summary_by_day_adds_up_to_what_the_server_counts(server) {
        let start: Timestamp = "2025-03-01T00:00:00Z".parse().unwrap();
        for lead in 0..60 {
            server.clock.set(start + SignedDuration::from_mins(lead * 197));
            server.lead(json!({"firstName": "Budi", "status": if lead % 3 == 0 { "won" } else { "new" }, "actualValue": 0.1})).await;
        }
        server.clock.set("2025-03-10T05:00:00Z".parse().unwrap());
        for (from, to) in [
            ("2025-03-01T03:17:00Z", "2025-03-04T09:51:00Z"),
            ("2025-03-02T17:00:00Z", "2025-03-05T16:59:59.999Z"),
            ("2025-03-03", "2025-03-06"),
            ("2025-03-03T06:34:00.000Z", "2025-03-03T06:34:00.000Z"),
            ("2025-02-20", "2025-03-10T04:59:59.999Z"),
        ] {
            let whole = server.get(&format!("/analytics/summary?from={from}&to={to}")).await.data().clone();
            for zone in ["Asia/Jakarta", "America/New_York"] {
                let words = ["analytics", "summary", "--by-day", "--from", from, "--to", to, "-o", "json"];
                let summary = data(&konektor(&server, &words).env("TZ", zone).output().await.unwrap());
                for field in ["totalLeads", "newLeads", "totalConversions"] {
                    let days = summary["days"].as_array().unwrap().iter();
                    let sum: i64 = days.map(|day| day[field].as_i64().unwrap()).sum();
                    assert_eq!([&summary[field], &whole[field]], [sum, sum], "{from} to {to}");
                }
            }
        }
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
        // Bind a port without listening on it. A free port could be taken by another test.
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
        // Tests must not share caches.
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
    // Messages about retries may come first.
    let mut lines = stderr(output).lines();
    let first = lines.find(|line| !line.starts_with("retrying in "));
    assert!(
        first.is_some_and(|line| line.starts_with("error: ")),
        "{}",
        stderr(output)
    );
}

fn stderr(output: &Output) -> &str {
    str::from_utf8(&output.stderr).unwrap()
}

/// Parses standard output.
fn data(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}
