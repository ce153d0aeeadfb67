//! People who use the server while something happens to it, and who remember what they were told.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use crate::client::{Answer, Client, Failure, HANG, Request};
use crate::deployment::Deployment;

/// How many write at once.
pub(super) const WRITERS: usize = 32;

/// One request and what became of it.
pub(super) struct Call {
    pub(super) notes: String,
    pub(super) began: Instant,
    pub(super) took: Duration,
    pub(super) outcome: Result<Answer, Failure>,
}

impl Call {
    pub(super) fn make(client: &mut Client, notes: String, request: &Request) -> Self {
        let began = Instant::now();
        let outcome = client.call(request);
        Self {
            notes,
            began,
            took: began.elapsed(),
            outcome,
        }
    }

    pub(super) fn status(&self) -> Option<u16> {
        self.outcome.as_ref().ok().map(|answer| answer.status)
    }

    pub(super) fn is_acknowledged(&self) -> bool {
        self.status() == Some(201)
    }
}

/// Makes leads as fast as the server takes them, until nobody answers.
fn write(deployment: &Deployment, name: &str, acknowledged: &AtomicUsize) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    loop {
        let notes = format!("{name}-{}", calls.len());
        let request = Request::create(&notes);
        let call = Call::make(&mut client, notes, &request);
        let is_over = call.outcome.is_err();
        acknowledged.fetch_add(usize::from(call.is_acknowledged()), Ordering::Relaxed);
        calls.push(call);
        if is_over {
            return calls;
        }
    }
}

/// Fails unless every acknowledged lead is there once, and no lead is there twice; `may_be` were
/// sent and nobody knows what became of them; any other one must not be there.
pub(super) fn check_leads(
    deployment: &Deployment,
    acknowledged: &[String],
    may_be: &[String],
) -> Result<()> {
    let mut there: HashMap<String, u32> = HashMap::new();
    let mut client = Client::of(deployment);
    let mut query = "limit=100".to_owned();
    loop {
        let path = format!("/api/v2/agent/leads?{query}");
        let Ok(page) = client.call(&Request::get(path)) else {
            bail!("the leads cannot be listed");
        };
        let json = page.json();
        for lead in json["data"].as_array().into_iter().flatten() {
            let notes = lead["notes"].as_str().unwrap_or_default().to_owned();
            *there.entry(notes).or_default() += 1;
        }
        ensure!(
            page.status == 200,
            "listing the leads answered {}",
            page.status
        );
        match json["pagination"]["nextCursor"].as_str() {
            Some(cursor) => query = format!("cursor={cursor}"),
            None => break,
        }
    }
    let known: HashSet<_> = acknowledged.iter().chain(may_be).collect();
    let lost = acknowledged
        .iter()
        .filter(|notes| !there.contains_key(*notes))
        .count();
    let doubled = there.values().filter(|times| **times > 1).count();
    let made_up = there.keys().filter(|notes| !known.contains(notes)).count();
    ensure!(
        lost == 0 && doubled == 0 && made_up == 0,
        "of {} acknowledged leads {lost} are lost, {doubled} doubled; {made_up} others are there that \
         were never sent, or answered as not done",
        acknowledged.len()
    );
    Ok(())
}

/// Lets everybody write, does something to the server in the middle of it, after which it answers
/// nobody, and returns what became of every write.
pub(super) fn burst<T>(
    deployment: &Deployment,
    round: u32,
    end: impl FnOnce() -> Result<T>,
) -> (Result<T>, Vec<Call>) {
    let acknowledged = AtomicUsize::new(0);
    // Sooner and later in the life of a server.
    let enough = WRITERS + round as usize * 71 % 500;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (name, acknowledged) = (format!("burst-{round}-{writer}"), &acknowledged);
                scope.spawn(move || write(deployment, &name, acknowledged))
            })
            .collect();
        let began = Instant::now();
        while acknowledged.load(Ordering::Relaxed) < enough && began.elapsed() < HANG {
            thread::sleep(Duration::from_millis(1));
        }
        let result = end();
        let calls = writers.into_iter().filter_map(|writer| writer.join().ok());
        (result, calls.flatten().collect())
    })
}
