//! Filters, and how invalid ones are refused.

use konektor_tests::{Options, both_engines};
use serde_json::json;

both_engines! {
    async fn each_filter_keeps_the_leads_with_its_value(server) {
        let member = "7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c";
        server.lead(json!({"firstName": "Plain"})).await;
        for (field, value) in [
            ("status", "hot"),
            ("priority", "urgent"),
            ("source", "event"),
            ("adPlatform", "posthog"),
            ("assignedTo", member),
        ] {
            server.lead(json!({"firstName": field, field: value})).await;
            let answer = server.list(&[(field, value)]).await;
            assert_eq!(answer.each("firstName"), [field]);
            assert_eq!(answer.total(), 1);
        }
        assert_eq!(server.list(&[("status", "won")]).await.total(), 0);
    }

    async fn a_member_is_found_in_either_case(server) {
        let lower = "7b0f3c52-5f6e-4b8e-9d3a-2f1c4e5a6b7c";
        let upper = lower.to_uppercase();
        server.lead(json!({"firstName": "A", "assignedTo": lower})).await;
        server.lead(json!({"firstName": "B", "assignedTo": upper})).await;
        assert_eq!(server.list(&[("assignedTo", lower)]).await.total(), 2);
        assert_eq!(server.list(&[("assignedTo", &upper)]).await.total(), 2);
    }

    async fn filters_together_keep_what_all_of_them_keep(server) {
        for status in ["new", "won"] {
            for source in ["ads", "event"] {
                for name in ["Budi", "Siti"] {
                    server
                        .lead(json!({"firstName": name, "lastName": source, "status": status, "source": source}))
                        .await;
                }
            }
        }
        let answer = server.list(&[("status", "won"), ("source", "ads"), ("search", "siti")]).await;
        assert_eq!((answer.each("firstName"), answer.each("lastName")), (vec!["Siti"], vec!["ads"]));
        assert_eq!(server.list(&[("status", "won"), ("createdTo", "2025-01-14")]).await.total(), 0);
        assert_eq!(server.list(&[("status", "won"), ("createdFrom", "2025-01-15")]).await.total(), 4);
    }

    async fn every_bad_parameter_is_named_at_once(server) {
        let answer = server
            .list(&[
                ("page", "0"),
                ("limit", "101"),
                ("status", "win"),
                ("priority", ""),
                ("source", "Ads"),
                ("adPlatform", "x"),
                ("assignedTo", "me"),
                ("createdFrom", "yesterday"),
                ("createdTo", "2025-02-30"),
                ("search", " "),
                ("sortBy", "name"),
                ("sortOrder", "up"),
                ("q", "x"),
                ("cursor", ""),
            ])
            .await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.bad_fields().len(), 14, "{}", answer.text);
        assert_eq!(answer.complaint("q"), "Unknown parameter");
        assert!(answer.complaint("status").contains("negotiation"));
        assert_eq!(answer.complaint("limit"), "Must be at most 100");
    }

    async fn a_parameter_given_twice_is_refused(server) {
        for query in ["status=new&status=new", "limit=1&limit=2", "search=a&search=b", "page=1&page=1"] {
            let answer = server.get(&format!("/leads?{query}")).await;
            let name = query.split('=').next().unwrap();
            assert_eq!(answer.complaint(name), "Given more than once", "{}", answer.text);
        }
    }

    async fn a_query_that_is_not_utf8_is_refused(server) {
        assert_eq!(server.get("/leads?search=%ff").await.status, 400);
        assert_eq!(server.list(&[("search", "a\0")]).await.complaint("search"), "Must not contain NUL");
    }

    async fn names_of_parameters_are_case_sensitive(server) {
        assert_eq!(
            server.list(&[("Status", "new"), ("sort_by", "createdAt")]).await.bad_fields(),
            ["Status", "sort_by"]
        );
    }

    async fn another_workspaces_leads_are_never_listed(server) {
        server.lead(json!({"firstName": "Budi", "uniqueCode": "U"})).await;
        let other = server.another_workspace(&Options::default()).await;
        let key = server.key_with(&other, &["agent.leads.read"], |_| ()).await;
        for path in
            ["/leads", "/leads?search=budi", "/leads?search=U", "/leads?status=new", "/leads?page=2&limit=1"]
        {
            assert_eq!(server.send("GET", path, Some(&key), None).await.total(), 0, "{path}");
        }
    }
}
