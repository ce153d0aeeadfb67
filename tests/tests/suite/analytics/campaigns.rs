//! `GET /analytics/campaigns`

use konektor_tests::{Server, both_engines};
use serde_json::{Value, json};

async fn leads(server: &Server, campaign: Value, platform: Value, statuses: &[&str]) {
    for status in statuses {
        server.lead(json!({
            "firstName": "Budi", "campaignName": campaign, "adPlatform": platform, "status": status, "actualValue": 0.1,
        })).await;
    }
}

/// Returns the rows of the response, each as a list of values.
async fn rows(server: &Server) -> Value {
    let answer = server.get("/analytics/campaigns").await;
    let fields = [
        "campaignName",
        "adPlatform",
        "leads",
        "conversions",
        "conversionValue",
    ];
    answer
        .rows()
        .iter()
        .map(|row| fields.map(|field| row[field].clone()).to_vec())
        .map(Value::Array)
        .collect()
}

both_engines! {
    async fn there_is_a_row_for_each_name_and_platform_nothing_included(server) {
        leads(&server, json!("Promo"), json!("meta"), &["won", "won", "won", "new"]).await;
        leads(&server, json!("Promo"), json!("google"), &["won", "new", "lost"]).await;
        leads(&server, json!("Promo"), json!(null), &["new", "new"]).await;
        leads(&server, json!(null), json!("meta"), &["new"; 5]).await;
        leads(&server, json!(null), json!(null), &["won"; 6]).await;
        leads(&server, json!(""), json!("meta"), &["new"]).await;
        assert_eq!(
            rows(&server).await,
            json!([
                [null, null, 6, 6, 0.6],
                [null, "meta", 5, 0, 0],
                ["Promo", "meta", 4, 3, 0.3],
                ["Promo", "google", 3, 1, 0.1],
                ["Promo", null, 2, 0, 0],
                ["", "meta", 1, 0, 0],
            ])
        );
    }

    async fn ties_are_in_the_order_of_name_and_platform(server) {
        for (campaign, platform) in [
            (json!(null), json!("meta")),
            (json!("b"), json!(null)),
            (json!("b"), json!("tiktok")),
            (json!("b"), json!("google")),
            (json!("B"), json!("meta")),
            (json!("é"), json!("meta")),
            (json!("a"), json!("meta")),
            (json!(null), json!(null)),
            (json!("Z"), json!("meta")),
        ] {
            leads(&server, campaign, platform, &["new"]).await;
        }
        let answer = server.get("/analytics/campaigns").await;
        let order: Vec<_> = answer.each("campaignName").into_iter().zip(answer.each("adPlatform")).collect();
        assert_eq!(
            order,
            [
                ("B", "meta"),
                ("Z", "meta"),
                ("a", "meta"),
                ("b", "google"),
                ("b", "tiktok"),
                ("b", ""),
                ("é", "meta"),
                ("", "meta"),
                ("", "")
            ]
        );
    }

    async fn names_are_grouped_exactly_as_sent(server) {
        for campaign in ["Promo", "promo", "Promo ", "Prom\u{f6}", "Promo\u{308}"] {
            leads(&server, json!(campaign), json!("meta"), &["new"]).await;
        }
        assert_eq!(server.get("/analytics/campaigns").await.rows().len(), 5);
    }

    async fn only_leads_of_the_period_count(server) {
        leads(&server, json!("Promo"), json!("meta"), &["won"]).await;
        assert_eq!(server.get("/analytics/campaigns?to=2025-01-14").await.data(), &json!([]));
        assert_eq!(server.get("/analytics/campaigns?from=2025-01-15&to=2025-01-15").await.rows().len(), 1);
    }

    async fn leads_add_up_to_those_of_the_summary(server) {
        leads(&server, json!("A"), json!("meta"), &["won", "new"]).await;
        leads(&server, json!(null), json!(null), &["won", "hot", "lost"]).await;
        let (campaigns, summary) =
            (server.get("/analytics/campaigns").await, server.get("/analytics/summary").await);
        let sum = |field: &str| campaigns.rows().iter().map(|row| row[field].as_u64().unwrap()).sum::<u64>();
        assert_eq!(summary.data()["totalLeads"], sum("leads"));
        assert_eq!(summary.data()["totalConversions"], sum("conversions"));
    }

    async fn no_personal_data_is_in_it(server) {
        server
            .lead(json!({
                "firstName": "Budi", "lastName": "Santoso", "email": "b@example.com", "phone": "081234567890",
                "notes": "N0te",
            }))
            .await;
        for path in ["/analytics/campaigns", "/analytics/summary", "/analytics/funnel", "/conversions/status"] {
            let text = server.get(path).await.text;
            assert!(
                ["Budi", "Santoso", "example", "81234567890", "N0te"].iter().all(|part| !text.contains(part)),
                "{text}"
            );
        }
    }
}
