use clap::Args;
use serde_json::json;

use crate::{
    args::DryRun,
    commands::LocalCommand,
    config::{BASE_URL, KeySource, Setting},
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

#[derive(Args)]
pub(crate) struct Logout {
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Logout {
    const PATH: &'static [&'static str] = &["auth", "logout"];
    const ABOUT: &'static str = "Remove a saved API key";
    const EXAMPLES: &'static str = "  konektor auth logout
  konektor auth logout --profile toko";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL];

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self.dry_run.dry_run)
    }
}

fn run<'a>(context: &Context<'a>, is_dry_run: bool) -> Result<Answer<'a>, Failure> {
    let settings = &context.settings;
    let (profile, server) = (settings.require_profile()?.text.as_str(), settings.server());
    if is_dry_run {
        let kept = settings.stored_key()?.zip(settings.credentials()?);
        return dry_run::changes(kept.map(|((_, place), credentials)| {
            let what = format!("remove the key of profile {profile} for {server}");
            Change::new(credentials.where_is(place), what)
        }));
    }
    let forgotten = match settings.credentials()? {
        Some(credentials) => credentials.delete(profile, server)?,
        None => false,
    };
    let answer = Answer::new(
        &json!({"profile": profile, "server": server, "forgotten": forgotten}),
        View::Text(String::new()),
    )?;
    Ok(answer.with_note(match (forgotten, context.key_source()?) {
        (true, Some(KeySource::Variable)) => format!(
            "removed the key of profile {profile} for {server}; KONEKTOR_API_KEY is still set"
        ),
        (false, Some(KeySource::Variable)) => {
            "no saved key; KONEKTOR_API_KEY is still set".to_owned()
        }
        (true, _) => format!("removed the key of profile {profile} for {server}"),
        (false, _) => format!("no saved key for {server} in profile {profile}"),
    }))
}
