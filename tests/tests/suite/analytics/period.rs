//! `timeframe`, `from` and `to`, which all analytics operations share.

use konektor_tests::{Options, Server, both_engines};
use serde_json::{Value, json};

/// Creates a lead at each of these times.
async fn leads_of(server: &Server, moments: &[&str]) {
    for moment in moments {
        let lead = server.lead(json!({"firstName": "Budi"})).await;
        let millis = moment.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let sql = format!(
            "update lead set created_at = {millis} where id = '{}'",
            lead["id"].as_str().unwrap()
        );
        server.database.execute(&sql).await;
    }
}

/// Returns the number of leads, the start, the end and the name of a period, and checks that all operations agree on
/// it.
async fn summary(server: &Server, query: &str) -> (u64, Value, Value, String) {
    let answer = server.get(&format!("/analytics/summary?{query}")).await;
    let data = answer.data();
    let total = data["totalLeads"].as_u64().unwrap();
    let sum = |rows: Vec<&Value>| {
        rows.into_iter()
            .map(|count| count.as_u64().unwrap())
            .sum::<u64>()
    };
    let funnel = server.get(&format!("/analytics/funnel?{query}")).await;
    assert_eq!(
        sum(funnel.rows().iter().map(|row| &row["count"]).collect()),
        total
    );
    let campaigns = server.get(&format!("/analytics/campaigns?{query}")).await;
    assert_eq!(
        sum(campaigns.rows().iter().map(|row| &row["leads"]).collect()),
        total
    );
    let states = server.get(&format!("/conversions/status?{query}")).await;
    assert_eq!(
        sum(states.data().as_object().unwrap().values().collect()),
        total
    );
    (
        total,
        data["period"]["from"].clone(),
        data["period"]["to"].clone(),
        data["timeframe"].as_str().unwrap().to_owned(),
    )
}

/// Checks that a preset spans exactly from the start of one day to the end of another.
async fn must_hold(server: &Server, timeframe: &str, from: &str, to: &str) {
    let (before, after) = (earlier(from), later(to));
    leads_of(server, &[&before, from, to, &after]).await;
    let (total, start, end, name) = summary(server, &format!("timeframe={timeframe}")).await;
    assert_eq!(
        (start, end, name.as_str()),
        (json!(from), json!(to), timeframe)
    );
    assert_eq!(total, 2, "{timeframe}");
}

fn earlier(moment: &str) -> String {
    moved(moment, -1)
}

fn later(moment: &str) -> String {
    moved(moment, 1)
}

fn moved(moment: &str, millis: i64) -> String {
    let moment: jiff::Timestamp = moment.parse().unwrap();
    (moment + jiff::SignedDuration::from_millis(millis)).to_string()
}

/// Starts a server with a workspace in New York, at the given time.
fn in_new_york(now: &str) -> Options {
    Options {
        timezone: "America/New_York".into(),
        now: now.parse().unwrap(),
        ..Options::default()
    }
}

