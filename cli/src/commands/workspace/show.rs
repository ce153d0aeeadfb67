use konektor_sdk::{LeadsPerDay, Workspace};

use crate::{
    base::LocalClock,
    commands::{ApiCommand, as_documented},
    error::Failure,
    render::{Answer, DetailView, View, count},
    session::Call,
};

pub(crate) static COMMAND: ApiCommand = ApiCommand {
    examples: "  konektor workspace show
  konektor workspace show -o json",
    shape: as_documented,
    run: |call| Box::pin(run(call)),
};

async fn run<'a>(call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
    let (workspace, _) = call
        .send(call.client.workspace().show().send_with_meta())
        .await?;
    call.cache_workspace(&workspace);

    Answer::new(&workspace, View::Detail(record(&workspace, &call.clock())))
}

fn record(workspace: &Workspace, clock: &LocalClock) -> DetailView {
    let clock = clock.in_zone(Some(&workspace.timezone));
    let (subscription, usage) = (&workspace.subscription, &workspace.usage);
    DetailView::default()
        .with("name", &workspace.display_name)
        .with("plan", subscription.plan.as_str())
        .with(
            "subscription",
            format!("{}, {}", subscription.status, subscription.interval),
        )
        .maybe(
            "current period end",
            subscription.current_period_end.map(|end| clock.at(end)),
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
