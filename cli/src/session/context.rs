use std::{
    io::{self, Read, Write as _},
    sync::Arc,
    time::{Duration, Instant},
};

use clap::Command;
use konektor_sdk::{Client, ClientBuilder, Error, Meta, Retries};
use konektor_spec::{Access, OperationId};

use super::GlobalArgs;
use crate::{
    base::{ColumnSelection, sanitize, secret::Key},
    config::{BASE_URL, KeySource, Settings},
    env::{Environment, RETRY_BUDGET},
    error::Failure,
    render::OutputOptions,
    session::{Call, status_line::StatusLine},
};

/// Everything a command can use: arguments, settings, environment.
pub(crate) struct Context<'a> {
    /// `["leads", "list"]`
    pub(crate) path: &'a [&'a str],
    pub(crate) globals: GlobalArgs,
    /// Builds the tree of all commands, for completion and manual pages.
    pub(crate) command_tree: fn() -> Command,
    pub(crate) environment: &'a Environment<'a>,
    pub(crate) settings: Settings,
    pub(crate) options: OutputOptions,
    pub(crate) status_line: Arc<StatusLine>,
    retries: Retries,
}

impl<'a> Context<'a> {
    pub(crate) fn new(
        path: &'a [&'a str],
        globals: GlobalArgs,
        columns: ColumnSelection,
        command_tree: fn() -> Command,
        environment: &'a Environment<'a>,
    ) -> Self {
        let settings = Settings::read(&globals.overrides(), environment);
        let retries = match settings.max_wait() {
            None => environment.retries,
            Some(Duration::ZERO) => Retries::none(),
            Some(wait) => environment.retries.max_wait(wait).rate_limit_budget(wait),
        };
        Self {
            path,
            options: globals.output_options(columns).or(settings.output()),
            globals,
            command_tree,
            environment,
            settings,
            status_line: Arc::new(StatusLine::new(environment.notify)),
            retries,
        }
    }

    /// A call of an operation, with the global flags of this command.
    pub(crate) async fn call(&'a self, operation: OperationId) -> Result<Call<'a>, Failure> {
        Call::new(self, operation.operation(), &[]).await
    }

    /// The key for an operation with this access.
    ///
    /// # Errors
    /// When the operation needs a key and there is none.
    pub(crate) fn key_for(&self, access: &Access) -> Result<Option<Key>, Failure> {
        let key = match self.settings.key() {
            // A public operation needs no key.
            Err(_) if *access == Access::Public => None,
            key => key?.map(|(key, _)| key),
        };
        if key.is_none() && *access != Access::Public {
            return Err(self.no_key());
        }
        Ok(key)
    }

    /// The failure for a missing key. The reason may be that the profile does not exist.
    pub(crate) fn no_key(&self) -> Failure {
        let (profile, server) = (&self.settings.profile.text, self.settings.server());
        self.settings
            .unknown_profile()
            .unwrap_or_else(|| Failure::no_key(profile, server))
    }

    /// Where the key comes from.
    pub(crate) fn key_source(&self) -> Result<Option<KeySource>, Failure> {
        Ok(self.settings.key()?.map(|(_, source)| source))
    }

    /// Builds a client for the server.
    ///
    /// # Errors
    /// When the key or the base URL cannot be used.
    pub(crate) fn client(&self, key: Option<&Key>) -> Result<Client, Failure> {
        self.client_with(key, self.retries)
    }

    /// The same with other retries.
    ///
    /// # Errors
    /// When the key or the base URL cannot be used.
    pub(crate) fn client_with(
        &self,
        key: Option<&Key>,
        retries: Retries,
    ) -> Result<Client, Failure> {
        let status_line = Arc::clone(&self.status_line);
        let mut client = self
            .client_builder()?
            .retries(retries)
            .on_wait(move |wait| status_line.waiting(wait.time, wait.status, wait.limit));
        if let Some(key) = key {
            client = client.api_key(key.reveal());
        }
        build(client)
    }

    /// Builds a client for a dry run, which needs neither key, certificates nor proxy.
    ///
    /// # Errors
    /// When the base URL cannot be used.
    pub(crate) fn dry_run_client(&self) -> Result<Client, Failure> {
        build(self.client_builder()?.offline())
    }

    fn client_builder(&self) -> Result<ClientBuilder, Failure> {
        self.settings.require(&BASE_URL)?;
        Ok(Client::builder()
            .user_agent(concat!("konektor-cli/", env!("CARGO_PKG_VERSION")))
            .base_url(self.settings.server()))
    }

    /// The longest wait for the rate limit or an unreachable server.
    pub(crate) fn max_wait(&self) -> Duration {
        self.settings.max_wait().unwrap_or(RETRY_BUDGET)
    }

    /// Logs a line to stderr with `--verbose`. The line must not contain a key or personal data.
    pub(crate) fn log(&self, line: impl FnOnce() -> String) {
        if self.globals.verbose {
            self.environment.say(&line());
        }
    }

    /// Sends a request, and logs it with `--verbose`.
    pub(crate) async fn send_logged<T>(
        &self,
        method: &str,
        path: &str,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Error> {
        self.log(|| format!("> {method} {path}"));
        let started = Instant::now();
        let answer = request.await;
        self.log_answer(answer.as_ref().map(|(_, meta)| Some(meta)), started);
        answer
    }

    /// Logs an answer with `--verbose`.
    pub(crate) fn log_answer(&self, answer: Result<Option<&Meta>, &Error>, started: Instant) {
        self.log(|| summary(answer, started));
    }

    /// Whether a person at a terminal can answer a question.
    pub(crate) fn is_interactive(&self) -> bool {
        self.environment.stdin_is_terminal && self.environment.stderr_is_terminal
    }

    /// Asks for confirmation. Anything but yes means no.
    ///
    /// # Errors
    /// When no answer can be read.
    pub(crate) fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let mut stderr = &self.environment.stderr;
        let question = sanitize::line(question);
        let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        let _ = asked; // Without a prompt, the answer still counts.
        let answer = first_line(&mut *self.environment.stdin.borrow_mut())
            .map_err(|error| Failure::from_input(&error))?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Reads all of stdin, at most this many bytes.
    ///
    /// # Errors
    /// When stdin cannot be read, or is longer.
    pub(crate) fn read_all(&self, most: u64) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        self.environment
            .stdin
            .borrow_mut()
            .by_ref()
            .take(most + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| Failure::from_input(&error))?;
        if bytes.len() as u64 > most {
            return Err(Failure::usage(format!("stdin exceeds {most} bytes")));
        }
        Ok(bytes)
    }
}

