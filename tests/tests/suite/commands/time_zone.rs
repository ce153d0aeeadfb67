//! Time zones of workspaces, on machines with different time zone databases.

use std::fs;

use konektor_tests::{Options, ServerProcess, both_engines, serve};
use serde_json::{Value, json};

use super::{command, run};

both_engines! {
    async fn a_time_zone_is_kept_under_its_name_of_today(server) {
        for (given, kept, offset) in [
            ("Asia/Calcutta", "Asia/Kolkata", "UTC+05:30"),
            ("asia/jakarta", "Asia/Jakarta", "UTC+07:00"),
            // POSIX time zones have an inverted sign.
            ("Etc/GMT+7", "Etc/GMT+7", "UTC-07:00"),
        ] {
            let words = format!("workspace create --name Toko --timezone {given}");
            let made = run(command(&server.database, &words)).await;
            let made: Value = serde_json::from_slice(&made.stdout).unwrap();
            assert_eq!((&made["timezone"], &made["utcOffset"]), (&json!(kept), &json!(offset)));
            let stored = server.store.workspace(made["workspaceId"].as_str().unwrap()).await.unwrap();
            assert_eq!(stored.unwrap().timezone, kept);
        }
        for name in ["localtime", "posixrules", "Factory", "right/Asia/Jakarta", "posix/Asia/Jakarta", "GMT+7"] {
            let words = format!("workspace create --name Toko --timezone {name}");
            let refused = run(command(&server.database, &words)).await;
            let said = String::from_utf8(refused.stderr).unwrap();
            assert_eq!(refused.status.code(), Some(2), "{name}");
            assert!(said.contains("Asia/Jakarta"), "{name}: {said}");
        }
    }
}

both_engines! {
    options: Options { timezone: "Asia/Calcutta".into(), ..Options::default() };

    async fn an_old_name_goes_on_working_on_a_machine_without_it(server) {
        let zones = tempfile::tempdir().unwrap();
        fs::create_dir(zones.path().join("Asia")).unwrap();
        let without = tempfile::tempdir().unwrap();
        // A machine without the legacy names (like Debian without tzdata-legacy), and one without a time zone
        // database.
        let copied = fs::copy("/usr/share/zoneinfo/Asia/Kolkata", zones.path().join("Asia/Kolkata"));
        let machines = copied.is_ok().then_some(zones.path()).into_iter().chain([without.path()]);
        for machine in machines {
            let program = ServerProcess::start(serve(&server.database, "info").env("TZDIR", machine));
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("{}/api/v2/agent", program.url);
            for path in ["/leads?createdFrom=2025-01-01", "/workspace", "/analytics/summary"] {
                let request = http.get(format!("{url}{path}")).bearer_auth(&server.key);
                assert_eq!(server.finish(request).await.status, 200, "{path}");
            }
            let create = http.post(format!("{url}/leads")).bearer_auth(&server.key);
            let created = server.finish(create.json(&json!({"firstName": "Budi"}))).await;
            assert_eq!(created.status, 201);
            program.stop();
        }
    }
}
