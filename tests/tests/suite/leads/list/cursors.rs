//! Pagination by cursor.

use std::{collections::BTreeSet, time::Duration};

use konektor_tests::{Answer, Options, Server, both_engines};
use serde_json::json;

/// Creates leads, three at each point in time.
async fn some_leads(server: &Server, count: usize) {
    for at in 0..count {
        if at % 3 == 0 {
            server.clock.advance(Duration::from_millis(1));
        }
        let status = if at % 2 == 0 { "new" } else { "won" };
        server
            .lead(json!({"firstName": format!("Budi{at}"), "status": status}))
            .await;
    }
}

/// Returns the ids on this page and all following pages, which are requested by cursor only.
async fn walk(server: &Server, first: Answer) -> Vec<String> {
    let mut ids: Vec<_> = first.each("id").into_iter().map(str::to_owned).collect();
    let mut page = first;
    while let Some(cursor) = page.next_cursor() {
        let next = server.list(&[("cursor", cursor)]).await;
        assert_eq!(next.total(), page.total());
        ids.extend(next.each("id").into_iter().map(str::to_owned));
        page = next;
    }
    ids
}

both_engines! {
    async fn a_walk_sees_every_lead_once_in_order(server) {
        some_leads(&server, 23).await;
        for (by, order) in
            [("createdAt", "desc"), ("createdAt", "asc"), ("updatedAt", "desc"), ("updatedAt", "asc")]
        {
            let query = [("sortBy", by), ("sortOrder", order)];
            let whole = server.list(&query).await;
            let walked = walk(&server, server.list(&[query[0], query[1], ("limit", "4")]).await).await;
            assert_eq!(walked, whole.each("id"), "{by} {order}");
        }
    }

    async fn a_loop_that_updates_what_it_lists_ends_and_sees_every_lead_once(server) {
        for clock_goes_on in [true, false] {
            // Spread over time, or all in one millisecond.
            if clock_goes_on {
                some_leads(&server, 23).await;
                server.clock.advance(Duration::from_millis(1));
            } else {
                for at in 0..23 {
                    server.lead(json!({"firstName": format!("Budi{at}")})).await;
                }
            }
            let all = server.list(&[("limit", "100")]).await;
            let mut expected: Vec<_> = all.each("id").into_iter().map(str::to_owned).collect();
            let mut page = server.list(&[("sortBy", "updatedAt"), ("sortOrder", "asc"), ("limit", "4")]).await;
            let mut seen = Vec::new();
            loop {
                assert!(seen.len() < 100, "it does not end");
                assert_eq!(page.total(), i64::try_from(expected.len()).unwrap());
                for id in page.each("id") {
                    seen.push(id.to_owned());
                    if clock_goes_on {
                        server.clock.advance(Duration::from_micros(300));
                    }
                    let changes = json!({"campaignName": format!("{}", seen.len())});
                    assert_eq!(server.patch(&format!("/leads/{id}"), changes).await.status, 200);
                }
                // Leads that are created meanwhile do not appear.
                let Some(cursor) = page.next_cursor().map(str::to_owned) else {
                    break;
                };
                page = server.list(&[("cursor", &cursor)]).await;
            }
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected);
            server.database.execute("delete from lead").await;
        }
    }

    async fn a_walk_by_the_last_update_ends_before_leads_that_come_meanwhile(server) {
        some_leads(&server, 6).await;
        let page = server.list(&[("sortBy", "updatedAt"), ("sortOrder", "asc"), ("limit", "4")]).await;
        server.clock.advance(Duration::from_millis(1));
        let later = server.lead(json!({"firstName": "Later"})).await;
        let rest = server.list(&[("cursor", page.next_cursor().unwrap())]).await;
        assert_eq!((rest.rows().len(), rest.next_cursor(), rest.total()), (2, None, 7));
        let newest = server.list(&[("sortBy", "updatedAt")]).await;
        assert_eq!(newest.rows()[0], later);
    }

    async fn pages_are_counted_on_the_way(server) {
        some_leads(&server, 5).await;
        let mut page = server.get("/leads?limit=2").await;
        for number in 1..=3 {
            let pagination = &page.json["pagination"];
            assert_eq!(
                (&pagination["page"], &pagination["totalPages"], &pagination["limit"]),
                (&json!(number), &json!(3), &json!(2))
            );
            if let Some(cursor) = page.next_cursor().map(str::to_owned) {
                page = server.list(&[("cursor", &cursor)]).await;
            }
        }
        assert_eq!((page.rows().len(), page.next_cursor()), (1, None));
    }

    async fn filters_are_kept_on_every_page(server) {
        some_leads(&server, 20).await;
        let query = [("status", "won"), ("search", "budi1"), ("createdFrom", "2025-01-15"), ("limit", "2")];
        let walked = walk(&server, server.list(&query).await).await;
        let expected = server.list(&query[..3]).await;
        assert_eq!(expected.total(), 6);
        assert_eq!(walked, expected.each("id"));
    }

    async fn new_leads_in_between_neither_repeat_nor_hide_one(server) {
        some_leads(&server, 9).await;
        let before: BTreeSet<_> = server.get("/leads").await.each("id").into_iter().map(str::to_owned).collect();
        let mut page = server.get("/leads?limit=2").await;
        let mut seen: Vec<String> = page.each("id").into_iter().map(str::to_owned).collect();
        while let Some(cursor) = page.next_cursor().map(str::to_owned) {
            server.clock.advance(Duration::from_secs(1));
            server.lead(json!({"firstName": "Late"})).await;
            page = server.list(&[("cursor", &cursor)]).await;
            seen.extend(page.each("id").into_iter().map(str::to_owned));
        }
        assert_eq!(seen.len(), before.len());
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), before);
    }

    async fn a_cursor_is_understood_by_another_process(server) {
        some_leads(&server, 5).await;
        let first = server.get("/leads?limit=2&status=new").await;
        let query = [("cursor", first.next_cursor().unwrap())];
        let here = server.list(&query).await;
        let there = server.beside().await.list(&query).await;
        assert_eq!(here.rows(), there.rows());
        assert_eq!(here.total(), there.total());
    }

    async fn a_number_of_a_page_beside_a_cursor_does_not_count(server) {
        some_leads(&server, 6).await;
        let first = server.get("/leads?limit=2").await;
        let cursor = first.next_cursor().unwrap();
        let alone = server.list(&[("cursor", cursor)]).await;
        let beside = server.list(&[("cursor", cursor), ("page", "3")]).await;
        assert_eq!(alone.rows(), beside.rows());
        assert_eq!(beside.json["pagination"]["page"], 2);
    }

    async fn another_limit_beside_a_cursor_takes_hold(server) {
        some_leads(&server, 9).await;
        let all = server.get("/leads").await;
        let first = server.get("/leads?limit=2").await;
        let next = server.list(&[("cursor", first.next_cursor().unwrap()), ("limit", "3")]).await;
        assert_eq!(next.each("id"), all.each("id")[2..5]);
        assert_eq!(next.json["pagination"]["limit"], 3);
        let last = server.list(&[("cursor", next.next_cursor().unwrap())]).await;
        assert_eq!(last.each("id"), all.each("id")[5..8]);
    }

    async fn the_same_filters_beside_a_cursor_are_fine(server) {
        some_leads(&server, 6).await;
        let query = [("status", "new"), ("search", "budi"), ("limit", "2")];
        let first = server.list(&query).await;
        let cursor = ("cursor", first.next_cursor().unwrap());
        let alone = server.list(&[cursor]).await;
        for beside in [&query[..], &query[..1], &[("sortBy", "createdAt"), ("sortOrder", "desc")]] {
            let same = server.list(&[beside, &[cursor]].concat()).await;
            assert_eq!(same.rows(), alone.rows());
        }
    }

    async fn other_filters_beside_a_cursor_are_refused(server) {
        some_leads(&server, 6).await;
        let first = server.list(&[("status", "new"), ("limit", "2")]).await;
        let cursor = ("cursor", first.next_cursor().unwrap());
        for other in [
            ("status", "won"),
            ("source", "ads"),
            ("search", "budi"),
            ("sortOrder", "asc"),
            ("sortBy", "updatedAt"),
            ("createdFrom", "2025-01-15"),
        ] {
            let answer = server.list(&[cursor, other]).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["cursor"]), "{other:?}");
        }
        let answer = server.list(&[cursor, ("status", "win")]).await;
        assert!(answer.bad_fields().contains(&"status"), "{}", answer.text);
    }

    async fn a_cursor_that_was_not_made_here_is_refused(server) {
        some_leads(&server, 4).await;
        let first = server.get("/leads?limit=2").await;
        let good = first.next_cursor().unwrap();
        let mut changed = good.to_owned();
        changed.replace_range(20..21, if &good[20..21] == "A" { "B" } else { "A" });
        let long = "A".repeat(4096);
        for bad in [
            changed.as_str(),
            &good[1..],
            &good[..good.len() - 4],
            "x",
            "1",
            "null",
            "%00",
            "éé",
            long.as_str(),
            "eyJhZnRlciI6WzAsIiJdfQ",
        ] {
            let answer = server.list(&[("cursor", bad)]).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["cursor"]), "{bad}");
        }
        let answer = server.list(&[("cursor", "x"), ("status", "win"), ("q", "1")]).await;
        assert_eq!(answer.bad_fields(), ["cursor", "q", "status"]);
        assert_eq!(server.list(&[("cursor", &"A".repeat(4097))]).await.bad_fields(), ["cursor"]);
    }

    async fn a_cursor_of_another_workspace_is_refused_like_a_forged_one(server) {
        some_leads(&server, 4).await;
        let first = server.get("/leads?limit=2").await;
        let other = server.another_workspace(&Options::default()).await;
        let key = server.key_with(&other, &["agent.leads.read"], |_| ()).await;
        let foreign = format!("/leads?cursor={}", first.next_cursor().unwrap());
        let foreign = server.send("GET", &foreign, Some(&key), None).await;
        let forged = server.send("GET", "/leads?cursor=forged", Some(&key), None).await;
        assert_eq!((foreign.status, &foreign.text), (400, &forged.text));
    }

    async fn a_cursor_of_another_operation_is_refused(server) {
        some_leads(&server, 4).await;
        server.database.execute("update lead set conversion_sync_status = 'failed'").await;
        let leads = server.get("/leads?limit=2").await;
        let pending = server.get("/conversions/pending?limit=2").await;
        let (leads, pending) = (leads.next_cursor().unwrap(), pending.next_cursor().unwrap());
        assert_eq!(server.list(&[("cursor", pending)]).await.bad_fields(), ["cursor"]);
        assert_eq!(server.get_with("/conversions/pending", &[("cursor", leads)]).await.bad_fields(), ["cursor"]);
    }

    async fn a_cursor_shows_nothing_of_what_it_carries(server) {
        some_leads(&server, 4).await;
        let first = server.get("/leads?limit=2&search=budi").await;
        assert!(!first.next_cursor().unwrap().contains("YnVka"), "base64 of budi");
    }

    async fn the_longest_search_fits_into_a_cursor(server) {
        let longest = format!("budi {}", "\u{1}".repeat(195));
        some_leads(&server, 2).await;
        assert_eq!(server.list(&[("search", &longest)]).await.status, 200);
        let code = "\u{10ffff}".repeat(100);
        let query = [
            ("search", code.as_str()),
            ("limit", "1"),
            ("status", "new"),
            ("createdFrom", "2025-01-15T00:00:00.000000000+00:00"),
        ];
        for end in ["a", "b"] {
            server.lead(json!({"firstName": "Long", "externalRef": format!("{code}{end}")})).await;
        }
        assert_eq!(walk(&server, server.list(&query).await).await.len(), 2);
    }
}
