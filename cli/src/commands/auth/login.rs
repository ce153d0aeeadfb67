#[cfg(unix)]
use std::fs::File;
use std::{io, thread, time::Duration};

use clap::Args;
use konektor_spec::OperationId;
#[cfg(unix)]
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use serde_json::json;
use tokio::{sync::oneshot, time::timeout};

use super::try_out;
use crate::{
    args::DryRun,
    base::{sanitize, secret::Key},
    commands::LocalCommand,
    config::{
        BASE_URL, Config, DEFAULT_PROFILE, KeyLocation, KeySource, MAX_WAIT, Setting, Source,
    },
    error::Failure,
    render::{Answer, DetailView, View},
    session::{
        Call, Context,
        dry_run::{self, Change},
        interrupted,
    },
};

/// The maximum length of a key, in bytes.
const LONGEST: u64 = 4096;

#[derive(Args)]
pub(crate) struct Login {
    #[command(flatten)]
    dry_run: DryRun,
}

impl LocalCommand for Login {
    const PATH: &'static [&'static str] = &["auth", "login"];
    const ABOUT: &'static str = "Check an API key with the server and save it";
    const EXAMPLES: &'static str = "  konektor auth login
  konektor auth login --profile toko --base-url http://127.0.0.1:8080
  pass show konektor | konektor auth login";
    const NEEDS: &'static [&'static Setting] = &[&BASE_URL];

    fn details() -> String {
        "The key is typed at a prompt that hides it, or read from stdin. It is saved in the system's keyring, or without \
         a keyring in a file that only you can read. It is only ever sent to the server that accepted it.".to_owned()
    }

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context, self.dry_run.dry_run).await
    }
}

async fn run<'a>(context: &'a Context<'a>, is_dry_run: bool) -> Result<Answer<'a>, Failure> {
    let settings = &context.settings;
    let credentials = settings
        .credentials()?
        .ok_or_else(Failure::no_config_folder)?;
    let (profile, server) = (settings.require_profile()?.text.as_str(), settings.server());

    let keeps_server = settings.get(&BASE_URL).source != Source::Default;
    if is_dry_run {
        let key =
            format!("store the key of profile {profile} for {server}, if the server accepts it");
        let place = credentials.where_is(credentials.place(profile, server)?);
        let what = if keeps_server {
            Some(format!(
                "set {} of profile {profile} to {server}",
                BASE_URL.name
            ))
        } else {
            (profile != DEFAULT_PROFILE).then(|| format!("create profile {profile}"))
        };
        let file = settings.config.file()?;
        let config = what.map(|what| Change::new(file.display(), what));
        return dry_run::changes([Change::new(place, key)].into_iter().chain(config));
    }

    // Check this before asking for the key.
    settings.require(&MAX_WAIT)?;
    let key = ask(context, server).await?;
    let operation = OperationId::WorkspaceShow.operation();
    let call = Call::with_key(context, operation, Some(&key))?;
    let workspace = try_out(&call).await?;
    if let Some(workspace) = &workspace {
        call.cache_workspace(workspace);
    }
    let workspace = workspace.map(|workspace| workspace.display_name);
    let place = credentials.store(profile, server, &key)?;
    if keeps_server || profile != DEFAULT_PROFILE {
        Config::change(settings.folder(), |config| {
            // Store the profile, because the keyring cannot list the profiles it has keys for.
            config.add(profile);
            if keeps_server {
                config.set(profile, BASE_URL.name, server);
            }
        })?;
    }

    let record = DetailView::default()
        .with("profile", profile)
        .with("server", server)
        .maybe("workspace", workspace.as_deref())
        .with("key saved in", KeySource::Stored(place).to_string());
    let answer = Answer::new(
        &json!({
            "profile": profile,
            "server": server,
            "workspace": workspace,
            "keptIn": match place { KeyLocation::Keyring => "keyring", KeyLocation::File => "file" },
        }),
        View::Detail(record),
    )?;
    Ok(match context.key_source()? {
        Some(KeySource::Variable) => {
            answer.with_note("KONEKTOR_API_KEY is set and overrides the saved key")
        }
        _ => answer,
    })
}

async fn ask(context: &Context<'_>, server: &str) -> Result<Key, Failure> {
    let key = if context.environment.stdin_is_terminal {
        let prompt = sanitize::line(&format!("API key for {server} (input is hidden): "));
        let typed = read_hidden(prompt).await;
        let typed = typed.map_err(|error| Failure::from_input(&error))?;
        Key::new(&typed)
    } else {
        let bytes = context.read_all(LONGEST)?;
        // The SDK rejects a key that is not UTF-8.
        Key::new(&String::from_utf8_lossy(&bytes))
    };
    if key.reveal().is_empty() {
        return Err(Failure::usage("no API key on stdin"));
    }
    Ok(key)
}

/// Reads a key at a prompt.
async fn read_hidden(prompt: String) -> io::Result<String> {
    /// The time for the reading thread to see Ctrl-C and restore the terminal.
    const LAST_KEY: Duration = Duration::from_millis(200);

    let stop = interrupted();
    #[cfg(unix)]
    let _hidden = Hidden::new()?;
    let (answer, mut answered) = oneshot::channel();
    // The thread is abandoned when the program ends.
    thread::spawn(move || answer.send(rpassword::prompt_password(prompt)));
    let broken_off = io::ErrorKind::Interrupted;
    tokio::select! {
        typed = &mut answered => typed.unwrap_or(Err(broken_off.into())),
        () = stop => {
            let _ = timeout(LAST_KEY, answered).await; // The typed text is not needed any more.
            Err(broken_off.into())
        }
    }
}

/// Turns off the echo of a terminal. It starts before the prompt, because a person may type ahead.
#[cfg(unix)]
struct Hidden {
    terminal: File,
    before: Termios,
}

#[cfg(unix)]
impl Hidden {
    fn new() -> io::Result<Self> {
        let terminal = File::open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut hidden = before.clone();
        // Use the same modes as the reader of the key, or text that was typed ahead would be read differently.
        hidden
            .local_modes
            .remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&terminal, OptionalActions::Now, &hidden)?;
        Ok(Self { terminal, before })
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Now, &self.before); // `drop` cannot fail.
    }
}
