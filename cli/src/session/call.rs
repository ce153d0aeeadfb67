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

/// One call that the command line asks for.
pub(crate) struct Call<'a> {
    pub(crate) context: &'a Context<'a>,
    pub(crate) client: Client,
    pub(crate) operation: &'a Operation,
    pub(crate) environment: &'a Environment<'a>,
    cache: WorkspaceCache,
    workspace: RefCell<Option<CachedWorkspace>>,
    /// Whose days the typed times mean; those of this machine while nobody knows better.
    zone: RefCell<Option<TimeZone>>,
    /// Whether the same command sends its writes under the same idempotency keys again.
    keeps_keys: bool,
}

impl<'a> Call<'a> {
    /// A call with these times among its arguments.
    ///
    /// # Errors
    /// When there is no key for a call that needs one, the key or base URL cannot be used, or nobody knows which days
    /// are meant.
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

    /// The same call of a command that, run again, sends its writes under the same idempotency keys.
    pub(crate) fn keeping_keys(self, keeps_keys: bool) -> Self {
        Self { keeps_keys, ..self }
    }

    /// A call whose requests are each sent once.
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

    /// Days that were typed are the workspace's: the server reads dates in its time zone. Where the key may not know
    /// it, they are those of this machine, and the person is told.
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
                .logged(&operation.method, operation.path.as_str(), request)
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

    /// A call with a key that is not kept yet, or with none.
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

    /// Now, for the times that were typed.
    pub(crate) fn args_clock(&self) -> LocalClock {
        match &*self.zone.borrow() {
            Some(zone) => LocalClock::new((self.environment.now)(), zone.clone()),
            None => self.clock(),
        }
    }

    /// Makes the request, and maps its failure.
    pub(crate) async fn send<T>(
        &self,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Failure> {
        let answer = self.logged(request).await;
        answer.map_err(|error| self.failed(&error))
    }

    /// Makes the request, and tells of it with `--verbose`.
    pub(crate) async fn logged<T>(
        &self,
        request: impl Future<Output = Result<(T, Meta), Error>>,
    ) -> Result<(T, Meta), Error> {
        let Operation { method, path, .. } = self.operation;
        self.context.logged(method, path.as_str(), request).await
    }

    /// Tells with `--verbose` that the request is sent.
    pub(crate) fn log_request(&self) {
        let Operation { method, path, .. } = self.operation;
        self.context.log(|| format!("> {method} {path}"));
    }

    /// What a failed call comes to, with what to do about it.
    pub(crate) fn failed(&self, error: &Error) -> Failure {
        explain_keyed(error, Some(self.operation), self.context, self.keeps_keys)
    }

    pub(crate) fn clock(&self) -> LocalClock {
        self.environment.clock()
    }

    /// Who reads the answer; amounts are in the workspace's currency as far as it is known.
    pub(crate) fn display(&self) -> DisplayContext {
        let workspace = self.workspace.borrow();
        DisplayContext {
            clock: self.clock(),
            currency: Currency::new(workspace.as_ref().map(|cache| cache.currency.as_str())),
        }
    }

    /// Remembers what later tables show of the workspace.
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

    /// Makes the request, and gets to know the workspace meanwhile, whose currency or time zone the table
    /// shows. The table is of use without, so that a key that may not read it does no harm.
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

    /// Asks for the workspace when nothing is known of it.
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

    /// This command line with other arguments, to copy into a shell.
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
