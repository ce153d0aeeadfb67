//! `POST /support/tickets`

use std::collections::BTreeSet;

use konektor_tests::both_engines;
use serde_json::json;

both_engines! {
    async fn a_ticket_is_answered_with_its_reference(server) {
        let answer =
            server.post("/support/tickets", json!({"subject": "Conversions fail", "message": "All of them"})).await;
        assert_eq!(answer.status, 201);
        let ticket = answer.data();
        let reference = ticket["ticketRef"].as_str().unwrap();
        let (head, tail) = reference.split_once('-').unwrap();
        assert_eq!((head.len(), tail.len()), (5, 4));
        assert!(reference.bytes().all(|letter| matches!(letter, b'A'..=b'Z' | b'0'..=b'9' | b'-')), "{reference}");
        assert!(ticket["ticketId"].as_str().unwrap().starts_with("ticket_"));
        assert_eq!(
            ticket,
            &json!({
                "ticketId": ticket["ticketId"], "ticketRef": reference, "subject": "Conversions fail", "status": "new",
                "priority": "normal", "createdAt": "2025-01-15T10:30:00.000Z",
            })
        );
    }

    async fn each_priority_is_taken_and_no_other(server) {
        let ticket = |priority: &str| json!({"subject": "Subject", "message": "Message", "priority": priority});
        for priority in ["low", "normal", "high", "urgent"] {
            assert_eq!(server.post("/support/tickets", ticket(priority)).await.data()["priority"], priority);
        }
        for priority in ["medium", "High", ""] {
            assert_eq!(server.post("/support/tickets", ticket(priority)).await.bad_fields(), ["priority"]);
        }
    }

    async fn references_differ(server) {
        let mut references = BTreeSet::new();
        for _ in 0..10 {
            let answer = server.post("/support/tickets", json!({"subject": "Subject", "message": "Message"})).await;
            assert!(references.insert(answer.data()["ticketRef"].to_string()));
        }
    }

    async fn lengths_count_characters(server) {
        let ticket = |subject: usize, message: usize| json!({"subject": "é".repeat(subject), "message": "é".repeat(message)});
        for (subject, message) in [(3, 1), (180, 10_000)] {
            assert_eq!(server.post("/support/tickets", ticket(subject, message)).await.status, 201);
        }
        for (subject, message) in [(2, 0), (181, 10_001)] {
            assert_eq!(
                server.post("/support/tickets", ticket(subject, message)).await.bad_fields(),
                ["message", "subject"]
            );
        }
    }

    async fn subject_and_message_need_a_visible_character(server) {
        for blank in ["   ", "\u{a0}\u{2003}\t", "\u{200b}\u{3164}\u{ad}"] {
            let answer = server.post("/support/tickets", json!({"subject": blank, "message": blank})).await;
            assert_eq!(answer.complaint("subject"), "Must not be blank", "{blank:?}");
            assert_eq!(answer.complaint("message"), "Must not be blank", "{blank:?}");
        }
        let ticket = json!({"subject": " a ", "message": "\u{200b}a"});
        assert_eq!(server.post("/support/tickets", ticket).await.status, 201);
    }

    async fn the_subject_is_kept_exactly(server) {
        let subject = " \u{1f469}\u{200d}\u{1f467} e\u{301}\n<b>'\" ";
        let answer = server.post("/support/tickets", json!({"subject": subject, "message": " x "})).await;
        assert_eq!(answer.data()["subject"], subject);
    }

    async fn every_bad_field_is_named_at_once(server) {
        let answer =
            server.post("/support/tickets", json!({"subject": "a\0bc", "priority": null, "email": "x"})).await;
        assert_eq!(answer.bad_fields(), ["email", "message", "priority", "subject"]);
        assert_eq!(answer.complaint("subject"), "Must not contain NUL");
        assert_eq!(server.post("/support/tickets", json!({})).await.bad_fields(), ["message", "subject"]);
    }
}
