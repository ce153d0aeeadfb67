//! A database that crashes, becomes unreachable, freezes or is slow, under load.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    calls::{Call, check_leads},
    config::Config,
    proxy::Proxy,
    stats::ms,
};
use crate::{
    client::{Client, REQUEST_TIMEOUT, Request},
    deployment::Deployment,
    postgres::{self, Postgres},
    process,
};

/// The number of concurrent clients. Half of them write.
const CLIENTS: usize = 16;

/// How long the server may take to recover after the fault.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(5);

/// How long `/readyz` may take to report the fault.
const DETECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// The latency bound for pages that need no database.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1);

/// Crashes PostgreSQL and restarts it.
pub(super) fn crash(config: &Config) -> Result<String> {
    postgres::install()?;
    let mut postgres = Postgres::start_durable()?;
    let deployment = Deployment::start(config.program, &postgres.url(), None)?;
    let outage = Outage {
        duration: Duration::from_secs(10),
        is_expected: Call::is_retryable,
    };
    outage.run(&deployment, |observe| {
        postgres.crash()?;
        observe()?;
        postgres.restart()
    })
}

/// Drops all packets to and from PostgreSQL, then routes new connections to it again.
pub(super) fn unreachable(config: &Config) -> Result<String> {
    let (_postgres, proxy, deployment) = start_behind_proxy(config)?;
    let outage = Outage {
        duration: Duration::from_secs(25),
        is_expected: Call::is_retryable,
    };
    outage.run(&deployment, |observe| {
        proxy.disconnect();
        observe()?;
        proxy.reconnect();
        Ok(())
    })
}

/// Freezes PostgreSQL for longer than the timeout of a request.
pub(super) fn frozen(config: &Config) -> Result<String> {
    postgres::install()?;
    let postgres = Postgres::start_durable()?;
    let deployment = Deployment::start(config.program, &postgres.url(), None)?;
    let outage = Outage {
        duration: Duration::from_secs(25),
        is_expected: Call::is_retryable,
    };
    outage.run(&deployment, |observe| {
        let frozen = postgres.freeze()?;
        observe()?;
        drop(frozen);
        Ok(())
    })
}

/// Adds seconds of latency to every message to and from PostgreSQL.
pub(super) fn slow(config: &Config) -> Result<String> {
    let (_postgres, proxy, deployment) = start_behind_proxy(config)?;
    let outage = Outage {
        duration: Duration::from_secs(25),
        is_expected: |call| call.is_retryable() || call.is_success(),
    };
    outage.run(&deployment, |observe| {
        proxy.delay(Duration::from_millis(1_500));
        observe()?;
        proxy.delay(Duration::ZERO);
        Ok(())
    })
}

/// Starts a server that reaches PostgreSQL through a proxy.
fn start_behind_proxy(config: &Config) -> Result<(Postgres, Proxy, Deployment)> {
    postgres::install()?;
    let postgres = Postgres::start_durable()?;
    let proxy = Proxy::new(postgres.port())?;
    let deployment = Deployment::start(config.program, &postgres::url(proxy.port()), None)?;
    Ok((postgres, proxy, deployment))
}

/// A fault of limited duration, and the outcome that is expected meanwhile.
pub(super) struct Outage {
    pub(super) duration: Duration,
    /// Whether the outcome of a call during the fault is acceptable.
    pub(super) is_expected: fn(&Call) -> bool,
}