// In Jakarta it is Wednesday, 15 January 2025, 17:30; midnight there is 17:00Z.
both_engines! {
    async fn today_is_the_local_day(server) {
        must_hold(&server, "today", "2025-01-14T17:00:00.000Z", "2025-01-15T16:59:59.999Z").await;
    }

    async fn the_last_seven_days_are_today_and_the_six_before(server) {
        must_hold(&server, "last_7_days", "2025-01-08T17:00:00.000Z", "2025-01-15T16:59:59.999Z").await;
    }

    async fn the_last_thirty_days_are_today_and_the_twenty_nine_before(server) {
        must_hold(&server, "last_30_days", "2024-12-16T17:00:00.000Z", "2025-01-15T16:59:59.999Z").await;
    }

    async fn the_week_begins_on_monday(server) {
        must_hold(&server, "current_week", "2025-01-12T17:00:00.000Z", "2025-01-15T16:59:59.999Z").await;
    }

    async fn the_month_begins_on_its_first(server) {
        must_hold(&server, "current_month", "2024-12-31T17:00:00.000Z", "2025-01-15T16:59:59.999Z").await;
    }

    async fn all_time_has_no_start_and_ends_now(server) {
        leads_of(&server, &["1970-01-01T00:00:00Z", "2025-01-15T10:30:00Z", "2025-01-15T10:30:00.001Z"]).await;
        assert_eq!(
            summary(&server, "timeframe=all_time").await,
            (2, Value::Null, json!("2025-01-15T10:30:00.000Z"), "all_time".into())
        );
    }

    async fn thirty_days_are_the_default(server) {
        assert_eq!(summary(&server, "").await, summary(&server, "timeframe=last_30_days").await);
    }

    async fn from_and_to_override_the_timeframe(server) {
        leads_of(&server, &["2025-01-01T10:00:00Z", "2025-01-10T10:00:00Z"]).await;
        let expected =
            (1, json!("2024-12-31T17:00:00.000Z"), json!("2025-01-05T16:59:59.999Z"), "custom".to_owned());
        assert_eq!(summary(&server, "from=2025-01-01&to=2025-01-05&timeframe=today").await, expected);
        assert_eq!(
            summary(&server, "from=2025-01-01T00:00:00%2B07:00&to=2025-01-05T16:59:59.999Z").await,
            expected
        );
    }

    async fn from_alone_goes_up_to_now(server) {
        leads_of(
            &server,
            &[
                "2025-01-10T16:59:59.999Z", "2025-01-10T17:00:00Z", "2025-01-15T10:30:00Z",
                "2025-01-15T10:30:00.001Z",
            ],
        )
        .await;
        assert_eq!(
            summary(&server, "from=2025-01-11").await,
            (2, json!("2025-01-10T17:00:00.000Z"), json!("2025-01-15T10:30:00.000Z"), "custom".into())
        );
    }

    async fn to_alone_goes_from_the_earliest_lead(server) {
        leads_of(&server, &["1970-01-01T00:00:00Z", "2025-01-10T16:59:59.999Z", "2025-01-10T17:00:00Z"]).await;
        assert_eq!(
            summary(&server, "to=2025-01-10").await,
            (2, Value::Null, json!("2025-01-10T16:59:59.999Z"), "custom".into())
        );
    }

    async fn both_ends_are_inclusive_to_the_millisecond(server) {
        leads_of(&server, &["2025-01-15T09:59:59.999Z", "2025-01-15T10:00:00Z", "2025-01-15T10:00:00.001Z"]).await;
        let one = "from=2025-01-15T10:00:00.0009Z&to=2025-01-15T10:00:00.000999Z";
        assert_eq!(summary(&server, one).await.0, 1);
    }

    async fn a_period_that_ends_before_it_begins_is_refused(server) {
        for path in ["/analytics/summary", "/analytics/funnel", "/analytics/campaigns", "/conversions/status"] {
            for query in [
                "from=2025-01-02&to=2025-01-01",
                "from=2025-01-16",
                "from=2025-01-15T10:30:00.001Z",
                "from=2025-01-01T00:00:00.001Z&to=2025-01-01T00:00:00Z",
            ] {
                let answer = server.get(&format!("{path}?{query}")).await;
                assert_eq!((answer.status, answer.bad_fields()), (400, vec!["from"]), "{path}?{query}");
            }
        }
    }

    async fn every_bad_parameter_is_named_at_once(server) {
        for path in ["/analytics/summary", "/analytics/funnel", "/analytics/campaigns", "/conversions/status"] {
            let answer =
                server.get(&format!("{path}?from=soon&to=2025-01-15T10:00:00&timeframe=last_year&x=1")).await;
            assert_eq!((answer.status, answer.bad_fields()), (400, vec!["from", "timeframe", "to", "x"]), "{path}");
            assert!(answer.complaint("to").contains("needs Z or an offset"));
            assert!(answer.complaint("timeframe").contains("current_week"));
        }
    }

    async fn a_wrong_timeframe_is_refused_even_beside_from(server) {
        for timeframe in ["last_90_days", "Today", "custom", ""] {
            let answer = server.get(&format!("/analytics/summary?from=2025-01-01&timeframe={timeframe}")).await;
            assert_eq!(answer.bad_fields(), ["timeframe"], "{timeframe}");
        }
    }

    async fn a_day_begins_anew_at_local_midnight(server) {
        server.lead(json!({"firstName": "Budi"})).await;
        // 23:59:59.999 in Jakarta, then midnight.
        server.clock.advance(std::time::Duration::from_millis(6 * 3_600_000 + 29 * 60_000 + 59_999));
        assert_eq!(summary(&server, "timeframe=today").await.0, 1);
        server.clock.advance(std::time::Duration::from_millis(1));
        let (total, from, ..) = summary(&server, "timeframe=today").await;
        assert_eq!((total, from), (0, json!("2025-01-15T17:00:00.000Z")));
    }
}

// Clocks went from 02:00 to 03:00 on Sunday, 9 March 2025; it is Monday, 10 March, 00:30.
both_engines! {
    options: in_new_york("2025-03-10T04:30:00Z");

    async fn a_week_may_begin_today(server) {
        must_hold(&server, "current_week", "2025-03-10T04:00:00.000Z", "2025-03-11T03:59:59.999Z").await;
    }

    async fn days_before_the_clocks_went_forward_began_at_their_own_midnight(server) {
        must_hold(&server, "last_7_days", "2025-03-04T05:00:00.000Z", "2025-03-11T03:59:59.999Z").await;
    }

    async fn a_month_spans_the_change(server) {
        must_hold(&server, "current_month", "2025-03-01T05:00:00.000Z", "2025-03-11T03:59:59.999Z").await;
    }

    async fn the_day_of_the_change_has_twenty_three_hours(server) {
        leads_of(
            &server,
            &[
                "2025-03-09T04:59:59.999Z", "2025-03-09T05:00:00Z", "2025-03-10T03:59:59.999Z",
                "2025-03-10T04:00:00Z",
            ],
        )
        .await;
        assert_eq!(summary(&server, "from=2025-03-09&to=2025-03-09").await.0, 2);
    }
}

// Clocks go back from 02:00 to 01:00 on Sunday, 2 November 2025; it is that day, the second 01:30.
both_engines! {
    options: in_new_york("2025-11-02T06:30:00Z");

    async fn today_may_have_twenty_five_hours(server) {
        must_hold(&server, "today", "2025-11-02T04:00:00.000Z", "2025-11-03T04:59:59.999Z").await;
    }

    async fn a_sunday_ends_its_week(server) {
        must_hold(&server, "current_week", "2025-10-27T04:00:00.000Z", "2025-11-03T04:59:59.999Z").await;
    }
}
