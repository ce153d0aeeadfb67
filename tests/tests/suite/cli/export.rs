//! `konektor leads export`, and a round trip through `konektor leads import`.

use std::process::Output;

use konektor_tests::{Options, Server, both_engines};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{konektor, stderr};

/// The fields that only the server sets.
const READ_ONLY: [&str; 4] = ["id", "createdAt", "updatedAt", "conversionSyncStatus"];

/// Leads with text that is hard to escape.
async fn hard_leads(server: &Server) {
    let texts = [
        "plain",
        "=1+1",
        "'=1+1",
        "''+62",
        "-5",
        "@budi",
        "\ttab",
        "\rreturn",
        "'tis",
        "two\nlines",
        "cr\r\nlf",
        "\"quoted\", with comma; and semicolon",
        "佐藤 🦀",
        "\u{202e}evil\u{1b}[2J",
        " spaces ",
        "null",
        "007",
    ];
    for (number, text) in texts.into_iter().enumerate() {
        server
            .lead(json!({
                "firstName": text, "lastName": text, "notes": text, "campaignName": text,
                "externalRef": format!("{text}{number}"), "phone": format!("0812345678{number:02}"),
                "email": format!("lead{number}@example.com"), "status": "won", "priority": "urgent",
                "source": "whatsapp", "adPlatform": "meta", "assignedTo": "0190b5a8-7b3c-7d2e-8f4a-5b6c7d8e9f0a",
                "estimatedValue": 1234.5, "actualValue": 5_000_000,
            }))
            .await;
    }
    for number in 0..100 {
        server
            .lead(json!({"firstName": format!("Lead {number}")}))
            .await;
    }
}

/// Returns all leads by uniqueCode, without the fields that only the server sets.
async fn leads(server: &Server, key: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for page in 1.. {
        let path = format!("/leads?limit=100&page={page}");
        let answer = server.send("GET", &path, Some(key), None).await;
        for row in answer.rows() {
            let mut row = row.as_object().unwrap().clone();
            row.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
            all.push(Value::Object(row));
        }
        if answer.next_cursor().is_none() {
            break;
        }
    }
    all.sort_by_key(|lead| lead["uniqueCode"].to_string());
    all
}

async fn run(server: &Server, key: &str, folder: &TempDir, words: &[&str]) -> Output {
    let mut program = konektor(server, words);
    program
        .env("KONEKTOR_API_KEY", key)
        .current_dir(folder.path());
    program.output().await.unwrap()
}

fn must_end(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

both_engines! {
    async fn what_was_exported_is_imported_as_the_same_leads(server) {
        hard_leads(&server).await;
        let folder = TempDir::new().unwrap();
        let before = leads(&server, &server.key).await;
        let unchanged = server.list(&[("limit", "100"), ("sortBy", "updatedAt")]).await.rows().clone();
        for file in ["leads.csv", "leads.tsv", "leads.ndjson", "leads.json"] {
            must_end(&run(&server, &server.key, &folder, &["leads", "export", file]).await, 0);
            let workspace = server.another_workspace(&Options::default()).await;
            let key = server.key_with(&workspace, &["agent.leads.read", "agent.leads.write"], |_| ()).await;
            let imported = run(&server, &key, &folder, &["leads", "import", file, "-o", "json"]).await;
            must_end(&imported, 0);
            let after = leads(&server, &key).await;
            assert_eq!(after.len(), before.len(), "{file}");
            for (after, before) in after.iter().zip(&before) {
                assert_eq!(after, before, "{file}");
            }
        }
        must_end(&run(&server, &server.key, &folder, &["leads", "import", "leads.csv"]).await, 0);
        assert_eq!(leads(&server, &server.key).await, before);
        let still = server.list(&[("limit", "100"), ("sortBy", "updatedAt")]).await.rows().clone();
        assert_eq!(still, unchanged, "a lead that stays the same is not touched");
    }

    async fn every_field_has_a_column_and_filters_hold(server) {
        hard_leads(&server).await;
        let folder = TempDir::new().unwrap();
        let done = run(&server, &server.key, &folder, &["leads", "export", "-", "--status", "won", "--sort-order", "asc"]).await;
        must_end(&done, 0);
        assert_eq!(stderr(&done), "");
        let text = String::from_utf8(done.stdout).unwrap();
        let header: Vec<_> = text.lines().next().unwrap().split(',').collect();
        let lead = server.list(&[("limit", "1")]).await;
        let fields: Vec<_> = lead.rows()[0].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(header, fields);
        assert!(text.contains(",'=1+1,") && text.contains(",'+6281234567800,"), "{text}");
        let rows = run(&server, &server.key, &folder, &["leads", "export", "-", "-o", "ndjson", "--status", "won"]).await;
        assert_eq!(rows.stdout.split(|byte| *byte == b'\n').count(), 17 + 1);
        let some = run(&server, &server.key, &folder, &["leads", "export", "-", "--columns", "firstName,phone", "--search", "plain"]).await;
        assert_eq!(String::from_utf8(some.stdout).unwrap(), "firstName,phone\nplain,'+6281234567800\n");
    }

    async fn nothing_at_all_is_a_whole_file_too(server) {
        let folder = TempDir::new().unwrap();
        for (file, text) in [("none.json", "[]\n"), ("none.ndjson", "")] {
            must_end(&run(&server, &server.key, &folder, &["leads", "export", file]).await, 0);
            assert_eq!(std::fs::read_to_string(folder.path().join(file)).unwrap(), text);
        }
        must_end(&run(&server, &server.key, &folder, &["leads", "export", "leads.xlsx"]).await, 2);
        must_end(&run(&server, &server.key, &folder, &["leads", "export", "nowhere/leads.csv"]).await, 1);
    }
}

both_engines! {
    options: Options { requests_per_minute: Some(2), ..Options::default() };

    async fn a_half_file_never_looks_whole(server) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("leads.json");
        std::fs::write(&file, "the one before").unwrap();
        let rows: Vec<_> = (0..250).map(|number| json!({"firstName": format!("Lead {number}")})).collect();
        for lead in rows {
            server.clock.advance(std::time::Duration::from_secs(30));
            server.lead(lead).await;
        }
        server.clock.advance(std::time::Duration::from_mins(1));
        let stopped = run(&server, &server.key, &folder, &["leads", "export", "leads.json", "--max-wait", "0"]).await;
        must_end(&stopped, 7);
        assert!(stderr(&stopped).contains("leads.json was not written"), "{}", stderr(&stopped));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "the one before");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left behind");

        server.clock.advance(std::time::Duration::from_mins(1));
        let stopped = run(&server, &server.key, &folder, &["leads", "export", "-", "-o", "json", "--max-wait", "0"]).await;
        must_end(&stopped, 7);
        assert!(serde_json::from_slice::<Value>(&stopped.stdout).is_err(), "what was written is no JSON");
    }
}
