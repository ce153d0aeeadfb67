//! `createdFrom` and `createdTo`.

use konektor_tests::{Options, Server, both_engines};
use serde_json::json;

/// Creates leads at these times, each named by its time.
async fn leads_of(server: &Server, moments: &[&str]) {
    for moment in moments {
        let lead = server.lead(json!({"firstName": moment})).await;
        let millis = moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let sql = format!(
            "update lead set created_at = {millis} where id = '{}'",
            lead["id"].as_str().unwrap()
        );
        server.database.execute(&sql).await;
    }
}

/// Returns the leads in a range, oldest first.
async fn between(server: &Server, from: &str, to: &str) -> Vec<String> {
    let mut query = vec![("sortOrder", "asc")];
    query.extend(
        [("createdFrom", from), ("createdTo", to)]
            .into_iter()
            .filter(|(_, bound)| !bound.is_empty()),
    );
    let answer = server.list(&query).await;
    answer
        .each("firstName")
        .into_iter()
        .map(str::to_owned)
        .collect()
}

both_engines! {
    async fn an_unescaped_plus_in_a_query_is_one(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        // The clock is at 10:30:00Z.
        for (query, found) in [
            ("createdFrom=2025-01-15T17:30:00+07:00", 1),
            ("createdFrom=2025-01-15T17:30:01+07:00", 0),
            ("createdTo=2025-01-15T17:30:00%2B07:00", 1),
            ("createdTo=2025-01-15T17:29:59 07:00", 0),
        ] {
            let answer = server.get(&format!("/leads?{query}")).await;
            assert_eq!((answer.status, answer.total()), (200, found), "{query}: {}", answer.text);
        }
        let summary = server.get("/analytics/summary?from=2025-01-15T17:30:00+07:00").await;
        assert_eq!(summary.data()["totalLeads"], 1, "{}", summary.text);
    }

    async fn a_date_is_the_whole_local_day(server) {
        let day = ["2025-01-14T17:00:00.000Z", "2025-01-15T16:59:59.999Z"];
        leads_of(&server, &["2025-01-14T16:59:59.999Z", day[0], day[1], "2025-01-15T17:00:00.000Z"]).await;
        assert_eq!(between(&server, "2025-01-15", "2025-01-15").await, day);
        assert_eq!(between(&server, "2025-01-15", "").await.len(), 3);
        assert_eq!(between(&server, "", "2025-01-15").await.len(), 3);
    }

    async fn a_time_is_its_millisecond_inclusive_at_both_ends(server) {
        let moments = ["2025-01-15T10:29:59.999Z", "2025-01-15T10:30:00.000Z", "2025-01-15T10:30:00.001Z"];
        leads_of(&server, &moments).await;
        assert_eq!(between(&server, moments[1], moments[1]).await, [moments[1]]);
        assert_eq!(between(&server, moments[1], "").await, moments[1..]);
        assert_eq!(between(&server, "", moments[1]).await, moments[..2]);
    }

    async fn an_offset_is_taken_into_account(server) {
        leads_of(&server, &["2025-01-15T10:30:00.000Z"]).await;
        for same in [
            "2025-01-15T17:30:00+07:00", "2025-01-15T10:30:00z", "2025-01-15t10:30:00Z",
            "2025-01-15T00:30:00-10:00",
        ] {
            assert_eq!(between(&server, same, same).await.len(), 1, "{same}");
        }
    }

    async fn digits_past_the_millisecond_are_cut(server) {
        leads_of(&server, &["2025-01-15T10:30:00.123Z"]).await;
        for same in
            ["2025-01-15T10:30:00.1239Z", "2025-01-15T10:30:00.123000001Z", "2025-01-15T10:30:00.123999999999999Z"]
        {
            assert_eq!(between(&server, same, same).await.len(), 1, "{same}");
        }
        assert_eq!(between(&server, "2025-01-15T10:30:00.124Z", "").await.len(), 0);
    }

    async fn what_is_neither_time_nor_date_is_refused(server) {
        for bad in [
            "2025-01-15T10:30:00", "2025-01-15 10:30", "15/01/2025", "2025-13-01", "2025-02-29", "now",
            "1736937000", "2025-01-15T25:00:00Z", "2025-01-15T10:30:00 7:00", "2025", "2025-01", "20250115",
            "+002025-01-15", "",
        ] {
            let answer = server.list(&[("createdFrom", bad), ("createdTo", bad)]).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["createdFrom", "createdTo"]), "{bad}");
        }
        let answer = server.list(&[("createdFrom", "2025-01-15T10:30:00")]).await;
        assert!(answer.complaint("createdFrom").contains("needs Z or an offset"), "{}", answer.text);
    }

    async fn a_range_that_ends_before_it_begins_is_refused(server) {
        let answer = server.list(&[("createdFrom", "2025-01-16"), ("createdTo", "2025-01-15")]).await;
        assert_eq!((answer.status, answer.bad_fields()), (400, vec!["createdFrom"]));
        let answer = server
            .list(&[("createdFrom", "2025-01-15T10:30:00.001Z"), ("createdTo", "2025-01-15T10:30:00Z")])
            .await;
        assert_eq!(answer.bad_fields(), ["createdFrom"]);
    }

    async fn the_ends_of_time_are_no_trouble(server) {
        leads_of(&server, &["2025-01-15T10:30:00.000Z"]).await;
        assert_eq!(between(&server, "0001-01-01", "9999-12-31").await.len(), 1);
        assert_eq!(between(&server, "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59").await.len(), 1);
    }

    async fn a_leap_second_is_a_time(server) {
        leads_of(&server, &["2016-12-31T23:59:59.000Z", "2017-01-01T00:00:00.000Z"]).await;
        assert_eq!(server.list(&[("createdFrom", "2016-12-31T23:59:60Z")]).await.status, 200);
    }
}

both_engines! {
    options: Options { timezone: "America/New_York".into(), ..Options::default() };

    // Daylight saving time starts on 9 March 2025 (02:00 to 03:00) and ends on 2 November (02:00 to 01:00).
    async fn a_day_has_the_hours_its_time_zone_gives_it(server) {
        let short = ["2025-03-09T05:00:00.000Z", "2025-03-10T03:59:59.999Z"];
        let long = ["2025-11-02T04:00:00.000Z", "2025-11-03T04:59:59.999Z"];
        leads_of(&server, &["2025-03-09T04:59:59.999Z", short[0], short[1], "2025-03-10T04:00:00.000Z"]).await;
        leads_of(&server, &["2025-11-02T03:59:59.999Z", long[0], long[1], "2025-11-03T05:00:00.000Z"]).await;
        assert_eq!(between(&server, "2025-03-09", "2025-03-09").await, short);
        assert_eq!(between(&server, "2025-11-02", "2025-11-02").await, long);
    }
}
