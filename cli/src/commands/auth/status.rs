use konektor_spec::OperationId;
use serde_json::json;

use super::try_out;
use crate::{
    commands::{LocalCommand, described},
    config::{BASE_URL, OUTPUT},
    error::Failure,
    render::{Answer, DetailView, View},
    session::Context,
};

const ABOUT: &str = "Show which key is used, and whether the server takes it.";
const EXAMPLES: &str = "  konektor auth status
  konektor auth status --profile toko -o json";

pub(crate) static STATUS: LocalCommand = LocalCommand {
    path: &["auth", "status"],
    noun: "The API key of a profile.",
    needs: &[&BASE_URL, &OUTPUT],
    shape: |command| described(command, ABOUT, EXAMPLES),
    run: |context| Box::pin(run(context)),
};

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
