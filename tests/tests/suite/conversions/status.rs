//! `GET /conversions/status`

use konektor_tests::{Server, both_engines};
use serde_json::json;

use super::lead_in;

async fn some_leads(server: &Server) {
    for (at, (state, platform)) in [
        ("pending", Some("meta")),
        ("pending", Some("google")),
        ("synced", Some("meta")),
        ("synced", Some("meta")),
        ("synced", None),
        ("partial", Some("meta")),
        ("failed", Some("tiktok")),
        ("none", Some("meta")),
        ("none", None),
    ]
    .into_iter()
    .enumerate()
    {
        lead_in(server, &format!("L{at}"), state, platform).await;
    }
}

both_engines! {
    async fn all_five_states_are_there_even_of_nothing(server) {
        let answer = server.get("/conversions/status").await;
        assert_eq!(answer.data(), &json!({"pending": 0, "synced": 0, "partial": 0, "failed": 0, "none": 0}));
    }

    async fn the_states_add_up_to_the_leads_of_the_summary(server) {
        some_leads(&server).await;
        let answer = server.get("/conversions/status").await;
        assert_eq!(answer.data(), &json!({"pending": 2, "synced": 3, "partial": 1, "failed": 1, "none": 2}));
        assert_eq!(server.get("/analytics/summary").await.data()["totalLeads"], 9);
    }

    async fn a_platform_is_that_of_the_lead(server) {
        some_leads(&server).await;
        let answer = server.get("/conversions/status?platform=meta").await;
        assert_eq!(answer.data(), &json!({"pending": 1, "synced": 2, "partial": 1, "failed": 0, "none": 1}));
        let answer = server.get("/conversions/status?platform=linkedin").await;
        assert_eq!(answer.data(), &json!({"pending": 0, "synced": 0, "partial": 0, "failed": 0, "none": 0}));
        let answer = server.get("/conversions/status?platform=meta&to=2025-01-14").await;
        assert_eq!(answer.data()["synced"], 0);
    }

    async fn a_platform_has_the_name_of_the_leads_field_as_well(server) {
        some_leads(&server).await;
        let meta = server.get("/conversions/status?platform=meta").await;
        for query in ["adPlatform=meta", "adPlatform=meta&platform=meta"] {
            assert_eq!(server.get(&format!("/conversions/status?{query}")).await.data(), meta.data());
        }
        let answer = server.get("/conversions/status?adPlatform=meta&platform=google").await;
        assert_eq!((answer.status, answer.bad_fields()), (400, vec!["adPlatform"]));
        assert_eq!(answer.complaint("adPlatform"), "Must not differ from platform");
    }

    async fn a_platform_there_is_not_is_refused(server) {
        for platform in ["facebook", "Meta", ""] {
            let answer = server.get(&format!("/conversions/status?platform={platform}")).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["platform"]));
        }
        assert_eq!(server.get("/analytics/summary?platform=meta").await.complaint("platform"), "Unknown parameter");
    }

    async fn leads_of_the_api_have_nothing_due(server) {
        let lead = server.lead(json!({"firstName": "Budi", "status": "won", "adPlatform": "meta"})).await;
        assert_eq!(lead["conversionSyncStatus"], "none");
        assert_eq!(server.get("/conversions/status").await.data()["none"], 1);
        assert_eq!(server.get("/conversions/pending").await.total(), 0);
    }
}
