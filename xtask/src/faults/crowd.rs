//! More requests at once than the server carries out.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use anyhow::{Result, ensure};

use super::{
    callers::Call,
    outage::{asks_to_come_back, is_well},
    setting::{Setting, ms, percentile},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const CROWD: usize = 600;
const TIME: Duration = Duration::from_secs(10);

/// What a page may take that needs no database, while the crowd has the machine's processors as
/// well: no longer than a health check waits.
const PAGE: Duration = Duration::from_secs(2);

/// Everybody is served or told to come back; who asks for no work waits for nobody.
pub(super) fn run(setting: &Setting) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let deployment = Deployment::start(setting.program, &database.url(), None)?;
    let ended = AtomicBool::new(false);
    let (calls, pages) = thread::scope(|scope| {
        let crowd: Vec<_> = (0..CROWD)
            .map(|number| {
                let (deployment, ended) = (&deployment, &ended);
                scope.spawn(move || write_until(deployment, number, ended))
            })
            .collect();
        let pages = scope.spawn(|| read_pages_until(&deployment, &ended));
        thread::sleep(TIME);
        ended.store(true, Ordering::Relaxed);
        let calls = crowd.into_iter().filter_map(|caller| caller.join().ok());
        let calls: Vec<_> = calls.flatten().collect();
        (calls, pages.join().unwrap_or_default())
    });
    process::check_interrupted()?;
    let (mut served, mut refused) = (Vec::new(), Vec::new());
    for call in &calls {
        let answered = call.status();
        let error = call.outcome.as_ref().err();
        match () {
            () if is_well(call) => served.push(call.took),
            () if asks_to_come_back(call) => refused.push(call.took),
            () => ensure!(false, "a call had {answered:?} {error:?}"),
        }
    }
    served.sort();
    refused.sort();
    let unwell = pages.iter().filter(|page| !is_well(page)).count();
    let mut pages: Vec<_> = pages.iter().map(|page| page.took).collect();
    pages.sort();
    let page = percentile(&pages, 99);
    ensure!(unwell == 0, "{unwell} pages were not answered");
    ensure!(page <= PAGE, "a page took {}", ms(page));
    Ok(format!(
        "{CROWD} at once: {} served (p50 {}, p99 {}), {} told to come back (p99 {}); pages p99 {}",
        served.len(),
        ms(percentile(&served, 50)),
        ms(percentile(&served, 99)),
        refused.len(),
        ms(percentile(&refused, 99)),
        ms(page)
    ))
}

fn write_until(deployment: &Deployment, number: usize, ended: &AtomicBool) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let notes = format!("crowd-{number}-{}", calls.len());
        let request = Request::create(&notes);
        let call = Call::make(&mut client, notes, &request);
        if asks_to_come_back(&call) {
            thread::sleep(Duration::from_secs(1));
        }
        calls.push(call);
    }
    calls
}

fn read_pages_until(deployment: &Deployment, ended: &AtomicBool) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        for page in ["/healthz", "/api/v2/agent/SKILL.md"] {
            calls.push(Call::make(&mut client, page.into(), &Request::get(page)));
        }
        thread::sleep(Duration::from_millis(50));
    }
    calls
}
