//! `POST /leads`

use konektor_tests::both_engines;
use serde_json::json;

both_engines! {
    async fn a_name_is_enough_and_the_rest_has_its_default(server) {
        let lead = server.lead(json!({"firstName": "Budi"})).await;
        assert_eq!(lead["status"], "new");
        assert_eq!(lead["priority"], "medium");
        assert_eq!(lead["conversionSyncStatus"], "none");
        assert_eq!(lead["createdAt"], "2025-01-15T10:30:00.000Z");
        assert!(lead["id"].as_str().unwrap().starts_with("lead_"));
        assert!(lead["uniqueCode"].as_str().unwrap().starts_with("KNK-"));
        assert!(lead["email"].is_null());
        let listed = server.get("/leads").await;
        assert_eq!(listed.data()[0], lead);
        assert_eq!(listed.json["pagination"]["total"], 1);
    }

    async fn every_bad_field_is_named_at_once(server) {
        let answer = server.post("/leads", json!({
            "email": "not-an-address", "phone": "CRM-1024", "status": "qualifed", "estimatedValue": -1,
            "lastName": "x".repeat(101), "assignedTo": "me", "priority": null, "colour": "red",
        })).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.complaint("firstName"), "Required");
        assert_eq!(answer.complaint("email"), "Invalid email");
        assert_eq!(answer.complaint("phone"), "Invalid phone");
        assert!(answer.complaint("status").contains("qualified"));
        assert_eq!(answer.bad_fields().len(), 9, "{}", answer.text);
    }
}
