//! `cargo xtask bench server`: measures the CPU time of a request of each kind.
//!
//! The figure is the user and system time of the whole server process, which depends little on other
//! load on the machine. To compare several builds, pass `--program` repeatedly: each gets its own
//! database with the same leads, and each round measures all of them.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{
    client::{Client, Request},
    deployment::{self, Database, Deployment, Engine},
    process,
};

/// The arguments of `cargo xtask bench server`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Number of leads in the workspace
    #[arg(long, default_value_t = 100_000)]
    leads: u32,
    /// Database under the server
    #[arg(long, value_enum, default_value_t = Engine::Sqlite)]
    engine: Engine,
    /// Number of concurrent connections
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Number of rounds; the lowest figure counts
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// Duration of each kind of request in a round, in milliseconds
    #[arg(long, default_value_t = 1_000)]
    millis: u64,
    /// Measure this konektor-server instead of building one; can be repeated
    #[arg(long, value_name = "FILE")]
    program: Vec<PathBuf>,
}

/// A kind of request.
struct Kind {
    name: &'static str,
    with_key: bool,
    statuses: &'static [u16],
    /// The requests, sent in rotation.
    samples: Vec<Request>,
}

/// A running server and the requests to measure.
struct Subject {
    deployment: Deployment,
    kinds: Vec<Kind>,
    /// The lowest CPU time of each kind so far.
    lowest: Vec<Duration>,
    _database: Database,
}

/// Measures every program and prints a table.
///
/// # Errors
///
/// If a server does not start or responds with an unexpected status.
pub(crate) fn run(args: &Args) -> Result<()> {
    let programs = if args.program.is_empty() {
        vec![deployment::build_server()?]
    } else {
        args.program.clone()
    };
    let mut subjects = programs
        .iter()
        .map(|program| Subject::start(program, args))
        .collect::<Result<Vec<_>>>()?;
    for _ in 0..args.rounds.max(1) {
        for kind in 0..subjects[0].kinds.len() {
            for subject in &mut subjects {
                let cost = subject.measure(kind, args)?;
                subject.lowest[kind] = subject.lowest[kind].min(cost);
                process::check_interrupted()?;
            }
        }
    }
    print(args, &programs, &subjects);
    Ok(())
}

impl Subject {
    fn start(program: &Path, args: &Args) -> Result<Self> {
        let database = Database::start(args.engine)?;
        let deployment = Deployment::start(program, &database.url(), None)?;
        deployment.seed(args.leads)?;
        let kinds = kinds(&deployment)?;
        Ok(Self {
            lowest: vec![Duration::MAX; kinds.len()],
            kinds,
            deployment,
            _database: database,
        })
    }

    /// Measures the CPU time of a request of a kind.
    fn measure(&self, kind: usize, args: &Args) -> Result<Duration> {
        let kind = &self.kinds[kind];
        // The first requests open the connections and fill the caches.
        let mut clients: Vec<Client> = (0..args.connections.max(1))
            .map(|_| kind.client(&self.deployment))
            .collect();
        for client in &mut clients {
            kind.send(client, 0)?;
        }
        let before = self.deployment.server.cpu_time()?;
        let (end, next) = (
            Instant::now() + Duration::from_millis(args.millis),
            AtomicUsize::new(0),
        );
        thread::scope(|scope| {
            let senders: Vec<_> = clients
                .iter_mut()
                .map(|client| {
                    let next = &next;
                    scope.spawn(move || -> Result<()> {
                        while Instant::now() < end {
                            kind.send(client, next.fetch_add(1, Ordering::Relaxed))?;
                        }
                        Ok(())
                    })
                })
                .collect();
            senders.into_iter().try_for_each(|sender| {
                let result = sender.join();
                result.unwrap_or_else(|_| bail!("a sender panicked"))
            })
        })?;
        let spent = self.deployment.server.cpu_time()?.saturating_sub(before);
        let requests = u32::try_from(next.into_inner())?;
        ensure!(requests > 0, "no request was sent");
        Ok(spent / requests)
    }
}

impl Kind {
    fn client(&self, deployment: &Deployment) -> Client {
        if self.with_key {
            Client::new(deployment)
        } else {
            Client::without_key(deployment)
        }
    }

    fn send(&self, client: &mut Client, number: usize) -> Result<()> {
        let request = &self.samples[number % self.samples.len()];
        match client.call(request) {
            Ok(response) => ensure!(
                self.statuses.contains(&response.status),
                "{}: status {} instead of {:?}: {}",
                self.name,
                response.status,
                self.statuses,
                response.body
            ),
            Err(failure) => bail!("{}: {failure:?}", self.name),
        }
        Ok(())
    }
}

