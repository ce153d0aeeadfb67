use clap::Args;
use konektor_sdk::{LeadsPerDay, Workspace};

use crate::{
    args::WorkspaceShowArgs,
    base::LocalClock,
    commands::ApiCommand,
    error::Failure,
    render::{Answer, DetailView, View, count},
    session::Call,
};

#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    args: WorkspaceShowArgs,
}

impl ApiCommand for Show {
    type Operation = WorkspaceShowArgs;

    const EXAMPLES: &'static str = "  konektor workspace show
  konektor workspace show -o json";

    fn operation(&self) -> &WorkspaceShowArgs {
        &self.args
    }

    async fn run<'a>(&'a self, call: &'a Call<'a>) -> Result<Answer<'a>, Failure> {
        let request = self.args.clone().request(&call.client);
        let (workspace, _) = call.send(request.send_with_meta()).await?;
        call.cache_workspace(&workspace);

        Answer::new(&workspace, View::Detail(record(&workspace, &call.clock())))
    }
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
