//! Requests that only mean harm are answered at once, on a workspace of many leads.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::{
    callers::Call,
    setting::{Setting, ms, percentile},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const LEADS: u32 = 20_000;

/// How long such an answer may take.
const SOON: Duration = Duration::from_millis(100);

/// How often each is asked for; what the machine does beside it is no fault of the server.
const TIMES: usize = 20;

pub(super) fn run(setting: &Setting) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let deployment = Deployment::start(setting.program, &database.url(), None)?;
    deployment.seed(LEADS)?;
    let mut client = Client::of(&deployment);
    let mut all = Vec::new();
    let mut slowest = ("", Duration::ZERO);
    for (what, request, expected) in &hostile() {
        process::check_interrupted()?;
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let call = Call::make(&mut client, String::new(), request);
            let status = call.status().unwrap_or_default();
            ensure!(expected.contains(&status), "{what} was answered {status}");
            times.push(call.took);
        }
        times.sort();
        let median = percentile(&times, 50);
        ensure!(median < SOON, "{what} took {}", ms(median));
        if median > slowest.1 {
            slowest = (what, median);
        }
        all.extend(times);
    }
    all.sort();
    Ok(format!(
        "{} answers on {LEADS} leads: p50 {}, p99 {}; slowest kind: {}, {}",
        all.len(),
        ms(percentile(&all, 50)),
        ms(percentile(&all, 99)),
        slowest.0,
        ms(slowest.1)
    ))
}

/// What each is, and what it may be answered.
fn hostile() -> Vec<(&'static str, Request, &'static [u16])> {
    let list = |query: &str| Request::get(format!("/api/v2/agent/leads?{query}"));
    let post = |body: String| Request {
        body: Some(body),
        ..Request::create("refused")
    };
    vec![
        ("a page far past the end", list("page=1000000"), &[200]),
        (
            "the last page a number can name",
            list("page=9223372036854775807&limit=100"),
            &[200, 400],
        ),
        (
            "a page past all numbers",
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
            "a search for anything",
            list("search=%25%27%20or%20true%20--"),
            &[200, 400],
        ),
        (
            "a huge body",
            post(format!("{{\"firstName\":\"{}\"}}", "x".repeat(1_000_000))),
            &[413],
        ),
        ("a deep body", post("[".repeat(60_000)), &[400]),
        (
            "a body of many names",
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
