//! `GET /analytics/funnel`

use konektor_tests::both_engines;
use serde_json::{Value, json};

const STATUSES: [&str; 11] = [
    "pageview",
    "new",
    "contacted",
    "responded",
    "qualified",
    "hot",
    "proposal",
    "negotiation",
    "invoice",
    "won",
    "lost",
];

both_engines! {
    async fn there_are_all_eleven_stages_in_pipeline_order_even_of_nothing(server) {
        let answer = server.get("/analytics/funnel").await;
        let expected: Vec<_> =
            STATUSES.iter().map(|status| json!({"status": status, "count": 0, "percentage": 0})).collect();
        assert_eq!(answer.data(), &Value::Array(expected));
    }

    async fn shares_are_percent_of_all_with_two_decimals(server) {
        for status in ["lost", "new", "new"] {
            server.lead(json!({"firstName": "Budi", "status": status})).await;
        }
        let answer = server.get("/analytics/funnel").await;
        assert_eq!(answer.each("status"), STATUSES);
        let stages = answer.rows();
        assert_eq!(stages[1], json!({"status": "new", "count": 2, "percentage": 66.67}));
        assert_eq!(stages[10], json!({"status": "lost", "count": 1, "percentage": 33.33}));
        assert!(stages.iter().filter(|stage| stage["count"] == 0).all(|stage| stage["percentage"] == 0));
    }

    async fn counts_add_up_to_the_leads_of_the_summary(server) {
        for (at, status) in STATUSES.iter().enumerate() {
            for _ in 0..=at % 3 {
                server.lead(json!({"firstName": "Budi", "status": status})).await;
            }
        }
        for query in ["", "?timeframe=today", "?timeframe=all_time", "?to=2025-01-01", "?from=2025-01-15"] {
            let summary = server.get(&format!("/analytics/summary{query}")).await;
            let funnel = server.get(&format!("/analytics/funnel{query}")).await;
            let sum: u64 = funnel.rows().iter().map(|stage| stage["count"].as_u64().unwrap()).sum();
            assert_eq!(summary.data()["totalLeads"], sum, "{query}");
        }
    }

    async fn one_status_alone_is_a_hundred_percent(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        assert!(
            server.get("/analytics/funnel").await.text.contains(r#"{"status":"new","count":1,"percentage":100}"#)
        );
    }
}
