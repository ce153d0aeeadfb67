use std::time::Duration;

use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _};
use konektor_sdk::{
    AnalyticsSummary,
    jiff::{Timestamp, civil::Date},
};
use serde_json::{Map, Value, json};

use crate::{
    args::{AnalyticsSummaryArgs, OperationArgs as _, Watch},
    base::LocalClock,
    commands::ApiCommand,
    error::Failure,
    render::{Answer, DetailLine, DetailView, View, count, sparkline},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Summary {
    #[command(flatten)]
    args: AnalyticsSummaryArgs,
    #[command(flatten)]
    watch: Watch,
    #[arg(long, help = by_day_help())]
    by_day: bool,
}

impl ApiCommand for Summary {
    type Operation = AnalyticsSummaryArgs;

    const EXAMPLES: &'static str = "  konektor analytics summary --timeframe current_week
  konektor analytics summary --from 2025-01-01 --to 2025-01-31 -o json
  konektor analytics summary --since 14d --by-day
  konektor analytics summary --timeframe today --watch 60";

    fn operation(&self) -> &AnalyticsSummaryArgs {
        &self.args
    }

    fn pause(&self) -> Option<Duration> {
        self.watch.pause()
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client, &call.args_clock());
        let (summary, _) = call.send_with_workspace(request.send_with_meta()).await?;
        if !self.by_day {
            return Answer::new(&summary, View::Detail(view(&summary, call)?));
        }

        let summary = so_far(summary, call).await?;
        let days = days(&summary, call).await?;
        let view = view(&summary, call)?.with("leads by day", picture(&days));
        let mut json = serde_json::to_value(&summary)?;
        json["days"] = days.iter().map(day).collect::<Result<_, _>>()?;
        Ok(Answer::new(&json, View::Detail(view))?.with_rows_at("days"))
    }
}

/// The longest period, because each day is a request.
const MOST_DAYS: usize = 31;

/// The number of concurrent requests.
const AT_ONCE: usize = 4;

fn by_day_help() -> String {
    format!("Add a daily breakdown (one request a day, up to {MOST_DAYS} days)")
}

/// Cuts the period at the current time. A preset ends at midnight, and leads that arrive between two requests would be
/// counted by only one of them.
async fn so_far(summary: AnalyticsSummary, call: &Call<'_>) -> Result<AnalyticsSummary, Failure> {
    // The API's times have milliseconds.
    let now = (call.environment.now)().as_millisecond();
    let now = Timestamp::from_millisecond(now).unwrap_or(summary.period.to);
    let Some(from) = summary.period.from.filter(|from| *from <= now) else {
        return Ok(summary);
    };
    if summary.period.to <= now {
        return Ok(summary);
    }
    let request = call.client.analytics().summary().from(from).to(now);
    let (mut up_to_now, _) = call.send(request.send_with_meta()).await?;
    up_to_now.timeframe = summary.timeframe;
    Ok(up_to_now)
}

