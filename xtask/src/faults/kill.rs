//! A server that is killed repeatedly during a burst of writes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{
    calls::{self, Call, check_leads},
    config::Config,
    stats::ms,
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

/// How long the server may take to become ready after a restart.
const READY_TIMEOUT: Duration = Duration::from_secs(5);

/// Kills the server repeatedly during a burst of writes and checks that every acknowledged lead
/// exists once.
///
/// After each restart, every request without a response is retried under its `Idempotency-Key`.
pub(super) fn run(config: &Config) -> Result<String> {
    let database = Database::start(config.engine)?;
    let mut deployment = Deployment::start(config.program, &database.url(), None)?;
    let mut acknowledged = Vec::new();
    let mut retried = 0;
    let mut replayed = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..config.rounds {
        process::check_interrupted()?;
        let unanswered = burst(&mut deployment, round, &mut acknowledged)?;
        slowest = slowest.max(deployment.server.restart()?);
        retried += unanswered.len();
        for notes in unanswered {
            replayed += u32::from(retry(&deployment, &notes)?);
            acknowledged.push(notes);
        }
    }
    check_leads(&deployment, &acknowledged, &[])?;
    ensure!(
        slowest <= READY_TIMEOUT,
        "the server became ready only after {}",
        ms(slowest)
    );
    Ok(format!(
        "{} rounds: {} acknowledged, 0 lost, 0 duplicated ({retried} retried, of which {replayed} had \
         been written); ready within {}",
        config.rounds,
        acknowledged.len(),
        ms(slowest)
    ))
}

/// Kills the server during a burst of writes. Returns the notes of the requests without a response.
fn burst(
    deployment: &mut Deployment,
    round: u32,
    acknowledged: &mut Vec<String>,
) -> Result<Vec<String>> {
    let (killed, calls) = calls::burst(deployment, round, || deployment.server.kill());
    killed?;
    deployment
        .server
        .wait_timeout(READY_TIMEOUT)?
        .context("the server did not exit")?;
    let mut unanswered = Vec::new();
    for call in calls {
        match call.status() {
            Some(201) => acknowledged.push(call.notes),
            Some(status) => ensure!(false, "a write returned {status}"),
            None => unanswered.push(call.notes),
        }
    }
    ensure!(
        !acknowledged.is_empty(),
        "no write succeeded before the kill"
    );
    Ok(unanswered)
}

/// Retries a write. Returns whether the server had executed it before.
fn retry(deployment: &Deployment, notes: &str) -> Result<bool> {
    let request = Request::create(notes);
    let call = Call::send(&mut Client::new(deployment), notes.to_owned(), &request);
    ensure!(
        call.is_acknowledged(),
        "a retried write returned {:?}",
        call.status()
    );
    let response = call.outcome.ok().context("no response")?;
    Ok(response.header("idempotency-replayed") == Some("true"))
}
