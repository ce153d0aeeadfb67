use konektor_sdk::{LeadsPerDay, Workspace};

use crate::{
    call::Call,
    error::Failure,
    output::{Answer, Record, View, When, count},
    verb::{Verb, as_documented},
};

pub(crate) static VERB: Verb = Verb {
    examples: "  konektor workspace show
  konektor workspace show -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let (workspace, _) = call
        .send(call.client.workspace().show().send_with_meta())
        .await?;
    call.remember(&workspace);

    Answer::new(&workspace, View::Record(record(&workspace, &call.when())))
}

fn record(workspace: &Workspace, when: &When) -> Record {
    let when = when.in_zone(Some(&workspace.timezone));
    let (subscription, usage) = (&workspace.subscription, &workspace.usage);
    Record::default()
        .with("name", &workspace.display_name)
        .with("plan", subscription.plan.as_str())
        .with(
            "subscription",
            format!("{}, {}", subscription.status, subscription.interval),
        )
        .maybe(
            "current period end",
            subscription.current_period_end.map(|end| when.at(end)),
        )
        .with("leads today", leads_today(&usage.leads_per_day))
        .with("team members", count(usage.team_members))
        .with("active rotators", count(usage.active_rotators))
        .with("time zone", &workspace.timezone)
        .with("currency", &workspace.currency)
        .with("language", &workspace.language)
        .with("date format", &workspace.date_format)
        .with("tracking code", &workspace.tracking_code)
        .extra(&workspace.extra)
}

fn leads_today(leads: &LeadsPerDay) -> String {
    match leads.limit {
        Some(limit) => format!("{} of {}", count(leads.current), count(limit)),
        None => format!("{} (no limit)", count(leads.current)),
    }
}
