//! What belongs to another workspace is as good as missing.

use konektor_tests::{Answer, Options, Server, both_engines, lead_path};
use serde_json::json;

/// The key of another workspace.
async fn stranger(server: &Server) -> String {
    let workspace = server.another_workspace(&Options::default()).await;
    server
        .key_with(
            &workspace,
            &[
                "agent.leads.read",
                "agent.leads.write",
                "agent.analytics.read",
                "agent.conversions.read",
                "agent.workspace.read",
            ],
            |_| (),
        )
        .await
}

/// What an answer says, without what every answer has of its own.
fn said(answer: &Answer) -> (u16, String, Vec<String>) {
    let mut headers: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
    headers.sort();
    (answer.status, answer.text.clone(), headers)
}

both_engines! {
    async fn a_foreign_lead_is_as_missing_as_one_that_never_was(server) {
        let lead = server
            .lead(json!({"firstName": "Budi", "uniqueCode": "U", "externalRef": "E", "phone": "081234567890"}))
            .await;
        let key = stranger(&server).await;
        let id = lead["id"].as_str().unwrap();
        for (foreign, missing) in
            [(id, "lead_01jhmh6v5e7m2q9r4s8t0w1x3y"), ("U", "V"), ("E", "F"), ("081234567890", "081234567891")]
        {
            for (method, body) in
                [("GET", None), ("PATCH", Some(json!({"status": "won"}))), ("PATCH", Some(json!({})))]
            {
                let there = server.send(method, &lead_path(foreign), Some(&key), body.clone()).await;
                let nowhere = server.send(method, &lead_path(missing), Some(&key), body).await;
                assert_eq!(there.status, 404);
                assert_eq!(said(&there), said(&nowhere), "{method} {foreign}");
            }
        }
        assert_eq!(server.find("E").await.data(), &lead);
    }

    async fn a_foreign_match_is_no_match(server) {
        let lead = server
            .lead(json!({"firstName": "Budi", "uniqueCode": "U", "externalRef": "E", "phone": "081234567890"}))
            .await;
        let key = stranger(&server).await;
        let upsert = |by: &str, value: &str, create: bool| {
            let found_by = json!({"by": by, "value": value});
            let body = json!({"match": found_by, "lead": {"firstName": "Siti"}, "createIfMissing": create});
            let (server, key) = (&server, &key);
            async move { server.send("POST", "/leads/upsert", Some(key), Some(body)).await }
        };
        let id = lead["id"].as_str().unwrap();
        assert_eq!(said(&upsert("id", id, true).await), said(&upsert("id", "lead_x", true).await));
        for (by, value) in [("uniqueCode", "U"), ("externalRef", "E"), ("phone", "081234567890")] {
            assert_eq!(upsert(by, value, false).await.status, 404);
            assert_eq!(upsert(by, value, true).await.status, 201);
        }
        assert_eq!(server.find("E").await.data(), &lead);
    }

    async fn another_workspaces_values_are_free(server) {
        let values = json!({"firstName": "Budi", "uniqueCode": "U", "externalRef": "E", "phone": "081234567890"});
        server.lead(values.clone()).await;
        let key = stranger(&server).await;
        assert_eq!(server.send("POST", "/leads", Some(&key), Some(values)).await.status, 201);
        let mine = server.find("E").await;
        let theirs = server.send("GET", "/leads/E", Some(&key), None).await;
        assert_ne!(mine.data()["id"], theirs.data()["id"]);
    }

    async fn nothing_of_another_workspace_is_counted(server) {
        server.lead(json!({"firstName": "Budi", "status": "won", "actualValue": 5, "campaignName": "C"})).await;
        server.database.execute("update lead set conversion_sync_status = 'failed'").await;
        let key = stranger(&server).await;
        let read = async |path: &str| server.send("GET", path, Some(&key), None).await.data().clone();
        let summary = read("/analytics/summary").await;
        assert_eq!((&summary["totalLeads"], &summary["totalConversionValue"]), (&json!(0), &json!(0)));
        assert!(read("/analytics/funnel").await.as_array().unwrap().iter().all(|stage| stage["count"] == 0));
        assert_eq!(read("/analytics/campaigns").await, json!([]));
        assert_eq!(read("/conversions/pending").await, json!([]));
        let states = read("/conversions/status").await;
        assert!(states.as_object().unwrap().values().all(|count| *count == 0));
        assert_eq!(read("/workspace").await["usage"]["leadsPerDay"]["current"], 0);
    }
}
