//! The program, run inside the test against a server that gives the document's answers or others.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "it fails the test that uses it"
)]

use std::{ffi::OsString, io::Write, iter, path::PathBuf};

use clap::Command;
use konektor_cli::{Environment, Terminal, run};
use konektor_sdk::{Retries, jiff::tz::TimeZone};
use konektor_spec::{OperationId, Spec};
use konektor_testing::{KEY, documented};
use tokio::runtime::Runtime;
use wiremock::{
    Mock, MockServer, Request, Respond, ResponseTemplate,
    matchers::{any, path},
};

/// A server, and the program as one would start it beside.
pub(crate) struct Api {
    runtime: Runtime,
    pub(crate) server: MockServer,
    pub(crate) terminal: Option<Terminal>,
    pub(crate) stderr_is_terminal: bool,
    pub(crate) color: bool,
    pub(crate) now: &'static str,
    pub(crate) zone: &'static str,
    pub(crate) variables: Vec<(&'static str, OsString)>,
    pub(crate) key: Option<&'static str>,
    pub(crate) config_folder: Option<PathBuf>,
    /// Whether the environment says where the server is.
    pub(crate) names_server: bool,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: u8,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Api {
    /// A server that answers every request like this.
    pub(crate) fn answering(answer: ResponseTemplate) -> Self {
        let api = Self::silent();
        api.mount(Mock::given(any()).respond_with(answer));
        api
    }

    /// A server that answers every request by itself.
    pub(crate) fn responding(respond: impl Respond + 'static) -> Self {
        let api = Self::silent();
        api.mount(Mock::given(any()).respond_with(respond));
        api
    }

    /// A server that answers an operation as the document says.
    pub(crate) fn documented(id: &str) -> Self {
        Self::answering(documented(id))
    }

    /// A server that knows nothing yet.
    pub(crate) fn silent() -> Self {
        let runtime = Runtime::new().unwrap();
        let server = runtime.block_on(MockServer::start());
        Self {
            runtime,
            server,
            terminal: None,
            stderr_is_terminal: false,
            color: false,
            // Three minutes after the document's examples.
            now: "2025-01-15T10:33:00Z",
            zone: "UTC",
            variables: Vec::new(),
            key: Some(KEY),
            config_folder: None,
            names_server: true,
        }
    }

    /// Answers requests for one path like this, whatever else is answered.
    pub(crate) fn at(self, suffix: &str, answer: ResponseTemplate) -> Self {
        let path = path(format!("{}{suffix}", Spec::builtin().base_path()));
        self.mount(Mock::given(path).respond_with(answer).with_priority(1));
        self
    }

    fn mount(&self, mock: Mock) {
        self.runtime.block_on(mock.mount(&self.server));
    }

    /// Someone sits before it.
    pub(crate) fn on_a_terminal(mut self, columns: usize) -> Self {
        self.terminal = Some(Terminal { columns, rows: 24 });
        self.stderr_is_terminal = true;
        self
    }

    pub(crate) fn in_color(mut self) -> Self {
        self.color = true;
        self
    }

    /// With an environment variable.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.variables.push((name, value.into()));
        self
    }

    pub(crate) fn with_key(mut self, key: Option<&'static str>) -> Self {
        self.key = key;
        self
    }

    /// Runs a command line, written as in a shell.
    pub(crate) fn run(&self, line: &str) -> Ran {
        self.run_words(shlex::split(line).unwrap())
    }

    pub(crate) fn run_words(&self, words: impl IntoIterator<Item = String>) -> Ran {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = self.run_into(words, &mut stdout, &mut stderr);
        Ran {
            code,
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    pub(crate) fn run_into(
        &self,
        words: impl IntoIterator<Item = String>,
        stdout: &mut dyn Write,
        stderr: &mut dyn Write,
    ) -> u8 {
        let (key, base_url) = (self.key, self.server.uri());
        let base_url = self.names_server.then_some(base_url);
        let (now, zone, variables) = (self.now, self.zone, self.variables.clone());
        let environment = Environment {
            terminal: self.terminal,
            stderr_is_terminal: self.stderr_is_terminal,
            color: self.color,
            now: Box::new(move || now.parse().unwrap()),
            zone: Box::new(move || TimeZone::get(zone).unwrap()),
            variable: Box::new(move |name| match name {
                "KONEKTOR_API_KEY" => key.map(OsString::from),
                "KONEKTOR_BASE_URL" => base_url.clone().map(OsString::from),
                name => variables
                    .iter()
                    .find(|(known, _)| *known == name)
                    .map(|(_, value)| value.clone()),
            }),
            retries: Retries::none(),
            config_folder: self.config_folder.clone(),
            ..Environment::new(stdout, stderr)
        };
        run(words, environment)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.runtime
            .block_on(self.server.received_requests())
            .unwrap()
    }

    /// The only request.
    pub(crate) fn request(&self) -> Request {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

/// Every command as it is typed, those that only lead to others too.
pub(crate) fn commands(command: &Command) -> Vec<(String, &Command)> {
    let name = command.get_name();
    let below = command.get_subcommands().flat_map(commands);
    let below = below.map(|(words, command)| (format!("{name} {words}"), command));
    iter::once((name.to_owned(), command))
        .chain(below)
        .collect()
}

/// Says that a test did nothing, where libtest does not hide it.
pub(crate) fn skipped(what: &str) {
    let _unheard = writeln!(std::io::stderr(), "\nSKIPPED: {what}\n");
}

/// The shortest command line that calls an operation.
pub(crate) fn shortest(id: &str) -> &'static str {
    use OperationId as Id;
    let id = OperationId::named(id).unwrap_or_else(|| panic!("no operation {id}"));
    match id {
        Id::LeadsList => "konektor leads list",
        Id::LeadsGet => "konektor leads get CRM-1024",
        Id::LeadsCreate => "konektor leads create --first-name Budi",
        Id::LeadsUpdate => "konektor leads update CRM-1024 --status qualified",
        Id::LeadsUpsert => "konektor leads upsert --match-by phone --match-value 081234567890",
        Id::AnalyticsSummary => "konektor analytics summary",
        Id::AnalyticsFunnel => "konektor analytics funnel",
        Id::AnalyticsCampaigns => "konektor analytics campaigns",
        Id::ConversionsStatus => "konektor conversions status",
        Id::ConversionsPending => "konektor conversions pending",
        Id::WorkspaceShow => "konektor workspace show",
        Id::SupportTicketCreate => {
            "konektor support ticket create --subject 'A question' --message 'How?'"
        }
        Id::SkillShow => "konektor skill show",
    }
}
