use clap::Args;
use konektor_sdk::{LeadsPerDay, Workspace};

use crate::{
    args::{OperationArgs as _, WorkspaceShowArgs},
    commands::ApiCommand,
    error::Failure,
    render::{Answer, DetailLine, DetailView, DisplayContext, View, count},
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

        Answer::new(&workspace, View::Detail(view(&workspace, call)?))
    }
}

/// The workspace, with times in its own time zone.
fn view(workspace: &Workspace, call: &Call<'_>) -> Result<DetailView, Failure> {
    let display = DisplayContext {
        clock: call.workspace_clock(),
        ..call.display()
    };
    let subscription = &workspace.subscription;
    let lines = [
        DetailLine::new("name", &["displayName"]),
        DetailLine::new("time zone", &["timezone"]),
        DetailLine::new(
            "subscription",
            &["subscription.status", "subscription.interval"],
        )
        .with_text(format!(
            "{}, {}",
            subscription.status, subscription.interval
        )),
        DetailLine::new(
            "leads today",
            &["usage.leadsPerDay.limit", "usage.leadsPerDay.current"],
        )
        .with_text(leads_today(&workspace.usage.leads_per_day)),
    ];
    DetailView::from_fields(workspace, WorkspaceShowArgs::FIELDS, &[], &lines, &display)
}

fn leads_today(leads: &LeadsPerDay) -> String {
    match leads.limit {
        Some(limit) => format!("{} of {}", count(leads.current), count(limit)),
        None => format!("{} (no limit)", count(leads.current)),
    }
}