impl Outage {
    /// Injects a fault under load and checks all responses before, during and after it.
    ///
    /// `inject` causes the fault, calls its argument to observe the server for the duration of the
    /// outage, and repairs the fault.
    pub(super) fn run(
        &self,
        deployment: &Deployment,
        inject: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<String> {
        let stopped = AtomicBool::new(false);
        let (timeline, calls) = thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let stopped = &stopped;
                    scope.spawn(move || call_until(deployment, number, stopped))
                })
                .collect();
            let timeline = self.inject(deployment, inject);
            stopped.store(true, Ordering::Relaxed);
            let calls = clients.into_iter().filter_map(|client| client.join().ok());
            (timeline, calls.flatten().collect::<Vec<_>>())
        });
        let timeline = timeline?;
        self.check(deployment, &timeline, &calls)
    }

    /// Injects the fault and waits until the server has recovered from it.
    fn inject(
        &self,
        deployment: &Deployment,
        inject: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<Timeline> {
        thread::sleep(Duration::from_secs(2));
        let injection_started = Instant::now();
        let mut observed = None;
        inject(&mut || {
            let injected = Instant::now();
            let detected_after = self.observe(deployment)?;
            observed = Some((injected, detected_after, Instant::now()));
            Ok(())
        })?;
        let (injected, detected_after, repair_started) =
            observed.context("the outage was not observed")?;
        let repaired = Instant::now();
        let probes = wait_until_recovered(deployment, repaired)?;
        let recovered = Instant::now();
        thread::sleep(Duration::from_secs(2));
        Ok(Timeline {
            injection_started,
            injected,
            detected_after,
            repair_started,
            repaired,
            recovered,
            probes,
        })
    }

    /// Checks during the fault that `/readyz` reports it and that pages which need no database stay
    /// fast. Returns how long `/readyz` took to report it.
    fn observe(&self, deployment: &Deployment) -> Result<Duration> {
        let mut client = Client::new(deployment);
        let started = Instant::now();
        let mut detected_after = None;
        while started.elapsed() < self.duration {
            process::check_interrupted()?;
            for page in ["/healthz", "/api/v2/agent/SKILL.md"] {
                let call = Call::send(&mut client, page.into(), &Request::get(page));
                ensure!(
                    call.status() == Some(200) && call.elapsed < PAGE_TIMEOUT,
                    "{page} returned {:?} after {}",
                    call.status(),
                    ms(call.elapsed)
                );
            }
            let ready = Call::send(&mut client, String::new(), &Request::get("/readyz"));
            if ready.is_retryable() {
                detected_after.get_or_insert(started.elapsed());
            } else if started.elapsed() > DETECTION_TIMEOUT {
                bail!("/readyz returned {:?} during the fault", ready.status());
            }
            thread::sleep(Duration::from_millis(250));
        }
        detected_after.context("/readyz did not report the fault")
    }

    fn check(
        &self,
        deployment: &Deployment,
        timeline: &Timeline,
        calls: &[Call],
    ) -> Result<String> {
        let mut refused = 0;
        let mut slowest = Duration::ZERO;
        for call in calls {
            let (started, finished) = (call.started, call.started + call.elapsed);
            ensure!(
                call.elapsed <= REQUEST_TIMEOUT,
                "a request took {}",
                ms(call.elapsed)
            );
            let during = started > timeline.injected && finished < timeline.repair_started;
            let outside = finished < timeline.injection_started || started > timeline.recovered;
            let is_expected = match (during, outside) {
                (true, _) => (self.is_expected)(call),
                (_, true) => call.is_success(),
                // Overlaps the start or the end of the fault.
                _ => call.is_success() || call.is_retryable(),
            };
            ensure!(
                is_expected,
                "unexpected outcome of a request {} the fault: {:?} ({:?})",
                if outside { "outside" } else { "during" },
                call.status(),
                call.outcome.as_ref().err()
            );
            if during {
                slowest = slowest.max(call.elapsed);
                refused += u32::from(call.is_retryable());
            }
        }
        ensure!(refused > 0, "no request was refused during the fault");
        let is_write = |call: &&Call| call.notes.starts_with("outage");
        let (acknowledged, others): (Vec<_>, Vec<_>) = calls
            .iter()
            .filter(is_write)
            .partition(|call| call.is_acknowledged());
        // 503 promises that nothing was written, so those leads must not exist.
        let is_undone = |call: &&Call| call.status() == Some(503);
        let (undone, uncertain): (Vec<_>, Vec<_>) = others.into_iter().partition(is_undone);
        let notes = |calls: Vec<&Call>| calls.iter().map(|call| call.notes.clone()).collect();
        let acknowledged: Vec<String> = notes(acknowledged);
        let uncertain: Vec<String> = notes(uncertain);
        let may_exist = [uncertain.clone(), timeline.probes.clone()].concat();
        check_leads(deployment, &acknowledged, &may_exist)?;
        Ok(format!(
            "{refused} refused, within {} at most; not ready after {}; recovered after {}; {} \
             acknowledged, 0 lost; {} answered 503, 0 written; {} uncertain",
            ms(slowest),
            ms(timeline.detected_after),
            ms(timeline.recovered - timeline.repaired),
            acknowledged.len(),
            undone.len(),
            uncertain.len()
        ))
    }
}

/// The times of an outage.
struct Timeline {
    injection_started: Instant,
    injected: Instant,
    /// How long `/readyz` took to report the fault.
    detected_after: Duration,
    repair_started: Instant,
    repaired: Instant,
    recovered: Instant,
    /// The notes of the leads that were written to detect the recovery.
    probes: Vec<String>,
}

/// Waits until the server is ready, reads and writes, for at most [`RECOVERY_TIMEOUT`]. Returns the
/// notes of the leads that it wrote.
fn wait_until_recovered(deployment: &Deployment, repaired: Instant) -> Result<Vec<String>> {
    let mut client = Client::new(deployment);
    let mut probes = Vec::new();
    loop {
        let ready = Call::send(&mut client, String::new(), &Request::get("/readyz"));
        let list = Request::get("/api/v2/agent/leads?limit=1");
        let read = Call::send(&mut client, String::new(), &list);
        let notes = format!("probe-{}", probes.len());
        let request = Request::create(&notes);
        let write = Call::send(&mut client, notes.clone(), &request);
        probes.push(notes);
        let elapsed = repaired.elapsed();
        if [&ready, &read, &write].into_iter().all(Call::is_success) {
            ensure!(
                elapsed <= RECOVERY_TIMEOUT,
                "the server recovered only after {}",
                ms(elapsed)
            );
            return Ok(probes);
        }
        // Waits longer than allowed, to report how long the recovery takes.
        ensure!(
            elapsed <= RECOVERY_TIMEOUT * 3,
            "not recovered after {}: /readyz returned {:?}, a read {:?}, a write {:?}",
            ms(elapsed),
            ready.status(),
            read.status(),
            write.status()
        );
        process::check_interrupted()?;
        thread::sleep(Duration::from_millis(50));
    }
}

fn call_until(deployment: &Deployment, number: usize, stopped: &AtomicBool) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        let call = if number.is_multiple_of(2) {
            let notes = format!("outage-{number}-{}", calls.len());
            let request = Request::create(&notes);
            Call::send(&mut client, notes, &request)
        } else {
            let list = Request::get("/api/v2/agent/leads?limit=10");
            Call::send(&mut client, String::new(), &list)
        };
        calls.push(call);
        thread::sleep(Duration::from_millis(20));
    }
    calls
}
