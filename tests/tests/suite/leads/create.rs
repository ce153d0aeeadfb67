//! `POST /leads`

use konektor_server::{
    domain::lead::{self, Lead},
    store::{
        lead_days::DayLimit,
        leads::{CreateLead, NewLead},
    },
};
use konektor_tests::both_engines;
use serde_json::{Value, json};

use super::fields;

both_engines! {
    async fn a_name_is_enough_and_the_rest_has_its_default(server) {
        let lead = server.lead(json!({"firstName": "Budi"})).await;
        assert_eq!(lead["status"], "new");
        assert_eq!(lead["priority"], "medium");
        assert_eq!(lead["conversionSyncStatus"], "none");
        assert_eq!(lead["createdAt"], "2025-01-15T10:30:00.000Z");
        assert_eq!(lead["updatedAt"], lead["createdAt"]);
        assert!(lead["id"].as_str().unwrap().starts_with("lead_"));
        assert!(lead["uniqueCode"].as_str().unwrap().starts_with("KNK-"));
        assert!(lead["email"].is_null());
        let listed = server.get("/leads").await;
        assert_eq!(listed.data()[0], lead);
        assert_eq!(listed.json["pagination"]["total"], 1);
    }

    async fn every_bad_field_is_named_at_once(server) {
        let answer = server
            .post(
                "/leads",
                json!({
                    "email": "not-an-address", "phone": "CRM-1024", "status": "qualifed", "estimatedValue": -1,
                    "lastName": "x".repeat(101), "assignedTo": "me", "priority": null, "colour": "red",
                }),
            )
            .await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.complaint("firstName"), "Required");
        assert_eq!(answer.complaint("email"), "Invalid email");
        assert_eq!(answer.complaint("phone"), "Invalid phone: write one number in digits, like 081234567890 or +14155552671");
        assert!(answer.complaint("status").contains("qualified"));
        assert_eq!(answer.bad_fields().len(), 9, "{}", answer.text);
    }

    async fn every_field_comes_back_as_it_was_sent(server) {
        let known = json!({
            "uniqueCode": "A code", "externalRef": "CRM-1024/é", "email": "Budi@Example.com", "estimatedValue": 5_000_000,
            "actualValue": 0.1,
        });
        let fields = fields::with_samples(known, 2);
        let lead = server.lead(fields.clone()).await;
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&lead[name], value, "{name}");
        }
        assert_eq!(server.find(lead["id"].as_str().unwrap()).await.data(), &lead);
    }

    async fn text_is_kept_exactly(server) {
        // Surrounding spaces, a decomposed é, joiners, direction marks, a line break and a quote.
        let text = " \tRene\u{301} 👩\u{200d}👩\u{200d}👧 \u{202e}ab\r\n'\"\\ ";
        let names: Vec<_> = fields::free_texts().into_iter().map(|(name, _)| name).collect();
        assert!(names.contains(&"notes"), "{names:?}");
        let lead = server.lead(fields::each(&names, &json!(text))).await;
        let read = server.find(lead["id"].as_str().unwrap()).await;
        for name in names {
            assert_eq!(lead[name], text, "{name}");
            assert_eq!(read.data()[name], text, "{name}");
        }
    }

    async fn an_upper_case_assignee_is_kept_as_sent(server) {
        let member = "7B0F3C52-5F6E-4B8E-9D3A-2F1C4E5A6B7C";
        assert_eq!(server.lead(json!({"firstName": "Budi", "assignedTo": member})).await["assignedTo"], member);
    }

    async fn nul_is_refused_wherever_it_stands(server) {
        let names = fields::open_texts();
        assert!(["notes", "email", "phone"].iter().all(|name| names.contains(name)), "{names:?}");
        let answer = server.post("/leads", fields::each(&names, &json!("a\0b"))).await;
        assert_eq!(answer.status, 400);
        for name in names {
            assert_eq!(answer.complaint(name), "Must not contain NUL", "{name}");
        }
    }

    async fn empty_text_is_refused_where_it_means_nothing(server) {
        let answer = server
            .post(
                "/leads",
                json!({
                    "firstName": "", "email": "", "phone": "", "uniqueCode": "", "externalRef": "",
                }),
            )
            .await;
        assert_eq!(answer.bad_fields(), ["email", "externalRef", "firstName", "phone", "uniqueCode"]);
        let lead = server.lead(json!({"firstName": " B ", "lastName": "", "notes": "", "campaignName": ""})).await;
        assert_eq!((&lead["firstName"], &lead["lastName"], &lead["notes"]), (&json!(" B "), &json!(""), &json!("")));
        assert_eq!(lead["campaignName"], "");
    }

    async fn null_is_absence_where_there_may_be_none_and_refused_elsewhere(server) {
        let nullable = fields::nullable(true);
        assert!(nullable.contains(&"email"), "{nullable:?}");
        let mut body = fields::each(&nullable, &Value::Null);
        body["firstName"] = "Budi".into();
        let lead = server.lead(body).await;
        assert!(nullable.iter().all(|name| lead[name].is_null()));

        let mut others = fields::nullable(false);
        others.sort_unstable();
        let answer = server.post("/leads", fields::each(&others, &Value::Null)).await;
        assert_eq!(answer.bad_fields(), others);
        assert_eq!(answer.complaint("status"), "Must not be null");
    }

    async fn lengths_count_characters(server) {
        let body = |extra: usize| {
            let texts = fields::free_texts().into_iter();
            let texts = texts.map(|(name, longest)| (name.to_owned(), "👩".repeat(longest + extra).into()));
            Value::Object(texts.collect())
        };
        server.lead(body(0)).await;
        let answer = server.post("/leads", body(1)).await;
        let mut names: Vec<_> = fields::free_texts().into_iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(answer.bad_fields(), names);
        assert_eq!(answer.complaint("firstName"), "Must have at most 100 characters");
    }

    async fn every_spelling_of_a_phone_is_kept_as_e164(server) {
        for (at, spelling) in
            ["0812-3456-7890", "6281334567890", "+62 (0) 8143456 7890", "006281534567890"].iter().enumerate()
        {
            let lead = server.lead(json!({"firstName": "Budi", "phone": spelling})).await;
            assert_eq!(lead["phone"], format!("+6281{}34567890", at + 2));
        }
        // Longer than the 20 characters of a normalized number.
        let lead = server.lead(json!({"firstName": "Budi", "phone": "+62 (0) 812-3456-0004"})).await;
        assert_eq!(lead["phone"], "+6281234560004");
        // A short number of the old numbering plan, with and without +.
        let lead = server.lead(json!({"firstName": "Budi", "phone": "62811234567"})).await;
        assert_eq!(lead["phone"], "+62811234567");
        for spelling in ["+62811234567", "0811-234-567"] {
            let answer = server.post("/leads", json!({"firstName": "B", "phone": spelling})).await;
            assert_eq!(answer.complaint("phone"), "Another lead has it already");
        }
    }

    async fn a_phone_that_may_be_somebody_elses_is_refused_with_what_to_write(server) {
        let (country, spreadsheet) = ("write + and the country code", "a spreadsheet has changed it");
        for (phone, why) in [
            ("60123000456", country),
            ("6591230004", country),
            ("14155550123", country),
            ("919812300045", country),
            ("8613800000000", country),
            ("555123", country),
            ("12", country),
            ("081234560009.0", spreadsheet),
            ("6281200000200.0", spreadsheet),
            ("6.2812E+11", spreadsheet),
            ("021-5550101/02", "write one number"),
            ("0812 3456 0006 / 0813 1111 2222", "write one number"),
            ("0812-0000-0299/98", "write one number"),
            ("08123456", "not a valid Indonesian number"),
            ("+62555123", "not a valid Indonesian number"),
            ("+0 812", "not a possible number"),
            ("1-800-FLOWERS", "write one number in digits"),
            ("call me", "write one number in digits"),
            (" ", "write one number in digits"),
        ] {
            let answer = server.post("/leads", json!({"firstName": "B", "phone": phone})).await;
            assert!(answer.complaint("phone").contains(why), "{phone}: {}", answer.text);
            let body = json!({"match": {"by": "phone", "value": phone}, "lead": {"firstName": "B"}});
            let answer = server.post("/leads/upsert", body).await;
            assert!(answer.complaint("match.value").contains(why), "{phone}: {}", answer.text);
        }
        assert_eq!(server.get("/leads").await.total(), 0);
    }

    async fn a_first_name_needs_a_visible_character(server) {
        let lead = server.lead(json!({"firstName": "\u{200b}Ayu "})).await;
        assert_eq!(lead["firstName"], "\u{200b}Ayu ");
        let path = format!("/leads/{}", lead["id"].as_str().unwrap());
        for blank in [
            " ", "\u{a0}", "\u{200b}", "\u{feff}", "\u{3164}", "\t", "\n", "\u{1a}", "\u{2800}", "\u{ad}",
            "\u{3000}\u{2003}\u{180e}", "\u{115f}\u{ffa0}", "\u{202e}\u{2066}",
        ] {
            let body = json!({"firstName": blank});
            let answer = server.post("/leads", body.clone()).await;
            assert_eq!(answer.complaint("firstName"), "Must not be blank", "{blank:?}");
            let answer = server.patch(&path, body.clone()).await;
            assert_eq!(answer.complaint("firstName"), "Must not be blank", "{blank:?}");
            let upsert = json!({"match": {"by": "externalRef", "value": "E"}, "lead": body});
            let answer = server.post("/leads/upsert", upsert).await;
            assert_eq!(answer.complaint("lead.firstName"), "Must not be blank", "{blank:?}");
        }
        assert_eq!(server.get("/leads").await.total(), 1);
    }

    async fn amounts_come_back_without_a_fraction_they_do_not_have(server) {
        for (sent, shown) in [
            ("0", "0"),
            ("-0", "0"),
            ("5e6", "5000000"),
            ("5000000.0", "5000000"),
            ("0.1", "0.1"),
            ("1000000000000000", "1000000000000000"),
            ("999999999999999.9", "999999999999999.9"),
            ("19.99", "19.99"),
        ] {
            let request = server
                .request("POST", "/leads")
                .bearer_auth(&server.key)
                .header("content-type", "application/json")
                .body(format!(r#"{{"firstName":"Budi","estimatedValue":{sent},"actualValue":{sent}}}"#));
            let answer = server.finish(request).await;
            assert!(
                answer.text.contains(&format!(r#""estimatedValue":{shown},"actualValue":{shown},"#)),
                "{}",
                answer.text
            );
            let read = server.find(answer.data()["id"].as_str().unwrap()).await;
            assert_eq!(read.text, answer.text);
        }
    }

    async fn amounts_outside_zero_and_ten_to_the_fifteenth_are_refused(server) {
        for value in
            [json!(-0.01), json!(1_000_000_000_000_001_i64), json!(1e300), json!("5"), json!([]), json!(true)]
        {
            let answer = server
                .post("/leads", json!({"firstName": "B", "estimatedValue": value, "actualValue": value}))
                .await;
            assert_eq!(answer.bad_fields(), ["actualValue", "estimatedValue"], "{value}");
        }
    }

    async fn each_unique_value_that_another_lead_has_is_named(server) {
        let taken = json!({"firstName": "A", "uniqueCode": "U", "externalRef": "E", "phone": "081234567890"});
        server.lead(taken).await;
        let answer = server.post("/leads", json!({"firstName": "B", "uniqueCode": "U"})).await;
        assert_eq!(answer.bad_fields(), ["uniqueCode"]);
        let answer = server
            .post(
                "/leads",
                json!({
                    "firstName": "B", "uniqueCode": "U", "externalRef": "E", "phone": "+62 812 3456 7890",
                }),
            )
            .await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.bad_fields(), ["externalRef", "phone", "uniqueCode"]);
        assert_eq!(server.get("/leads").await.total(), 1);
    }

    async fn codes_are_case_sensitive(server) {
        server.lead(json!({"firstName": "A", "uniqueCode": "u", "externalRef": "e"})).await;
        server.lead(json!({"firstName": "B", "uniqueCode": "U", "externalRef": "E"})).await;
    }

    async fn a_code_that_another_lead_has_as_its_reference_is_refused_and_the_other_way_round(server) {
        server.lead(json!({"firstName": "A", "uniqueCode": "u", "externalRef": "e"})).await;
        let answer = server.post("/leads", json!({"firstName": "C", "uniqueCode": "e", "externalRef": "u"})).await;
        assert_eq!((answer.status, answer.bad_fields()), (400, vec!["externalRef", "uniqueCode"]));
        assert_eq!(answer.complaint("uniqueCode"), "Another lead has it already, as its externalRef");
        assert_eq!(answer.complaint("externalRef"), "Another lead has it already, as its uniqueCode");
        assert_eq!(server.get("/leads").await.total(), 1);
        assert_eq!(server.find("u").await.data()["firstName"], "A");
        // One lead may have the same value in both fields.
        server.lead(json!({"firstName": "B", "uniqueCode": "x", "externalRef": "x"})).await;
    }

    async fn a_drawn_code_that_is_taken_either_way_is_drawn_again(server) {
        server.lead(json!({"firstName": "A", "uniqueCode": "KNK-0000000001", "externalRef": "KNK-0000000002"})).await;
        let tenant = server.store.tenant(&server.workspace).await.unwrap();
        for (at, drawn) in ["KNK-0000000001", "KNK-0000000002"].into_iter().enumerate() {
            let fields = json!({"firstName": "B", "status": "new", "priority": "low"});
            let new = lead::NewLead { id: format!("lead_{at}"), unique_code: drawn.into(), now: server.clock.now() };
            let lead = Lead::create(new, serde_json::from_value(fields).unwrap()).unwrap();
            let new = NewLead { lead, has_drawn_code: true };
            let day = DayLimit { day: jiff::civil::date(2025, 1, 15), limit: None };
            let made = tenant.write(CreateLead { new, day }).await.unwrap();
            assert!(made.unique_code.starts_with("KNK-") && made.unique_code != drawn);
            assert_eq!(server.find(&made.id).await.data()["uniqueCode"], made.unique_code);
        }
    }

    async fn an_email_need_not_be_unique(server) {
        server.lead(json!({"firstName": "A", "email": "a@example.com"})).await;
        server.lead(json!({"firstName": "B", "email": "a@example.com"})).await;
    }

    async fn what_looks_like_an_id_is_no_code(server) {
        let answer =
            server.post("/leads", json!({"firstName": "B", "uniqueCode": "lead_1", "externalRef": "lead_"})).await;
        assert_eq!(answer.complaint("uniqueCode"), "Must not begin with lead_");
        assert_eq!(answer.complaint("externalRef"), "Must not begin with lead_");
        server.lead(json!({"firstName": "B", "uniqueCode": "Lead_1", "externalRef": "my lead_"})).await;
    }

    async fn what_the_server_decides_cannot_be_sent(server) {
        let answer = server
            .post(
                "/leads",
                json!({
                    "firstName": "B", "id": "lead_1", "createdAt": "2020-01-01T00:00:00Z", "updatedAt": null,
                    "conversionSyncStatus": "synced",
                }),
            )
            .await;
        assert_eq!(answer.bad_fields(), ["conversionSyncStatus", "createdAt", "id", "updatedAt"]);
        assert_eq!(answer.complaint("id"), "Unknown field");
    }

    async fn only_addresses_are_emails(server) {
        for address in ["budi", "budi@", "@example.com", "a b@example.com", "budi@example.com\n", "a@b@c",
            "Vivi Andini <vivi@example.com>", "\"Vivi\" <vivi@example.com>", "<vivi@example.com>"] {
            let answer = server.post("/leads", json!({"firstName": "B", "email": address})).await;
            assert_eq!(answer.complaint("email"), "Invalid email", "{address:?}");
        }
    }

    async fn forty_at_once_are_forty_leads(server) {
        let mut all = tokio::task::JoinSet::new();
        for at in 0..40 {
            let request = server
                .request("POST", "/leads")
                .bearer_auth(&server.key)
                .json(&json!({"firstName": format!("N{at}")}));
            all.spawn(request.send());
        }
        let answers = all.join_all().await;
        assert!(answers.into_iter().all(|answer| answer.unwrap().status() == 201));
        assert_eq!(server.get("/leads?limit=100").await.rows().len(), 40);
    }
}
