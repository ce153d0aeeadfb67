//! Sorting, and pagination by page number.

use std::time::Duration;

use konektor_tests::{Server, both_engines};
use serde_json::json;

/// Creates leads named 1, 2, 3 …, one second apart, and then updates 1.
async fn in_a_row(server: &Server, count: usize) {
    for at in 1..=count {
        server
            .lead(json!({"firstName": at.to_string(), "externalRef": at.to_string()}))
            .await;
        server.clock.advance(Duration::from_secs(1));
    }
    server.patch("/leads/1", json!({"notes": "updated"})).await;
}

both_engines! {
    async fn the_newest_come_first_unless_told_otherwise(server) {
        in_a_row(&server, 4).await;
        assert_eq!(server.list(&[]).await.each("firstName"), ["4", "3", "2", "1"]);
        for (by, order, expected) in [
            ("createdAt", "desc", ["4", "3", "2", "1"]),
            ("createdAt", "asc", ["1", "2", "3", "4"]),
            ("updatedAt", "desc", ["1", "4", "3", "2"]),
            ("updatedAt", "asc", ["2", "3", "4", "1"]),
        ] {
            assert_eq!(server.list(&[("sortBy", by), ("sortOrder", order)]).await.each("firstName"), expected);
        }
    }

    async fn leads_of_the_same_moment_are_in_the_order_of_their_ids(server) {
        for _ in 0..20 {
            server.lead(json!({"firstName": "Budi"})).await;
        }
        for by in ["createdAt", "updatedAt"] {
            let answer = server.list(&[("sortBy", by), ("sortOrder", "asc")]).await;
            assert!(answer.each("id").is_sorted());
            let answer = server.list(&[("sortBy", by)]).await;
            assert!(answer.each("id").iter().rev().is_sorted());
        }
    }

    async fn a_page_says_where_it_stands(server) {
        in_a_row(&server, 5).await;
        let answer = server.get("/leads").await;
        assert_eq!(
            answer.json["pagination"],
            json!({"page": 1, "limit": 50, "total": 5, "totalPages": 1, "nextCursor": null})
        );
        let answer = server.get("/leads?page=2&limit=2").await;
        assert_eq!(answer.each("firstName"), ["3", "2"]);
        let pagination = &answer.json["pagination"];
        assert_eq!(
            (&pagination["page"], &pagination["limit"], &pagination["totalPages"]),
            (&json!(2), &json!(2), &json!(3))
        );
        assert!(answer.next_cursor().is_some());
        let answer = server.get("/leads?page=3&limit=2").await;
        assert_eq!((answer.each("firstName"), answer.next_cursor()), (vec!["1"], None));
    }

    async fn a_last_page_that_is_full_is_the_last(server) {
        in_a_row(&server, 4).await;
        let answer = server.get("/leads?page=2&limit=2").await;
        assert_eq!((answer.rows().len(), answer.next_cursor()), (2, None));
        assert_eq!(answer.json["pagination"]["totalPages"], 2);
    }

    async fn a_page_past_the_end_is_empty(server) {
        in_a_row(&server, 2).await;
        for page in ["2", "3", "1000000", "9223372036854775807"] {
            let answer = server.list(&[("page", page)]).await;
            assert_eq!((answer.status, answer.rows().len(), answer.next_cursor()), (200, 0, None), "{page}");
            assert_eq!(answer.json["pagination"]["page"].to_string(), page);
            assert_eq!((answer.total(), &answer.json["pagination"]["totalPages"]), (2, &json!(1)));
        }
    }

    async fn an_empty_workspace_has_no_pages(server) {
        let answer = server.get("/leads").await;
        assert_eq!(
            answer.json["pagination"],
            json!({"page": 1, "limit": 50, "total": 0, "totalPages": 0, "nextCursor": null})
        );
    }

    async fn a_page_is_a_whole_number_from_one(server) {
        for page in ["0", "-1", "1.5", "one", "", "9223372036854775808", "1e3", " 1"] {
            assert_eq!(server.list(&[("page", page)]).await.bad_fields(), ["page"], "{page}");
        }
        for limit in ["0", "-1", "101", "all", "99999999999999999999"] {
            assert_eq!(server.list(&[("limit", limit)]).await.bad_fields(), ["limit"], "{limit}");
        }
        assert_eq!(server.list(&[("limit", "100")]).await.json["pagination"]["limit"], 100);
    }
}
