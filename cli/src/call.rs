use std::time::Duration;

use clap::{ArgMatches, parser::ValueSource};
use konektor_sdk::{Client, Error, Workspace};
use konektor_spec::{Access, Operation, Spec};

use crate::{
    command::default_server,
    error::Failure,
    flags::Flags,
    output::{Format, When},
    world::World,
};

/// One call that the command line asks for.
pub(crate) struct Call<'a> {
    pub(crate) client: Client,
    pub(crate) operation: &'a Operation,
    pub(crate) flags: Flags<'a>,
    pub(crate) when: When,
    matches: &'a ArgMatches,
    path: &'a [&'a str],
    base_url: Option<String>,
    default_server: &'a str,
}

impl<'a> Call<'a> {
    /// # Errors
    /// When there is no key for a call that needs one, or the key or base URL cannot be used.
    pub(crate) fn new(
        spec: &'a Spec,
        operation: &'a Operation,
        path: &'a [&'a str],
        matches: &'a ArgMatches,
        world: &World<'_>,
    ) -> Result<Self, Failure> {
        let variable = |name| {
            world
                .text(name)
                .map_err(|_| Failure::usage(format!("{name} is not Unicode text")))
        };
        let key = variable("KONEKTOR_API_KEY")?;
        if key.is_none() && operation.access != Access::Public {
            return Err(Failure::no_key());
        }
        let base_url = match matches.get_one::<String>("base-url") {
            Some(url) => Some(url.clone()),
            None => variable("KONEKTOR_BASE_URL")?,
        };

        let mut client = Client::builder()
            .user_agent(concat!("konektor-cli/", env!("CARGO_PKG_VERSION")))
            .retries(world.retries);
        if let Some(key) = key {
            client = client.api_key(key);
        }
        if let Some(url) = &base_url {
            client = client.base_url(url);
        }
        Ok(Self {
            client: client
                .build()
                .map_err(|error| Failure::of_settings(&error))?,
            operation,
            flags: Flags::new(operation, matches),
            when: When::new(world.now, world.zone.clone()),
            matches,
            path,
            base_url,
            default_server: default_server(spec),
        })
    }

    /// What a failed call comes to, with what to do about it.
    pub(crate) fn failed(&self, error: &Error) -> Failure {
        Failure::of_call(error, self)
    }

    /// `leads list`
    pub(crate) fn name(&self) -> String {
        self.path.join(" ")
    }

    /// Where the server is, as a person would say it.
    pub(crate) fn server(&self) -> &str {
        self.base_url.as_deref().unwrap_or(self.default_server)
    }

    /// An answer together with the workspace, whose currency or time zone its table shows.
    ///
    /// There is none when no table is wanted, or the key may not read it: the table is of use without.
    pub(crate) async fn beside_workspace<T>(
        &self,
        answer: impl Future<Output = Result<T, Error>>,
    ) -> Result<(T, Option<Workspace>), Failure> {
        let workspace = async { Ok(self.workspace().await) };
        tokio::try_join!(answer, workspace).map_err(|error| self.failed(&error))
    }

    async fn workspace(&self) -> Option<Workspace> {
        const PATIENCE: Duration = Duration::from_secs(2);

        if Format::of(self.matches) != Format::Table {
            return None;
        }
        let workspace = self.client.workspace().show().send();
        let answer = tokio::time::timeout(PATIENCE, workspace).await;
        Some(answer.ok()?.ok()?.into_inner())
    }

    /// This command line with some flags replaced, to copy into a shell.
    pub(crate) fn again(&self, left_out: &[&str], added: &[String]) -> Option<String> {
        let mut words = vec!["konektor".to_owned()];
        words.extend(self.path.iter().map(|&word| word.to_owned()));
        words.extend(self.flags.typed_without(left_out));
        if self.matches.value_source("base-url") == Some(ValueSource::CommandLine) {
            words.push("--base-url".to_owned());
            words.extend(self.base_url.clone());
        }
        words.extend_from_slice(added);
        shlex::try_join(words.iter().map(String::as_str)).ok()
    }
}
