//! `GET /leads/{id}`

use konektor_tests::both_engines;
use serde_json::json;

both_engines! {
    async fn a_lead_is_found_by_every_name_it_has(server) {
        let lead = server
            .lead(json!({
                "firstName": "Budi", "uniqueCode": "U-1", "externalRef": "CRM-1024", "phone": "081234567890",
            }))
            .await;
        let id = lead["id"].as_str().unwrap();
        for reference in [id, "U-1", "CRM-1024", "081234567890", "+62 812-3456-7890", "6281234567890"] {
            let answer = server.find(reference).await;
            assert_eq!(answer.status, 200, "{reference}");
            assert_eq!(answer.data(), &lead, "{reference}");
        }
    }

    async fn a_made_up_code_finds_its_lead(server) {
        let lead = server.lead(json!({"firstName": "Budi"})).await;
        assert_eq!(server.find(lead["uniqueCode"].as_str().unwrap()).await.data(), &lead);
    }

    async fn a_handle_that_fits_different_leads_is_409_and_names_them(server) {
        let number = "6281234567890";
        let phone = server.lead(json!({"firstName": "Phone", "phone": number})).await;
        assert_eq!(server.find(number).await.data()["firstName"], "Phone");
        let referred = server.lead(json!({"firstName": "Ref", "externalRef": number})).await;
        let answer = server.find(number).await;
        assert_eq!((answer.status, answer.code(), answer.header("retry-after")), (409, "VALIDATION_ERROR", ""));
        let (phone, referred) = (phone["id"].as_str().unwrap(), referred["id"].as_str().unwrap());
        let told = answer.complaint("id");
        assert!(told.contains(&format!("{phone} by its phone")), "{told}");
        assert!(told.contains(&format!("{referred} by its externalRef")), "{told}");
        // A reference that matches only one lead still finds it.
        assert_eq!(server.find("081234567890").await.data()["firstName"], "Phone");
        for id in [phone, referred] {
            assert_eq!(server.find(id).await.data()["id"], id);
        }
    }

    async fn a_handle_that_fits_one_lead_in_several_ways_finds_it(server) {
        let number = "6281234567890";
        let lead = server
            .lead(json!({"firstName": "A", "uniqueCode": number, "externalRef": number, "phone": number}))
            .await;
        assert_eq!(server.find(number).await.data(), &lead);
    }

    async fn what_begins_as_an_id_is_nothing_else(server) {
        let lead = server.lead(json!({"firstName": "A", "externalRef": "E"})).await;
        let other = server.lead(json!({"firstName": "B"})).await;
        // The API refuses such a code.
        let sql = format!("update lead set unique_code = '{}' where external_ref is null", lead["id"].as_str().unwrap());
        server.database.execute(&sql).await;
        assert_eq!(server.find(lead["id"].as_str().unwrap()).await.data(), &lead);
        assert_eq!(server.find(other["id"].as_str().unwrap()).await.data()["firstName"], "B");
        assert_eq!(server.find("lead_nobody").await.status, 404);
    }

    async fn references_may_hold_any_character(server) {
        for reference in ["a/b", "a b", "100%", "%2F", "ü?#&=+", "..a", "O'Brien--", "👩", "upsert", "\\"] {
            let lead = server.lead(json!({"firstName": "Budi", "externalRef": reference})).await;
            if reference != "upsert" {
                assert_eq!(server.find(reference).await.data(), &lead, "{reference}");
            }
        }
    }

    async fn case_and_spaces_of_a_reference_matter(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "CRM-1024"})).await;
        for reference in ["crm-1024", " CRM-1024", "CRM-102", "CRM-1024 "] {
            let answer = server.find(reference).await;
            assert_eq!((answer.status, answer.code()), (404, "NOT_FOUND"), "{reference}");
        }
    }

    async fn names_and_email_are_no_references(server) {
        server.lead(json!({"firstName": "Budi", "email": "budi@example.com"})).await;
        assert_eq!(server.find("Budi").await.status, 404);
        assert_eq!(server.find("budi@example.com").await.status, 404);
    }

    async fn what_cannot_be_a_reference_is_refused(server) {
        assert_eq!(server.find(&"x".repeat(150)).await.status, 404);
        assert_eq!(server.find(&"👩".repeat(150)).await.status, 404);
        assert_eq!(server.find(&"x".repeat(151)).await.complaint("id"), "Must have at most 150 characters");
        assert_eq!(server.find("a\0").await.complaint("id"), "Must not contain NUL");
        assert_eq!(server.get("/leads/%ff").await.status, 400);
        assert_eq!(server.get("/leads/").await.status, 404);
    }

    async fn a_parameter_that_does_not_exist_is_refused(server) {
        server.lead(json!({"firstName": "Budi", "externalRef": "E"})).await;
        let answer = server.get("/leads/E?fields=email").await;
        assert_eq!((answer.status, answer.complaint("fields")), (400, "Unknown parameter"));
    }
}
