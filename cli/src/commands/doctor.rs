//! `konektor doctor`: checks everything a command needs.

use clap::Args;
use konektor_sdk::{ErrorKind, jiff::Timestamp};
use konektor_spec::{Access, OperationId, Spec};
use serde_json::json;

use crate::{
    commands::LocalCommand,
    error::{Exit, Failure},
    render::{Answer, Cell, Column, Table, Tone, View},
    session::{Context, explain},
};

#[derive(Args)]
pub(crate) struct Doctor {}

impl LocalCommand for Doctor {
    const PATH: &'static [&'static str] = &["doctor"];
    const ABOUT: &'static str = "Check settings, key, server, clock and rate limit";
    const EXAMPLES: &'static str = "  konektor doctor
  konektor doctor --profile toko -o json";

    async fn run<'a>(&self, context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
        run(context).await
    }
}

/// The result of one check.
struct Finding {
    what: &'static str,
    state: State,
    words: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    /// It works, but may need attention.
    Doubtful,
    /// It fails, with this exit code.
    Bad(Exit),
}

impl Finding {
    fn new(what: &'static str, state: State, words: impl Into<String>) -> Self {
        Self {
            what,
            state,
            words: words.into(),
        }
    }

    fn from_failure(what: &'static str, failure: &Failure) -> Self {
        Self::new(what, State::Bad(failure.exit()), failure.lines().join("; "))
    }
}

/// The tolerated difference of the clocks, in seconds.
const SKEW: i64 = 30;

async fn run<'a>(context: &'a Context<'a>) -> Result<Answer<'a>, Failure> {
    let mut findings = vec![Finding::new(
        "version",
        State::Good,
        format!(
            "konektor {}, {} {}",
            env!("CARGO_PKG_VERSION"),
            Spec::builtin().title(),
            Spec::builtin().version()
        ),
    )];
    findings.extend(config(context));
    let reached = server(context, &mut findings).await;
    key(context, reached, &mut findings).await;
    answer(&findings)
}

/// Checks the settings.
fn config(context: &Context<'_>) -> Vec<Finding> {
    let settings = &context.settings;
    let unknown = settings.unknown_profile();
    let unknown = unknown.map(|failure| (State::Doubtful, failure.lines().join("; ")));
    let problems = settings.problems().iter().map(|problem| {
        let state = if problem.is_harmless() {
            State::Doubtful
        } else {
            State::Bad(problem.failure.exit())
        };
        (state, problem.failure.lines().join("; "))
    });
    let wrong: Vec<_> = problems
        .chain(unknown)
        .map(|(state, words)| Finding::new("config", state, words))
        .collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let profile = &settings.profile.text;
    vec![match settings.config.path() {
        Some(path) => {
            let words = format!("profile {profile}, {}", path.display());
            Finding::new("config", State::Good, words)
        }
        None => Finding::new("config", State::Doubtful, "no folder for the config file"),
    }]
}

/// Checks the server and the clock, by reading the guide, which needs no key.
async fn server(context: &Context<'_>, findings: &mut Vec<Finding>) -> bool {
    let server = context.settings.server();
    let guide = Spec::builtin()
        .operations()
        .iter()
        .map(|operation| &**operation)
        .find(|operation| operation.access == Access::Public);
    let path = guide.map_or("/", |operation| operation.path.as_str());
    let client = match context.client(None) {
        Ok(client) => client,
        Err(failure) => {
            findings.push(Finding::from_failure("server", &failure));
            return false;
        }
    };
    findings.extend(
        client
            .proxy()
            .map(|proxy| Finding::new("proxy", State::Good, proxy)),
    );
    let request = client.request("GET", path).send_with_meta();
    match context.send_logged("GET", path, request).await {
        Ok((reply, _)) => {
            findings.push(Finding::new(
                "server",
                State::Good,
                format!("{server} is reachable"),
            ));
            findings.extend(
                reply
                    .date
                    .map(|date| clock(date, (context.environment.now)())),
            );
            true
        }
        Err(error) => {
            let failure = explain(&error, guide, context);
            findings.push(Finding::from_failure("server", &failure));
            false
        }
    }
}

