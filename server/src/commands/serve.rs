//! `konektor-server serve`

use std::{future::Future, io::ErrorKind, net::SocketAddr, pin::pin, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use clap::builder::FalseyValueParser;
use ipnet::IpNet;
use konektor_spec::Spec;
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use url::Url;

use super::{
    UsageError, database,
    demo::{self, Demo},
    master_key,
    output::Output,
};
use crate::{
    clock::Clock,
    domain::address,
    logging::{self, LogFormat},
    panics,
    randomness::Randomness,
    server::Server,
    store::{OpenOptions, SchemaPolicy, Store},
};

/// Longer than any request waits for the database: what nobody waits for any more ends.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(6);

/// Serve the API until told to stop (SIGINT or SIGTERM)
#[derive(clap::Args)]
#[command(after_help = "\
The master key comes from KONEKTOR_MASTER_KEY or from the file KONEKTOR_MASTER_KEY_FILE; `keygen` makes one.
While it is replaced, KONEKTOR_MASTER_KEYS (or the file) holds both: `keygen --help` says how.

Examples:
  konektor-server serve --demo
  konektor-server serve --listen 0.0.0.0:8080 --public-url https://crm.example.com --database-url postgres://db/crm
  konektor-server serve --trusted-proxy 10.0.0.0/8")]
pub(super) struct Args {
    /// Where to listen; port 0 takes any free one
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "KONEKTOR_LISTEN",
        default_value = "127.0.0.1:8080"
    )]
    listen: String,
    /// Where callers reach the server, for SKILL.md and the like; http://ADDRESS:PORT unless given
    #[arg(long, value_name = "URL", env = "KONEKTOR_PUBLIC_URL", value_parser = parse_public_url)]
    public_url: Option<String>,
    /// A proxy's address or range, whose Forwarded or X-Forwarded-For says who the client is; may be given several
    /// times; nobody's unless given
    #[arg(
        long = "trusted-proxy",
        value_name = "ADDR_OR_CIDR",
        env = "KONEKTOR_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_parser = address::range
    )]
    trusted_proxies: Vec<IpNet>,
    /// The database: sqlite:FILE or a postgres:// URL [default: sqlite:konektor.db]
    #[arg(
        long,
        value_name = "URL",
        env = "KONEKTOR_DATABASE_URL",
        hide_env_values = true
    )]
    database_url: Option<String>,
    /// Refuse to start when the database's schema is not up to date, instead of bringing it up to date
    #[arg(
        long,
        env = "KONEKTOR_NO_MIGRATE",
        value_parser = FalseyValueParser::new(),
        conflicts_with = "demo"
    )]
    no_migrate: bool,
    /// Try it out: example leads in konektor-demo.db, its own key in konektor-demo.key, and a new API key
    #[arg(long)]
    demo: bool,
    /// How log lines on stderr look; for people on a terminal, JSON elsewhere, unless given
    #[arg(long, value_enum, env = "KONEKTOR_LOG_FORMAT")]
    log_format: Option<LogFormat>,
}

/// What has been started, for the first lines on stdout.
struct Started<'a> {
    url: &'a str,
    /// Differs from the URL behind a proxy.
    listen: SocketAddr,
    store: &'a Store,
    database: String,
    demo: Option<&'a Demo>,
}

pub(super) async fn run(args: Args, output: Output, clock: Clock) -> Result<()> {
    let database_url = args.database_url()?;
    let master_keys = if args.demo {
        demo::master_key()?
    } else {
        master_key::from_environment()?
    };
    let options = OpenOptions {
        schema: if args.no_migrate {
            SchemaPolicy::RequireCurrent
        } else {
            SchemaPolicy::Migrate
        },
        statement_timeout: Some(STATEMENT_TIMEOUT),
    };
    panics::log_places();
    let logging = logging::init(
        args.log_format
            .unwrap_or_else(LogFormat::default_for_stderr),
    );
    tokio::spawn(logging.report_losses());
    // From here on a signal ends the server in good order.
    let mut stopped = pin!(stop_signal()?);
    // First the port: a second server must not end the demo key of the one that has it.
    let listener = listen(&args.listen).await?;
    let opened = async {
        let store = database::open(&database_url, master_keys, options).await?;
        store.complete_name_indexes().await?;
        let demo = if args.demo {
            Some(demo::prepare(&store, &clock).await?)
        } else {
            None
        };
        anyhow::Ok((store, demo))
    };
    // A database that does not answer keeps nobody from stopping it.
    let (store, demo) = tokio::select! {
        opened = opened => opened?,
        () = &mut stopped => return Ok(()),
    };

    let listen = listener.local_addr()?;
    let url = args.public_url.unwrap_or(format!("http://{listen}"));
    let spec = Spec::builtin().clone();
    let server = Server::new(
        spec,
        store.clone(),
        clock,
        Randomness::system(),
        &url,
        args.trusted_proxies.into(),
    )?;
    let started = Started {
        url: &url,
        listen,
        store: &store,
        database: database::describe(&database_url),
        demo: demo.as_ref(),
    };
    output.print(&started.json(), || started.words())?;
    server.serve(listener, stopped).await;
    Ok(())
}

impl Args {
    /// The demo keeps away from real data: it has a database of its own, and no other is taken for it.
    fn database_url(&self) -> Result<String> {
        match (self.demo, self.database_url.as_deref()) {
            (true, None | Some(demo::DATABASE_URL)) => Ok(demo::DATABASE_URL.to_owned()),
            (true, Some(_)) => bail!(UsageError(format!(
                "--demo has a database of its own, {}: leave --database-url out and unset KONEKTOR_DATABASE_URL",
                database::describe(demo::DATABASE_URL)
            ))),
            (false, given) => Ok(given.unwrap_or(database::DEFAULT_URL).to_owned()),
        }
    }
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
                "another program has this port: stop it, or choose another with --listen 127.0.0.1:0"
            }
            ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one",
            ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => "an address looks like 127.0.0.1:8080",
        };
        anyhow!(error).context(format!("cannot listen on {address}; {what_to_do}"))
    })
}

/// Ends with the first SIGINT or SIGTERM.
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

/// A base to which paths are appended.
fn parse_public_url(text: &str) -> Result<String> {
    let url = Url::parse(text).context("no URL such as https://crm.example.com")?;
    if !["http", "https"].contains(&url.scheme()) {
        bail!("it has to begin with http:// or https://");
    }
    if url.query().is_some() || url.fragment().is_some() {
        bail!("it must not have a ? or #");
    }
    if !url.username().is_empty() || url.password().is_some() {
        bail!("it must not have a user or password: everybody sees it");
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_a_base_without_a_slash_at_its_end() {
        let parsed = |text| parse_public_url(text).ok();
        assert_eq!(
            parsed("https://crm.example.com/").as_deref(),
            Some("https://crm.example.com")
        );
        assert_eq!(
            parsed("http://127.0.0.1:8080").as_deref(),
            Some("http://127.0.0.1:8080")
        );
        assert_eq!(
            parsed("https://example.com/crm").as_deref(),
            Some("https://example.com/crm")
        );
        for text in [
            "crm.example.com",
            "ftp://example.com",
            "https://example.com?x=1",
            "https://me:pw@example.com",
        ] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }
}
