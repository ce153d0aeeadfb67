use konektor_spec::OperationId;
use serde_json::json;

use super::try_out;
use crate::{
    config::{BASE_URL, OUTPUT},
    desk::Desk,
    error::Failure,
    output::{Answer, Record, View},
    verb::{Local, described},
};

const ABOUT: &str = "Show which key is used, and whether the server takes it.";
const EXAMPLES: &str = "  konektor auth status
  konektor auth status --profile toko -o json";

pub(crate) static STATUS: Local = Local {
    path: &["auth", "status"],
    noun: "The API key of a profile.",
    needs: &[&BASE_URL, &OUTPUT],
    shape: |command, _| described(command, ABOUT, EXAMPLES),
    run: |desk| Box::pin(run(desk)),
};

async fn run<'a>(desk: &'a Desk<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &desk.settings;
    let call = desk.call(OperationId::WorkspaceShow).await?;
    let source = desk.key_source()?.map(|source| source.to_string());
    let workspace = try_out(&call).await?;

    let (profile, server) = (settings.profile.text.as_str(), settings.server());
    let name = workspace.as_ref().map(|workspace| &workspace.display_name);
    let plan = workspace
        .as_ref()
        .map(|workspace| workspace.subscription.plan.as_str());
    let record = Record::default()
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
        View::Record(record),
    )
}
