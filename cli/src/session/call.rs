use std::{cell::RefCell, future::Future, time::Duration};

use konektor_sdk::{Client, Error, ErrorKind, Meta, Retries, Workspace, jiff::tz::TimeZone};
use konektor_spec::{Operation, OperationId};

use crate::{
    args::{Calendar, RelativeTime},
    base::{LocalClock, secret::Key},
    config::MAX_WAIT,
    env::Environment,
    error::Failure,
    render::{Currency, DisplayContext},
    session::{
        Context,
        explain::{explain, explain_keyed},
        workspace_cache::{CachedWorkspace, WorkspaceCache},
    },
};

/// The call of an operation that a command makes.
pub(crate) struct Call<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) client: Client,
    pub(crate) operation: &'a Operation,
    pub(crate) environment: &'a Environment<'a>,
    cache: WorkspaceCache,
    workspace: RefCell<Option<CachedWorkspace>>,
    /// The time zone of the days in typed times; that of this machine if `None`.
    zone: RefCell<Option<TimeZone>>,
    /// Whether a repeated command sends its writes with the same idempotency keys.
    keeps_keys: bool,
}

impl<'a> Call<'a> {
    /// Prepares a call whose arguments contain these times.
    ///
    /// # Errors
    /// When a required key is missing, the key or base URL is not valid, or the time zone of the workspace cannot be
    /// read.
    pub(crate) async fn new(
        context: &'a Context<'a>,
        operation: &'a Operation,
        times: &[&RelativeTime],
    ) -> Result<Self, Failure> {
        let key = context.key_for(&operation.access)?;
        let call = Self::with_key(context, operation, key.as_ref())?;
        call.resolve_time_zone(times).await?;
        Ok(call)
    }

    /// Sets whether a repeated command sends its writes with the same idempotency keys.
    pub(crate) fn keeping_keys(self, keeps_keys: bool) -> Self {
        Self { keeps_keys, ..self }
    }

    /// Prepares a call whose requests are never retried.
    pub(crate) fn once(
        context: &'a Context<'a>,
        operation: &'a Operation,
    ) -> Result<Self, Failure> {
        let key = context.key_for(&operation.access)?;
        let client = context.client_with(key.as_ref(), Retries::none())?;
        Ok(Self {
            client,
            ..Self::with_key(context, operation, key.as_ref())?
        })
    }

    /// Finds the time zone of typed days. It is the workspace's, in which the server reads dates. If the key may not
    /// read the workspace, this machine's time zone is used, and a warning says so.
    async fn resolve_time_zone(&self, times: &[&RelativeTime]) -> Result<(), Failure> {
        let Some(typed) = times.iter().max_by_key(|time| time.calendar()) else {
            return Ok(());
        };
        match typed.calendar() {
            Calendar::Not => return Ok(()),
            Calendar::Counted => {
                self.load_workspace().await;
                self.zone.replace(Some(self.workspace_clock().zone()));
                return Ok(());
            }
            Calendar::Named => {}
        }
        if !self.knows_workspace() {
            let operation = OperationId::WorkspaceShow.operation();
            let request = self.client.workspace().show().send_with_meta();
            let answer = self
                .context
                .send_logged(&operation.method, operation.path.as_str(), request)
                .await;
            match answer {
                Ok((workspace, _)) => self.cache_workspace(&workspace),
                Err(error) if error.kind() == ErrorKind::Forbidden => {}
                Err(error) => {
                    return Err(explain(&error, Some(operation), self.context));
                }
            }
        }
        let name = self.timezone();
        let zone = name.as_deref().and_then(|name| TimeZone::get(name).ok());
        if let Some(zone) = zone {
            self.zone.replace(Some(zone));
            return Ok(());
        }
        let day = typed.resolve(&self.args_clock());
        let why = match name {
            Some(name) => format!("unknown time zone {name}"),
            None => "the key may not read the workspace's time zone".to_owned(),
        };
        self.environment.say(&format!(
            "using this machine's date {day} for {}: {why}",
            typed.to_string().trim()
        ));
        Ok(())
    }

    /// Prepares a call with this key, which may not be stored yet, or without a key.
    pub(crate) fn with_key(
        context: &'a Context<'a>,
        operation: &'a Operation,
        key: Option<&Key>,
    ) -> Result<Self, Failure> {
        context.settings.require(&MAX_WAIT)?;
        let environment = context.environment;
        let cache =
            WorkspaceCache::new(environment, context.settings.server(), key.map(Key::reveal));
        Ok(Self {
            context,
            client: context.client(key)?,
            operation,
            workspace: RefCell::new(cache.workspace()),
            environment,
            cache,
            zone: RefCell::default(),
            keeps_keys: false,
        })
    }