fn build(client: ClientBuilder) -> Result<Client, Failure> {
    client
        .build()
        .map_err(|error| Failure::from_settings(&error))
}

/// `< 200 in 34 ms, request 5f0c1d2e-…, 199 of 200 left`
fn summary(answer: Result<Option<&Meta>, &Error>, started: Instant) -> String {
    let (status, request, attempts, limit) = match answer {
        Ok(meta) => (
            meta.map(|meta| meta.status),
            meta.and_then(|meta| meta.request_id.as_deref()),
            meta.map_or(1, |meta| meta.attempts),
            meta.and_then(|meta| meta.rate_limit),
        ),
        Err(error) => (
            error.status(),
            error.request_id(),
            error.attempts(),
            error.rate_limit(),
        ),
    };
    let status = status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let mut parts = vec![format!(
        "< {status} in {} ms",
        started.elapsed().as_millis()
    )];
    parts.extend(request.map(|id| format!("request {id}")));
    parts.extend((attempts > 1).then(|| format!("{attempts} attempts")));
    parts.extend(limit.map(|limit| format!("{} of {} left", limit.remaining, limit.limit)));
    parts.join(", ")
}

/// Waits for SIGINT or SIGTERM, which no longer end the program once this function has been called. If no signal
/// handler can be installed, they still do.
pub(crate) fn interrupted() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let heard = {
        use tokio::signal::unix::{SignalKind, signal};
        (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        )
    };
    async move {
        #[cfg(unix)]
        if let (Ok(mut interrupt), Ok(mut terminate)) = heard {
            tokio::select! {
                _ = interrupt.recv() => return,
                _ = terminate.recv() => return,
            }
        }
        #[cfg(not(unix))]
        if tokio::signal::ctrl_c().await.is_ok() {
            return;
        }
        std::future::pending::<()>().await;
    }
}

fn first_line(from: &mut dyn Read) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while from.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}
