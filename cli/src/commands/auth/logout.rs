use serde_json::json;

use crate::{
    commands::{LocalCommand, described},
    config::{BASE_URL, KeySource},
    error::Failure,
    render::{Answer, View},
    session::{
        Context,
        dry_run::{self, Change},
    },
};

const ABOUT: &str = "Forget the API key of a profile.";
const EXAMPLES: &str = "  konektor auth logout
  konektor auth logout --profile toko";

pub(crate) static LOGOUT: LocalCommand = LocalCommand {
    path: &["auth", "logout"],
    noun: "The API key of a profile.",
    needs: &[&BASE_URL],
    shape: |command| described(command, ABOUT, EXAMPLES).arg(dry_run::local_flag()),
    run: |context| Box::pin(std::future::ready(run(context))),
};

fn run<'a>(context: &Context<'a>) -> Result<Answer<'a>, Failure> {
    let settings = &context.settings;
    let (profile, server) = (settings.require_profile()?.text.as_str(), settings.server());
    if dry_run::is_wanted(context) {
        let kept = settings.stored_key()?.zip(settings.credentials()?);
        return dry_run::changes(kept.map(|((_, place), credentials)| {
            let what = format!("without the key of profile {profile} for {server}");
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
        (_, Some(KeySource::Variable)) => {
            "nothing is kept; KONEKTOR_API_KEY is still set".to_owned()
        }
        (true, _) => format!("the key of profile {profile} for {server} is forgotten"),
        (false, _) => format!("profile {profile} has no key for {server}"),
    }))
}