/// Builds the requests of each kind from the leads in the workspace.
fn kinds(deployment: &Deployment) -> Result<Vec<Kind>> {
    const BASE: &str = "/api/v2/agent";
    let mut client = Client::new(deployment);
    let page = client
        .call(&Request::get(format!("{BASE}/leads?limit=100")))
        .ok()
        .context("could not list the leads")?
        .json();
    let leads = page["data"]
        .as_array()
        .context("the response has no leads")?;
    let of_leads = |path: &dyn Fn(&Value) -> Option<String>| -> Vec<Request> {
        let paths = leads.iter().filter_map(path);
        paths
            .map(|path| Request::get(format!("{BASE}/{path}")))
            .collect()
    };
    let text = |lead: &Value, field: &str| lead[field].as_str().map(str::to_owned);
    let cursor = page["pagination"]["nextCursor"]
        .as_str()
        .context("the list has no next page")?;
    let get = |path: &str| vec![Request::get(format!("{BASE}/{path}"))];
    let kind = |name, samples| Kind {
        name,
        with_key: true,
        statuses: &[200],
        samples,
    };
    let search = |terms: &dyn Fn(&Value) -> Option<String>| {
        of_leads(&|lead| Some(format!("leads?search={}", terms(lead)?)))
    };
    let kinds = vec![
        Kind {
            with_key: false,
            // 429 once failed authentications are throttled.
            statuses: &[401, 429],
            ..kind("without a key", get("leads?limit=50"))
        },
        Kind {
            with_key: false,
            ..kind("SKILL.md", get("SKILL.md"))
        },
        kind(
            "get",
            of_leads(&|lead| Some(format!("leads/{}", text(lead, "id")?))),
        ),
        kind("list of 50", get("leads?limit=50")),
        kind(
            "next page by cursor",
            get(&format!("leads?limit=50&cursor={cursor}")),
        ),
        kind(
            "search by phone",
            search(&|lead| Some(text(lead, "phone")?.replace('+', "%2B"))),
        ),
        kind(
            "search by first name",
            search(&|lead| text(lead, "firstName")),
        ),
        kind(
            "search by first and last name",
            search(&|lead| {
                Some(format!(
                    "{}+{}",
                    text(lead, "firstName")?,
                    text(lead, "lastName")?
                ))
            }),
        ),
        kind("summary, 30 days", get("analytics/summary")),
        Kind {
            statuses: &[201],
            ..kind(
                "create",
                vec![Request {
                    method: "POST",
                    path: format!("{BASE}/leads"),
                    body: Some(r#"{"firstName":"Budi","campaignName":"Bench"}"#.into()),
                    idempotency_key: None,
                }],
            )
        },
    ];
    if let Some(empty) = kinds.iter().find(|kind| kind.samples.is_empty()) {
        bail!("no lead has the fields for the request: {}", empty.name);
    }
    Ok(kinds)
}

/// Prints a Markdown table of the CPU times, with the ratio of each program to the first one.
fn print(args: &Args, programs: &[PathBuf], subjects: &[Subject]) {
    println!(
        "\nCPU time per request in µs: {} leads on {}, {} connections, lowest of {} rounds\n",
        args.leads, args.engine, args.connections, args.rounds
    );
    for (number, program) in programs.iter().enumerate() {
        println!("{}: {}", number + 1, program.display());
    }
    let mut head = vec!["request".to_owned()];
    let mut rule = vec!["---".to_owned()];
    for number in 1..=programs.len() {
        head.push(number.to_string());
        rule.push("---:".to_owned());
        if number > 1 {
            head.push(format!("1 ÷ {number}"));
            rule.push("---:".to_owned());
        }
    }
    println!("\n{}\n{}", row(&head), row(&rule));
    for (at, kind) in subjects[0].kinds.iter().enumerate() {
        let first = subjects[0].lowest[at].as_secs_f64();
        let mut cells = vec![kind.name.to_owned()];
        for (number, subject) in subjects.iter().enumerate() {
            let seconds = subject.lowest[at].as_secs_f64();
            cells.push(format!("{:.0}", seconds * 1e6));
            if number > 0 {
                cells.push(format!("{:.1}", first / seconds));
            }
        }
        println!("{}", row(&cells));
    }
}

fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}
