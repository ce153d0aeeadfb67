//! `GET /conversions/pending`

use std::time::Duration;

use konektor_tests::both_engines;
use serde_json::json;

use super::lead_in;

both_engines! {
    async fn pending_and_failed_leads_are_listed_newest_first(server) {
        for (name, state) in
            [("A", "pending"), ("B", "synced"), ("C", "failed"), ("D", "partial"), ("E", "none"), ("F", "pending")]
        {
            lead_in(&server, name, state, Some("meta")).await;
            server.clock.advance(Duration::from_secs(1));
        }
        let answer = server.get("/conversions/pending").await;
        assert_eq!(answer.each("conversionSyncStatus"), ["pending", "failed", "pending"]);
        let newest = server.find("F").await;
        assert_eq!(answer.rows()[0]["leadId"], newest.data()["id"]);
        assert_eq!(
            answer.json["pagination"],
            json!({"page": 1, "limit": 50, "total": 3, "totalPages": 1, "nextCursor": null})
        );
    }

    async fn a_row_says_what_the_lead_says_and_when_it_was_tried(server) {
        let lead = lead_in(&server, "A", "failed", None).await;
        server.database.execute("update lead set last_conversion_sync_at = 1736937067250").await;
        assert_eq!(
            server.get("/conversions/pending").await.data(),
            &json!([{
                "leadId": lead["id"], "uniqueCode": lead["uniqueCode"], "status": "new", "adPlatform": null,
                "conversionSyncStatus": "failed", "lastConversionSyncAt": "2025-01-15T10:31:07.250Z",
            }])
        );
        server.database.execute("update lead set last_conversion_sync_at = null").await;
        assert!(server.get("/conversions/pending").await.rows()[0]["lastConversionSyncAt"].is_null());
        assert_eq!(server.find("A").await.data()["conversionSyncStatus"], "failed");
    }

    async fn leads_of_any_age_are_listed(server) {
        lead_in(&server, "A", "failed", None).await;
        server.database.execute("update lead set created_at = 0").await;
        assert_eq!(server.get("/conversions/pending").await.total(), 1);
    }

    async fn a_walk_sees_every_lead_once(server) {
        for at in 0..9 {
            lead_in(&server, &format!("L{at}"), if at % 2 == 0 { "pending" } else { "failed" }, None).await;
            if at % 3 == 0 {
                server.clock.advance(Duration::from_secs(1));
            }
        }
        let whole = server.get("/conversions/pending").await;
        let mut page = server.get("/conversions/pending?limit=2").await;
        let mut walked: Vec<String> = Vec::new();
        loop {
            walked.extend(page.each("leadId").into_iter().map(str::to_owned));
            assert_eq!(page.total(), 9);
            let Some(cursor) = page.next_cursor().map(str::to_owned) else { break };
            page = server.get_with("/conversions/pending", &[("cursor", &cursor)]).await;
        }
        assert_eq!(walked, whole.each("leadId"));
        assert_eq!(server.get("/conversions/pending?page=5&limit=2").await.each("leadId"), walked[8..]);
        let past = server.get("/conversions/pending?page=6&limit=2").await;
        assert_eq!((past.status, past.rows().len(), past.next_cursor()), (200, 0, None));
    }

    async fn a_forged_cursor_and_parameters_of_other_lists_are_refused(server) {
        let answer = server.get("/conversions/pending?cursor=x&status=new&timeframe=today&limit=0&page=0").await;
        assert_eq!(answer.bad_fields(), ["cursor", "limit", "page", "status", "timeframe"]);
    }
}