    /// The clock for typed times.
    pub(crate) fn args_clock(&self) -> LocalClock {
        match &*self.zone.borrow() {
            Some(zone) => LocalClock::new((self.environment.now)(), zone.clone()),
            None => self.clock(),
        }
    }

    /// Sends the request, and explains its failure.
    pub(crate) async fn send<T>(
        &self,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Failure> {
        let answer = self.send_logged(request).await;
        answer.map_err(|error| self.explain(&error))
    }

    /// Sends the request, and logs it with `--verbose`.
    pub(crate) async fn send_logged<T>(
        &self,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Error> {
        let Operation { method, path, .. } = self.operation;
        self.context
            .send_logged(method, path.as_str(), request)
            .await
    }

    /// Logs with `--verbose` that the request is sent.
    pub(crate) fn log_request(&self) {
        let Operation { method, path, .. } = self.operation;
        self.context.log(|| format!("> {method} {path}"));
    }

    /// Explains a failed call.
    pub(crate) fn explain(&self, error: &Error) -> Failure {
        explain_keyed(error, Some(self.operation), self.context, self.keeps_keys)
    }

    pub(crate) fn clock(&self) -> LocalClock {
        self.environment.clock()
    }

    /// How to show the answer. Amounts have the workspace's currency if it is cached.
    pub(crate) fn display(&self) -> DisplayContext {
        let workspace = self.workspace.borrow();
        DisplayContext {
            clock: self.clock(),
            currency: Currency::new(workspace.as_ref().map(|cache| cache.currency.as_str())),
        }
    }

    /// Caches the currency and time zone of the workspace.
    pub(crate) fn cache_workspace(&self, workspace: &Workspace) {
        let cache = CachedWorkspace::new(workspace);
        self.cache.store(&cache);
        self.workspace.replace(Some(cache));
    }

    pub(crate) fn knows_workspace(&self) -> bool {
        self.workspace.borrow().is_some()
    }

    /// Whether [`workspace_clock`](Self::workspace_clock) is in the workspace's time zone.
    pub(crate) fn knows_zone(&self) -> bool {
        let name = self.timezone();
        name.is_some_and(|name| TimeZone::get(&name).is_ok())
    }

    fn timezone(&self) -> Option<String> {
        let workspace = self.workspace.borrow();
        workspace.as_ref().map(|cache| cache.timezone.clone())
    }

    /// The workspace's time zone, in which its periods are; the reader's when it is not known.
    pub(crate) fn workspace_clock(&self) -> LocalClock {
        self.clock().in_zone(self.timezone().as_deref())
    }

    /// Sends the request, and meanwhile loads the workspace, whose currency and time zone a table shows. A key that may
    /// not read the workspace is fine: the table then shows neither.
    pub(crate) async fn send_with_workspace<T>(
        &self,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Failure> {
        let for_people = self.context.options.is_for_people(self.environment);
        let (answer, ()) = tokio::try_join!(self.send(request), async {
            if for_people {
                self.load_workspace().await;
            }
            Ok(())
        })?;
        Ok(answer)
    }

    /// Loads the workspace if it is not cached. A failure is ignored.
    pub(crate) async fn load_workspace(&self) {
        const LOOKUP_TIMEOUT: Duration = Duration::from_secs(2);

        if self.knows_workspace() {
            return;
        }
        let request = self.client.workspace().show().send();
        if let Ok(Ok(workspace)) = tokio::time::timeout(LOOKUP_TIMEOUT, request).await {
            self.cache_workspace(&workspace);
        }
    }

    /// Returns this command line with other arguments, to copy into a shell.
    pub(crate) fn rerun_command(
        &self,
        arguments: impl IntoIterator<Item = String>,
        added: Vec<String>,
    ) -> Option<String> {
        let mut words = vec!["konektor".to_owned()];
        words.extend(self.context.path.iter().map(|&word| word.to_owned()));
        words.extend(arguments);
        words.extend(self.context.options.words());
        words.extend(self.context.globals.server_words());
        words.extend(added);
        shlex::try_join(words.iter().map(String::as_str)).ok()
    }
}