fn clock(theirs: Timestamp, ours: Timestamp) -> Finding {
    let ahead = ours.as_second() - theirs.as_second();
    match ahead {
        ahead if ahead.abs() <= SKEW => {
            Finding::new("clock", State::Good, "in sync with the server")
        }
        1.. => Finding::new(
            "clock",
            State::Doubtful,
            format!("{ahead} s ahead of the server's"),
        ),
        _ => Finding::new(
            "clock",
            State::Doubtful,
            format!("{} s behind the server's", -ahead),
        ),
    }
}

/// Checks the key and the rate limit.
async fn key(context: &Context<'_>, reached: bool, findings: &mut Vec<Finding>) {
    let source = match context.key_source() {
        Ok(Some(source)) => source.to_string(),
        Ok(None) => {
            findings.push(Finding::from_failure("key", &context.no_key()));
            return;
        }
        Err(failure) => {
            findings.push(Finding::from_failure("key", &failure));
            return;
        }
    };
    if !reached {
        findings.push(Finding::new(
            "key",
            State::Doubtful,
            format!("{source}, not checked"),
        ));
        return;
    }
    let operation = OperationId::WorkspaceShow.operation();
    let client = context
        .key_for(&Access::AnyKey)
        .and_then(|key| context.client(key.as_ref()));
    let client = match client {
        Ok(client) => client,
        Err(failure) => {
            findings.push(Finding::from_failure("key", &failure));
            return;
        }
    };
    let request = client.workspace().show().send_with_meta();
    let answer = context
        .send_logged(&operation.method, operation.path.as_str(), request)
        .await;
    let limit = match &answer {
        Ok((_, meta)) => meta.rate_limit,
        Err(error) => error.rate_limit(),
    };
    findings.push(match answer {
        Ok((workspace, _)) => Finding::new(
            "key",
            State::Good,
            format!(
                "{source}, of {} ({})",
                workspace.display_name, workspace.subscription.plan
            ),
        ),
        Err(error) if error.kind() == ErrorKind::Forbidden => Finding::new(
            "key",
            State::Doubtful,
            format!("{source}; {}", error.message()),
        ),
        Err(error) => Finding::from_failure("key", &explain(&error, Some(operation), context)),
    });
    findings.extend(limit.map(|limit| {
        let state = if limit.remaining == 0 {
            State::Doubtful
        } else {
            State::Good
        };
        let words = format!("{} of {} requests left", limit.remaining, limit.limit);
        Finding::new("rate limit", state, words)
    }));
}

fn answer<'b>(findings: &[Finding]) -> Result<Answer<'b>, Failure> {
    let word = |state| match state {
        State::Good => ("ok", Tone::Good),
        State::Doubtful => ("warn", Tone::Busy),
        State::Bad(_) => ("fail", Tone::Bad),
    };
    let json: Vec<_> = findings
        .iter()
        .map(|finding| json!({"check": finding.what, "state": word(finding.state).0, "message": finding.words}))
        .collect();
    let rows = findings.iter().map(|finding| {
        let (word, tone) = word(finding.state);
        vec![
            Cell::new(word).tone(tone),
            Cell::new(finding.what),
            Cell::new(&finding.words),
        ]
    });
    let columns = [
        Column::new("STATE"),
        Column::new("CHECK"),
        Column::new("MESSAGE").min_width(20),
    ];
    let answer = Answer::new(&json, View::Table(Table::new(columns, rows)))?;
    let exit = findings.iter().find_map(|finding| match finding.state {
        State::Bad(exit) => Some(exit),
        _ => None,
    });
    Ok(answer.with_exit(exit.unwrap_or(Exit::Done)))
}
