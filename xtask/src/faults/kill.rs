//! The server is killed in the middle of a burst of writes, again and again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{
    callers::{self, Call, check_leads},
    setting::{Setting, ms},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

/// How soon the server has to be ready again.
const READY: Duration = Duration::from_secs(5);

/// Nothing acknowledged is lost and nothing doubled, although everybody asks again for what was not
/// answered; and the server is soon back.
pub(super) fn run(setting: &Setting) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let mut deployment = Deployment::start(setting.program, &database.url(), None)?;
    let mut acknowledged = Vec::new();
    let mut asked_again = 0;
    let mut had_happened = 0;
    let mut slowest = Duration::ZERO;
    for round in 0..setting.rounds {
        process::check_interrupted()?;
        let unanswered = burst(&mut deployment, round, &mut acknowledged)?;
        slowest = slowest.max(deployment.server.start_again()?);
        asked_again += unanswered.len();
        for notes in unanswered {
            had_happened += u32::from(ask_again(&deployment, &notes)?);
            acknowledged.push(notes);
        }
    }
    check_leads(&deployment, &acknowledged, &[])?;
    ensure!(
        slowest <= READY,
        "it took {} until it was ready",
        ms(slowest)
    );
    Ok(format!(
        "{} rounds: {} acknowledged, 0 lost, 0 doubled ({asked_again} asked again, of which \
         {had_happened} had been written); ready again within {}",
        setting.rounds,
        acknowledged.len(),
        ms(slowest)
    ))
}

/// Writes until the server is killed; what was on its way then.
fn burst(
    deployment: &mut Deployment,
    round: u32,
    acknowledged: &mut Vec<String>,
) -> Result<Vec<String>> {
    let (killed, calls) = callers::burst(deployment, round, || deployment.server.kill());
    killed?;
    deployment
        .server
        .end_within(READY)?
        .context("it does not end")?;
    let mut unanswered = Vec::new();
    for call in calls {
        match call.status() {
            Some(201) => acknowledged.push(call.notes),
            Some(status) => ensure!(false, "a lead was answered {status}"),
            None => unanswered.push(call.notes),
        }
    }
    ensure!(!acknowledged.is_empty(), "nothing was written before");
    Ok(unanswered)
}

/// Sends the same once more; whether it had been carried out before.
fn ask_again(deployment: &Deployment, notes: &str) -> Result<bool> {
    let request = Request::create(notes);
    let call = Call::make(&mut Client::of(deployment), notes.to_owned(), &request);
    ensure!(
        call.is_acknowledged(),
        "asked again, a lead was answered {:?}",
        call.status()
    );
    let answer = call.outcome.ok().context("no answer")?;
    Ok(answer.header("idempotency-replayed") == Some("true"))
}
