//! A graceful shutdown during a burst of writes, some of which arrive slowly.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    calls::{self, Call, check_leads},
    config::Config,
    stats::ms,
};
use crate::{
    client::{Client, Failure, Request},
    deployment::{Database, Deployment},
    process,
};

/// How long the shutdown may take.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(15);

/// Writers that pause in the middle of each request, so that the shutdown begins meanwhile.
const SLOW_WRITERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(300);

/// Checks that the server responds to every request that had begun, exits with 0 and loses no write.
pub(super) fn run(config: &Config) -> Result<String> {
    let database = Database::start(config.engine)?;
    let mut deployment = Deployment::start(config.program, &database.url(), None)?;
    let mut acknowledged = Vec::new();
    let mut uncertain = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut in_flight = 0;
    for round in 0..config.rounds {
        process::check_interrupted()?;
        let (signalled, calls) = burst(&deployment, round)?;
        let status = deployment
            .server
            .wait_timeout(SHUTDOWN_TIMEOUT)?
            .context("the server did not exit")?;
        slowest = slowest.max(signalled.elapsed());
        ensure!(status.success(), "the server exited with {status}");
        for call in calls {
            let had_begun = call.started < signalled;
            in_flight += u32::from(had_begun && call.started + call.elapsed > signalled);
            match &call.outcome {
                Ok(response) if response.status == 201 => acknowledged.push(call.notes),
                Ok(response) => ensure!(false, "a write returned {}", response.status),
                Err(Failure::Unreachable) => {}
                Err(failure) if had_begun => {
                    let before = ms(signalled - call.started);
                    ensure!(
                        false,
                        "a request sent {before} before the signal had no response: {failure:?}"
                    );
                }
                Err(_) => uncertain.push(call.notes),
            }
        }
        deployment.server.restart()?;
    }
    check_leads(&deployment, &acknowledged, &uncertain)?;
    Ok(format!(
        "{} rounds: {in_flight} requests in flight, all served; exit code 0 within {}; {} sent too late",
        config.rounds,
        ms(slowest),
        uncertain.len()
    ))
}

/// Signals the server during a burst of writes. Returns the time of the signal and all calls.
fn burst(deployment: &Deployment, round: u32) -> Result<(Instant, Vec<Call>)> {
    let stopped = AtomicBool::new(false);
    thread::scope(|scope| {
        let slow: Vec<_> = (0..SLOW_WRITERS)
            .map(|writer| {
                let (name, stopped) = (format!("slow-{round}-{writer}"), &stopped);
                scope.spawn(move || write_slowly(deployment, &name, stopped))
            })
            .collect();
        let (signalled, mut calls) = calls::burst(deployment, round, || {
            let signalled = Instant::now();
            deployment.server.terminate().map(|()| signalled)
        });
        stopped.store(true, Ordering::Relaxed);
        for writer in slow {
            calls.extend(writer.join().unwrap_or_default());
        }
        Ok((signalled?, calls))
    })
}

fn write_slowly(deployment: &Deployment, name: &str, stopped: &AtomicBool) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        let notes = format!("{name}-{}", calls.len());
        let started = Instant::now();
        let outcome = client.call_slowly(&Request::create(&notes), PAUSE);
        let failed = outcome.is_err();
        calls.push(Call {
            notes,
            started,
            elapsed: started.elapsed(),
            outcome,
        });
        if failed {
            break;
        }
    }
    calls
}
