use konektor_sdk::{AnalyticsSummary, Workspace, analytics::Summary};

use crate::{
    call::Call,
    error::Failure,
    flags::Given as _,
    output::{Answer, Currency, Record, View, When, count},
    verb::{Verb, as_documented},
};

pub(crate) const VERB: Verb = Verb {
    operation: "analytics_summary",
    examples: "  konektor analytics summary --timeframe current_week
  konektor analytics summary --from 2025-01-01 --to 2025-01-31 -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run(call: &Call<'_>) -> Result<Answer, Failure> {
    let flags = &call.flags;
    let request = call
        .client
        .analytics()
        .summary()
        .given(flags.get("timeframe")?, Summary::timeframe)
        .given(flags.get::<String>("from")?, Summary::from)
        .given(flags.get::<String>("to")?, Summary::to)
        .send();
    let (summary, workspace) = call.beside_workspace(request).await?;

    let view = View::Record(record(&summary, workspace.as_ref(), &call.when));
    Answer::new(&*summary, view)
}

fn record(summary: &AnalyticsSummary, workspace: Option<&Workspace>, when: &When) -> Record {
    let currency = Currency::new(workspace.map(|workspace| workspace.currency.as_str()));
    let when = when.in_zone(workspace.map(|workspace| workspace.timezone.as_str()));
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
