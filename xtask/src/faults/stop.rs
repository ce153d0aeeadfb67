//! The server is told to stop while everybody writes, some of them slowly.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::{
    callers::{self, Call, check_leads},
    setting::{Setting, ms},
};
use crate::{
    client::{Client, Failure, Request},
    deployment::{Database, Deployment},
    process,
};

/// How long it may take to end.
const END: Duration = Duration::from_secs(15);

/// Whose request takes so long to arrive that the stop comes in between.
const SLOW_WRITERS: usize = 8;
const PAUSE: Duration = Duration::from_millis(300);

/// What had begun is answered, the exit code is 0, and nothing is lost.
pub(super) fn run(setting: &Setting) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let mut deployment = Deployment::start(setting.program, &database.url(), None)?;
    let mut acknowledged = Vec::new();
    let mut may_be = Vec::new();
    let mut slowest = Duration::ZERO;
    let mut under_way = 0;
    for round in 0..setting.rounds {
        process::check_interrupted()?;
        let (told, calls) = burst(&deployment, round)?;
        let status = deployment
            .server
            .end_within(END)?
            .context("it does not end")?;
        slowest = slowest.max(told.elapsed());
        ensure!(status.success(), "it ended with {status}");
        for call in calls {
            let begun = call.began < told;
            under_way += u32::from(begun && call.began + call.took > told);
            match &call.outcome {
                Ok(answer) if answer.status == 201 => acknowledged.push(call.notes),
                Ok(answer) => ensure!(false, "a lead was answered {}", answer.status),
                Err(Failure::Unreachable) => {}
                Err(failure) if begun => {
                    let before = ms(told - call.began);
                    ensure!(
                        false,
                        "a request sent {before} before had no answer: {failure:?}"
                    );
                }
                Err(_) => may_be.push(call.notes),
            }
        }
        deployment.server.start_again()?;
    }
    check_leads(&deployment, &acknowledged, &may_be)?;
    Ok(format!(
        "{} rounds: {under_way} requests under way, all answered; exit 0 within {}; {} sent too late",
        setting.rounds,
        ms(slowest),
        may_be.len()
    ))
}

/// Writes until the server has stopped; when it was told to.
fn burst(deployment: &Deployment, round: u32) -> Result<(Instant, Vec<Call>)> {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let slow: Vec<_> = (0..SLOW_WRITERS)
            .map(|writer| {
                let (name, ended) = (format!("slow-{round}-{writer}"), &ended);
                scope.spawn(move || write_slowly(deployment, &name, ended))
            })
            .collect();
        let (told, mut calls) = callers::burst(deployment, round, || {
            let told = Instant::now();
            deployment.server.terminate().map(|()| told)
        });
        ended.store(true, Ordering::Relaxed);
        for writer in slow {
            calls.extend(writer.join().unwrap_or_default());
        }
        Ok((told?, calls))
    })
}

fn write_slowly(deployment: &Deployment, name: &str, ended: &AtomicBool) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let notes = format!("{name}-{}", calls.len());
        let began = Instant::now();
        let outcome = client.call_slowly(&Request::create(&notes), PAUSE);
        let is_over = outcome.is_err();
        calls.push(Call {
            notes,
            began,
            took: began.elapsed(),
            outcome,
        });
        if is_over {
            break;
        }
    }
    calls
}
