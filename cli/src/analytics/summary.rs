use clap::{Arg, ArgAction, Command};
use futures::{StreamExt as _, TryStreamExt as _};
use konektor_sdk::{AnalyticsSummary, analytics::Summary, jiff::civil::Date};
use konektor_spec::Operation;
use serde_json::{Map, Value, json};

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Record, View, count, sparkline},
    verb::Verb,
    watch,
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor analytics summary --timeframe current_week
  konektor analytics summary --from 2025-01-01 --to 2025-01-31 -o json
  konektor analytics summary --since 14d --by-day
  konektor analytics summary --timeframe today --watch 60",
    shape,
    run: |call| Box::pin(run(call)),
};

const BY_DAY: &str = "by-day";

/// Each day is a request.
const MOST_DAYS: usize = 31;

/// How many of them are under way at once.
const AT_ONCE: usize = 4;

fn shape(command: Command, operation: &Operation) -> Command {
    watch::shape(command, operation).arg(
        Arg::new(BY_DAY)
            .long(BY_DAY)
            .action(ArgAction::SetTrue)
            .help(format!(
                "Each day by itself too; that is one request a day, for at most {MOST_DAYS} days"
            )),
    )
}

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .analytics()
        .summary()
        .given(flags.get("timeframe")?, Summary::timeframe)
        .given(flags.get::<String>("from")?, Summary::from)
        .given(flags.get::<String>("to")?, Summary::to);
    let summary = call.beside_workspace(|| request.clone().send()).await?;
    if !flags.is_set(BY_DAY) {
        return Answer::new(&*summary, View::Record(record(&summary, call)));
    }

    let days = days(&summary, call).await?;
    let record = record(&summary, call).with("leads by day", picture(&days));
    let mut json = serde_json::to_value(&*summary)?;
    json["days"] = days.iter().map(day).collect::<Result<_, _>>()?;
    Ok(Answer::new(&json, View::Record(record))?.with_rows_at("days"))
}

/// The same of every day that the period has so far.
async fn days(
    summary: &AnalyticsSummary,
    call: &Call<'_>,
) -> Result<Vec<(Date, AnalyticsSummary)>, Failure> {
    call.know_workspace().await;
    let when = call.when_in_workspace();
    let last = when.date(summary.period.to).min(when.local_now().date());
    let first = summary
        .period
        .from
        .map(|from| when.date(from))
        .ok_or_else(|| too_many("has no beginning"))?;
    let dates: Vec<_> = std::iter::successors(Some(first), |date| date.tomorrow().ok())
        .take_while(|date| *date <= last)
        .take(MOST_DAYS + 1)
        .collect();
    if dates.len() > MOST_DAYS {
        return Err(too_many("has more"));
    }
    futures::stream::iter(dates)
        .map(async |date| {
            let request = call.client.analytics().summary().from(date).to(date);
            let summary = call.send(|| request.clone().send()).await?;
            Ok((date, summary.into_inner()))
        })
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

fn too_many(why: &str) -> Failure {
    Failure::usage(format!(
        "--{BY_DAY} asks for each of at most {MOST_DAYS} days, and this period {why}"
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

fn record(summary: &AnalyticsSummary, call: &Call<'_>) -> Record {
    let currency = call.reader().currency;
    let when = call.when_in_workspace();
    let from = summary.period.from.map(|from| when.at(from));
    let period = match from {
        Some(from) => format!("{from} to {}", when.at(summary.period.to)),
        None => format!("up to {}", when.at(summary.period.to)),
    };
    Record::default()
        .with("leads", count(summary.total_leads))
        .with("new", count(summary.new_leads))
        .with("contacted", count(summary.contacted_leads))
        .with("conversions", count(summary.total_conversions))
        .with(
            "conversion value",
            currency.amount(summary.total_conversion_value),
        )
        .with("timeframe", &summary.timeframe)
        .with("period", period)
        .extra(&summary.extra)
}
