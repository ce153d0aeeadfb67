use clap::Args;
use konektor_spec::OperationId;
use serde_json::json;

use super::try_out;
use crate::{
    commands::LocalCommand,
    config::{BASE_URL, OUTPUT, Setting},
    error::Failure,
    render::{Answer, DetailView, View},
    session::Context,
};

#[derive(Args)]
pub(crate) struct Status {}

impl LocalCommand for Status {
    const PATH: &'static [&'static str] = &["auth", "status"];
    const ABOUT: &'static str = "Show the current API key and check it with the server";
    const EXAMPLES: &'static str = "  konektor auth status
  konektor auth status --profile toko -o json";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL, &OUTPUT];

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context).await
    }
}

async fn run<'a>(context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &context.settings;
    let call = context.call(OperationId::WorkspaceShow).await?;
    let source = context.key_source()?.map(|source| source.to_string());
    let workspace = try_out(&call).await?;

    let (profile, server) = (settings.profile.text.as_str(), settings.server());
    let name = workspace.as_ref().map(|workspace| &workspace.display_name);
    let plan = workspace
        .as_ref()
        .map(|workspace| workspace.subscription.plan.as_str());
    let record = DetailView::default()
        .with("profile", profile)
        .with("server", server)
        .maybe("key", source.as_deref())
        .maybe("workspace", name)
        .maybe("plan", plan);
    Answer::new(
        &json!({
            "profile": profile,
            "server": server,
            "keySource": source,
            "valid": true,
            "workspace": name,
            "plan": plan,
        }),
        View::Detail(record),
    )
}
