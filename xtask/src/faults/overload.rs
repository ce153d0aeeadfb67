//! More concurrent requests than the server executes at a time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

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

const CLIENTS: usize = 600;
const DURATION: Duration = Duration::from_secs(10);

/// The latency bound for pages that need no database. The clients compete with the server for the
/// CPU, so this is as long as a typical health check waits.
const PAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// Checks that every write is either executed or refused with `Retry-After`, and that pages which
/// need no database stay fast.
pub(super) fn run(config: &Config) -> Result<String> {
    let database = Database::start(config.engine)?;
    let deployment = Deployment::start(config.program, &database.url(), None)?;
    let stopped = AtomicBool::new(false);
    let (calls, pages) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|number| {
                let (deployment, stopped) = (&deployment, &stopped);
                scope.spawn(move || write_until(deployment, number, stopped))
            })
            .collect();
        let pages = scope.spawn(|| read_pages_until(&deployment, &stopped));
        thread::sleep(DURATION);
        stopped.store(true, Ordering::Relaxed);
        let calls = clients.into_iter().filter_map(|client| client.join().ok());
        let calls: Vec<_> = calls.flatten().collect();
        (calls, pages.join().unwrap_or_default())
    });
    process::check_interrupted()?;
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    for call in &calls {
        let status = call.status();
        let error = call.outcome.as_ref().err();
        match () {
            () if call.is_success() => served.push(call.elapsed),
            () if call.is_retryable() => refused.push(call.elapsed),
            () => ensure!(false, "unexpected outcome of a write: {status:?} {error:?}"),
        }
    }
    served.sort();
    refused.sort();
    let failed = pages.iter().filter(|page| !page.is_success()).count();
    let mut pages: Vec<_> = pages.iter().map(|page| page.elapsed).collect();
    pages.sort();
    let page = percentile(&pages, 99);
    ensure!(failed == 0, "{failed} page requests failed");
    ensure!(page <= PAGE_TIMEOUT, "p99 of the pages is {}", ms(page));
    Ok(format!(
        "{CLIENTS} clients: {} served (p50 {}, p99 {}), {} refused (p99 {}); pages p99 {}",
        served.len(),
        ms(percentile(&served, 50)),
        ms(percentile(&served, 99)),
        refused.len(),
        ms(percentile(&refused, 99)),
        ms(page)
    ))
}

fn write_until(deployment: &Deployment, number: usize, stopped: &AtomicBool) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        let notes = format!("overload-{number}-{}", calls.len());
        let request = Request::create(&notes);
        let call = Call::send(&mut client, notes, &request);
        if call.is_retryable() {
            thread::sleep(Duration::from_secs(1));
        }
        calls.push(call);
    }
    calls
}

fn read_pages_until(deployment: &Deployment, stopped: &AtomicBool) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        for page in ["/healthz", "/api/v2/agent/SKILL.md"] {
            calls.push(Call::send(&mut client, page.into(), &Request::get(page)));
        }
        thread::sleep(Duration::from_millis(50));
    }
    calls
}
