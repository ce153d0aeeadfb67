//! `konektor-server serve`

mod demo;

use std::{future::Future, io::ErrorKind, net::SocketAddr, pin::pin};

use anyhow::{Result, anyhow, bail};
use konektor_spec::Spec;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

use self::demo::Demo;
use super::{
    context::Context, database, master_key, settings_args::SettingsArgs, usage::UsageError,
};
use crate::{
    logging::{self, LogFormat},
    panics,
    server::Server,
    settings::{LoadedSettings, Setting, Settings},
    store::{OpenOptions, SchemaPolicy, Store},
};

/// Serve the API until a signal stops it (SIGINT or SIGTERM)
#[derive(clap::Args)]
#[command(after_help = "\
The master key comes from KONEKTOR_MASTER_KEY or from the file KONEKTOR_MASTER_KEY_FILE; `keygen` creates one. \
While it is being replaced, KONEKTOR_MASTER_KEYS or the file contains both: see `keygen --help`.

Examples:
  konektor-server serve --demo
  konektor-server serve --listen 0.0.0.0:8080 --public-url https://crm.example.com --database-url postgres://db/crm
  konektor-server serve --trusted-proxy 10.0.0.0/8

Every limit, timeout and pool size is a setting: see `config show --help`.")]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingsArgs,
    /// Try Konektor with sample leads: uses konektor-demo.db and konektor-demo.master-key, and prints a new API key
    #[arg(long, conflicts_with = "no_migrate")]
    demo: bool,
}

/// What the first lines on stdout report.
struct Started<'a> {
    url: &'a str,
    /// Behind a proxy this differs from the URL.
    listen: SocketAddr,
    store: &'a Store,
    database: String,
    demo: Option<&'a Demo>,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    let LoadedSettings { mut settings, each } = context.settings(args.settings.flags())?;
    if args.demo {
        check_demo(&settings, &each)?;
        demo::DATABASE_URL.clone_into(&mut settings.database.url);
    }
    let database_url = settings.database.url.clone();
    let schema = if settings.no_migrate {
        SchemaPolicy::RequireCurrent
    } else {
        SchemaPolicy::Migrate
    };
    let options = OpenOptions::for_server(schema, &settings.database);
    panics::log_locations();
    let log_format = settings.log_format;
    let logging = logging::init(log_format.unwrap_or_else(LogFormat::default_for_stderr));
    tokio::spawn(logging.report_losses());
    // From here on a signal shuts the server down gracefully.
    let mut stopped = pin!(stop_signal()?);
    // The port comes first. If it is in use, the demo must neither leave files nor revoke the key of the demo that uses
    // it.
    let listener = listen(&settings.listen).await?;
    let new_files = args.demo.then(demo::NewFiles::new);
    let master_keys = if args.demo {
        demo::master_key()?
    } else {
        master_key::from_environment()?
    };
    let opened = async {
        let store = database::open(&database_url, master_keys, options).await?;
        let store = store.with_randomness(context.randomness.clone());
        store.complete_name_indexes().await?;
        let demo = if args.demo {
            Some(demo::prepare(&store, context).await?)
        } else {
            None
        };
        anyhow::Ok((store, demo))
    };
    // A signal stops the server even while the database does not answer.
    let (store, demo) = tokio::select! {
        opened = opened => opened?,
        () = &mut stopped => return Ok(()),
    };

    let listen = listener.local_addr()?;
    let url = settings.public_url(listen);
    let server = Server::new(
        settings,
        Spec::builtin().clone(),
        store.clone(),
        context.clock.clone(),
        context.randomness.clone(),
        &url,
    )?;
    let started = Started {
        url: &url,
        listen,
        store: &store,
        database: database::describe(&database_url),
        demo: demo.as_ref(),
    };
    if let Some(new_files) = new_files {
        new_files.keep();
    }
    context.output.print(&started.json(), || started.words())?;
    server.serve(listener, stopped).await;
    Ok(())
}

/// Keeps the demo away from real data: it uses its own database, and refuses a setting that names another.
fn check_demo(settings: &Settings, each: &[Setting]) -> Result<()> {
    let origin = |key: &str| {
        let setting = each.iter().find(|setting| setting.key == key);
        setting.and_then(|setting| setting.origin.as_deref())
    };
    if let Some(origin) = origin("database.url")
        && settings.database.url != demo::DATABASE_URL
    {
        bail!(UsageError(format!(
            "--demo uses its own database, {}: remove database.url, which is set by {origin}",
            database::describe(demo::DATABASE_URL)
        )));
    }
    if settings.no_migrate {
        bail!(UsageError(format!(
            "--demo cannot be used with no_migrate, which is set by {}",
            origin("no_migrate").unwrap_or("default")
        )));
    }
    Ok(())
}

impl Started<'_> {
    fn json(&self) -> Value {
        let mut json = json!({
            "url": self.url,
            "listen": self.listen.to_string(),
            "database": self.database,
            "engine": self.store.engine().to_string(),
        });
        if let Some(demo) = self.demo {
            json["workspaceId"] = demo.workspace.id.as_str().into();
            json["apiKey"] = demo.key.text().as_str().into();
        }
        json
    }

    fn words(&self) -> String {
        let spec = Spec::builtin();
        let version = spec.version().strip_suffix(".0").unwrap_or(spec.version());
        let headline = format!(
            "{} {version} · {} · {} {}",
            spec.title(),
            self.url,
            self.store.engine(),
            self.database
        );
        let links = format!(
            "  agents     {url}{base}/SKILL.md\n  docs       {url}/docs",
            url = self.url,
            base = spec.base_path()
        );
        match self.demo {
            Some(demo) => format!("{headline}\n\n{}\n{links}\n", demo.words(self.url)),
            None => format!("{headline}\n\n{links}\n"),
        }
    }
}

async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        let what_to_do = match error.kind() {
            ErrorKind::AddrInUse => {
                "another program uses this port: stop it, or choose another with --listen 127.0.0.1:0"
            }
            ErrorKind::PermissionDenied => "ports below 1024 need privileges: choose a higher one",
            ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => "an address looks like 127.0.0.1:8080",
        };
        anyhow!(error).context(format!("cannot listen on {address}; {what_to_do}"))
    })
}

/// Completes on the first SIGINT or SIGTERM.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate()];
    let [interrupt, terminate] = kinds.map(signal);
    let (mut interrupt, mut terminate) = (interrupt?, terminate?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
