//! Malicious requests on a large workspace, which the server must handle quickly.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{
    calls::Call,
    config::Config,
    stats::{ms, percentile},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const LEADS: u32 = 20_000;

/// The bound of the median latency of each kind of request.
const MAX_MEDIAN: Duration = Duration::from_millis(100);

/// The number of requests of each kind. The median of several is insensitive to other load on the
/// machine.
const SAMPLES: usize = 20;

/// Sends every kind of malicious request and checks the status and the latency.
pub(super) fn run(config: &Config) -> Result<String> {
    let database = Database::start(config.engine)?;
    let deployment = Deployment::start(config.program, &database.url(), None)?;
    deployment.seed(LEADS)?;
    let mut client = Client::new(&deployment);
    let mut all = Vec::new();
    let mut slowest = ("", Duration::ZERO);
    for (name, request, expected) in &requests() {
        process::check_interrupted()?;
        let mut latencies = Vec::new();
        for _ in 0..SAMPLES {
            let call = Call::send(&mut client, String::new(), request);
            let status = call.status().unwrap_or_default();
            ensure!(expected.contains(&status), "{name} returned {status}");
            latencies.push(call.elapsed);
        }
        latencies.sort();
        let median = percentile(&latencies, 50);
        ensure!(
            median < MAX_MEDIAN,
            "the median latency of {name} is {}",
            ms(median)
        );
        if median > slowest.1 {
            slowest = (name, median);
        }
        all.extend(latencies);
    }
    all.sort();
    Ok(format!(
        "{} requests on {LEADS} leads: p50 {}, p99 {}; slowest kind: {}, {}",
        all.len(),
        ms(percentile(&all, 50)),
        ms(percentile(&all, 99)),
        slowest.0,
        ms(slowest.1)
    ))
}

/// Returns the name, the request and the expected statuses of each kind.
fn requests() -> Vec<(&'static str, Request, &'static [u16])> {
    let list = |query: &str| Request::get(format!("/api/v2/agent/leads?{query}"));
    let post = |body: String| Request {
        body: Some(body),
        ..Request::create("refused")
    };
    vec![
        ("a page past the end", list("page=1000000"), &[200]),
        (
            "the largest page number",
            list("page=9223372036854775807&limit=100"),
            &[200, 400],
        ),
        (
            "a page number that overflows",
            list("page=99999999999999999999999"),
            &[400],
        ),
        (
            "a forged cursor",
            list(&format!("cursor={}", "A".repeat(200))),
            &[400],
        ),
        (
            "a huge cursor",
            list(&format!("cursor={}", "A".repeat(20_000))),
            &[400],
        ),
        (
            "a search with wildcards and SQL",
            list("search=%25%27%20or%20true%20--"),
            &[200, 400],
        ),
        (
            "a huge body",
            post(format!("{{\"firstName\":\"{}\"}}", "x".repeat(1_000_000))),
            &[413],
        ),
        ("a deeply nested body", post("[".repeat(60_000)), &[400]),
        (
            "a body with many duplicate keys",
            post(format!("{{{}\"a\":1}}", "\"a\":1,".repeat(10_000))),
            &[400],
        ),
        (
            "a huge idempotency key",
            Request {
                idempotency_key: Some("x".repeat(10_000)),
                ..Request::create("refused")
            },
            &[400],
        ),
    ]
}