/// Reads a summary for every day of the period up to now. The first and last day are cut to the period, so that the
/// days add up to the whole.
async fn days(
    summary: &AnalyticsSummary,
    call: &Call<'_>,
) -> Result<Vec<(Date, AnalyticsSummary)>, Failure> {
    call.load_workspace().await;
    let (from, to) = (summary.period.from, summary.period.to);
    let from = from.ok_or_else(|| too_many("has no start"))?;
    let days = parts(from, to, &call.workspace_clock());
    if days.len() > MOST_DAYS {
        return Err(too_many("is longer"));
    }
    let knows_zone = call.knows_zone();
    futures::stream::iter(days)
        .map(async |day| {
            let request = call.client.analytics().summary();
            // The server reads a date in the workspace's time zone.
            let request = if day.is_whole && knows_zone {
                request.from(day.date).to(day.date)
            } else {
                request.from(day.from).to(day.to)
            };
            let (summary, _) = call.send(request.send_with_meta()).await?;
            Ok((day.date, summary))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// The part of a day that belongs to a period. `to` is its last millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    date: Date,
    from: Timestamp,
    to: Timestamp,
    is_whole: bool,
}

/// Returns the days of a period up to today, at most one more than allowed. The last one extends to the end of the
/// period, because the clocks may differ.
fn parts(from: Timestamp, to: Timestamp, clock: &LocalClock) -> Vec<Part> {
    let first = clock.date(from);
    let last = clock.date(to).min(clock.local_now().date()).max(first);
    std::iter::successors(Some(first), |date| date.tomorrow().ok())
        .take_while(|date| *date <= last)
        .take(MOST_DAYS + 1)
        .map(|date| {
            let (start, end) = clock.day(date);
            let part = Part {
                date,
                from: if date == first { from } else { start },
                to: if date == last { to } else { end },
                is_whole: false,
            };
            Part {
                is_whole: (part.from, part.to) == (start, end),
                ..part
            }
        })
        .filter(|part| part.from <= part.to)
        .collect()
}

fn too_many(why: &str) -> Failure {
    Failure::usage(format!(
        "--by-day covers at most {MOST_DAYS} days; this period {why}"
    ))
    .hint("shorten it, for example with: --since 30d")
}

fn day((date, summary): &(Date, AnalyticsSummary)) -> Result<Value, Failure> {
    let mut day = Map::new();
    day.insert("date".to_owned(), json!(date.to_string()));
    if let Value::Object(fields) = serde_json::to_value(summary)? {
        day.extend(fields);
    }
    for same_everywhere in ["timeframe", "period"] {
        day.shift_remove(same_everywhere);
    }
    Ok(Value::Object(day))
}

/// `▁▃█  0 to 12 a day, most on 2025-01-15`
fn picture(days: &[(Date, AnalyticsSummary)]) -> String {
    let leads: Vec<_> = days.iter().map(|(_, day)| day.total_leads).collect();
    let line = sparkline(&leads);
    let most = days.iter().rev().max_by_key(|(_, day)| day.total_leads);
    match (most, leads.iter().min()) {
        (Some((date, most)), Some(least)) => format!(
            "{line}  {} to {} a day, most on {date}",
            count(*least),
            count(most.total_leads)
        ),
        _ => line,
    }
}

fn view(summary: &AnalyticsSummary, call: &Call<'_>) -> Result<DetailView, Failure> {
    let lines = [
        DetailLine::new("period", &["period.from", "period.to"]).with_text(period(summary, call))
    ];
    let fields = AnalyticsSummaryArgs::FIELDS;
    DetailView::from_fields(summary, fields, &[], &lines, &call.display())
}

/// `2025-01-01 00:00 WIB to 2025-01-31 23:59 WIB`
fn period(summary: &AnalyticsSummary, call: &Call<'_>) -> String {
    let clock = call.workspace_clock();
    let to = clock.at(summary.period.to);
    match summary.period.from {
        Some(from) => format!("{} to {to}", clock.at(from)),
        None => format!("up to {to}"),
    }
}

#[cfg(test)]
mod tests {
    use konektor_sdk::jiff::{SignedDuration, tz::TimeZone};

    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    fn clock(now: &str, zone: &str) -> LocalClock {
        LocalClock::new(at(now), TimeZone::get(zone).unwrap())
    }

    #[test]
    fn whole_days_are_dates_and_the_ends_are_cut() {
        let clock = clock("2025-01-15T10:33:00Z", "Asia/Jakarta");
        let days = parts(
            at("2025-01-13T10:33:00Z"),
            at("2025-01-15T10:33:00Z"),
            &clock,
        );
        let told: Vec<_> = days
            .iter()
            .map(|day| format!("{} {} {} {}", day.date, day.from, day.to, day.is_whole))
            .collect();
        assert_eq!(
            told,
            [
                "2025-01-13 2025-01-13T10:33:00Z 2025-01-13T16:59:59.999Z false",
                "2025-01-14 2025-01-13T17:00:00Z 2025-01-14T16:59:59.999Z true",
                "2025-01-15 2025-01-14T17:00:00Z 2025-01-15T10:33:00Z false",
            ]
        );
    }

    /// Whatever the zone, every millisecond of a period is in one day of it and no other.
    #[test]
    fn days_leave_nothing_out_and_have_nothing_twice() {
        for zone in [
            "UTC",
            "Asia/Jakarta",
            "Asia/Kathmandu",
            "America/New_York",
            "America/Sao_Paulo",
            "Africa/Cairo",
            "Australia/Lord_Howe",
            "Pacific/Apia",
            "Pacific/Kiritimati",
        ] {
            for (from, to) in [
                ("2025-03-01T00:00:00Z", "2025-03-31T12:34:56.789Z"),
                ("2025-10-20T05:59:59.999Z", "2025-11-09T04:00:00Z"),
                ("2018-10-25T03:00:00Z", "2018-11-12T01:59:59.999Z"),
                ("2011-12-20T00:00:00Z", "2012-01-10T00:00:00Z"),
                ("2025-01-15T17:00:00Z", "2025-01-15T17:00:00Z"),
                ("2025-04-20T22:00:00Z", "2025-05-05T20:59:59.999Z"),
            ] {
                // A clock that is right, one that is behind, and one that is ahead.
                for now in [to, "2011-01-01T00:00:00Z", "2030-01-01T00:00:00Z"] {
                    let days = parts(at(from), at(to), &clock(now, zone));
                    let what = format!("{zone} {from} {to} {now}: {days:?}");
                    assert_eq!(days[0].from, at(from), "{what}");
                    assert_eq!(days[days.len() - 1].to, at(to), "{what}");
                    for pair in days.windows(2) {
                        let gap = pair[1].from.duration_since(pair[0].to);
                        assert_eq!(gap, SignedDuration::from_millis(1), "{what}");
                        assert!(pair[0].date < pair[1].date, "{what}");
                    }
                }
            }
        }
    }
}
