//! `GET /analytics/summary`

use konektor_tests::both_engines;
use serde_json::json;

both_engines! {
    async fn an_empty_workspace_has_nothing_to_sum(server) {
        let answer = server.get("/analytics/summary").await;
        assert_eq!(
            answer.data(),
            &json!({
                "totalLeads": 0, "newLeads": 0, "contactedLeads": 0, "totalConversions": 0, "totalConversionValue": 0,
                "timeframe": "last_30_days",
                "period": {"from": "2024-12-16T17:00:00.000Z", "to": "2025-01-15T16:59:59.999Z"},
            })
        );
    }

    async fn leads_count_by_the_status_they_have_now(server) {
        for status in ["new", "new", "contacted", "won", "won", "lost"] {
            server.lead(json!({"firstName": "Budi", "status": status, "actualValue": 10})).await;
        }
        let lead = server.lead(json!({"firstName": "Budi", "status": "new"})).await;
        server.patch(&format!("/leads/{}", lead["id"].as_str().unwrap()), json!({"status": "contacted"})).await;
        let answer = server.get("/analytics/summary").await;
        let summary = answer.data();
        assert_eq!(
            [
                &summary["totalLeads"], &summary["newLeads"], &summary["contactedLeads"],
                &summary["totalConversions"]
            ],
            [7, 2, 2, 2]
        );
        assert_eq!(summary["totalConversionValue"], 20);
    }

    async fn the_value_is_the_sum_of_what_won_leads_brought(server) {
        for value in [json!(0.1), json!(0.2), json!(null), json!(5_000_000)] {
            server
                .lead(json!({"firstName": "Budi", "status": "won", "actualValue": value, "estimatedValue": 7}))
                .await;
        }
        server.lead(json!({"firstName": "Budi", "status": "invoice", "actualValue": 1})).await;
        let answer = server.get("/analytics/summary").await;
        assert_eq!(answer.data()["totalConversionValue"], json!(5_000_000.3));
        assert_eq!(answer.data()["totalConversions"], 4);
    }

    async fn won_leads_without_a_value_are_worth_nothing(server) {
        server.lead(json!({"firstName": "Budi", "status": "won"})).await;
        let answer = server.get("/analytics/summary").await;
        assert!(answer.text.contains(r#""totalConversions":1,"totalConversionValue":0,"#), "{}", answer.text);
    }

    async fn the_largest_values_add_up(server) {
        for _ in 0..5 {
            server
                .lead(json!({"firstName": "Budi", "status": "won", "actualValue": 1_000_000_000_000_000_i64}))
                .await;
        }
        assert!(
            server.get("/analytics/summary").await.text.contains(r#""totalConversionValue":5000000000000000,"#)
        );
    }
}
