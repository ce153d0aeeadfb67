//! People who use the server while something happens to it, and who remember what they were told.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use super::client::{Answer, Client, Failure, Request};
use crate::site::Site;

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

/// Makes leads as fast as the server takes them, until `ended` or until nobody answers.
pub(super) fn write_until(site: &Site, name: &str, ended: &AtomicBool) -> Vec<Call> {
    let mut client = Client::of(site);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let notes = format!("{name}-{}", calls.len());
        let request = Request::create(&notes);
        let call = Call::make(&mut client, notes, &request);
        let is_over = call.outcome.is_err();
        calls.push(call);
        if is_over {
            break;
        }
    }
    calls
}

/// Fails unless every acknowledged lead is there once, and no lead is there twice; `may_be` were
/// sent and nobody knows what became of them.
pub(super) fn check_leads(site: &Site, acknowledged: &[String], may_be: &[String]) -> Result<()> {
    let mut there: HashMap<String, u32> = HashMap::new();
    let mut client = Client::of(site);
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
        "of {} acknowledged leads {lost} are lost, {doubled} doubled; {made_up} were never sent",
        acknowledged.len()
    );
    Ok(())
}

/// Runs so many writers beside `meanwhile`, which is given what ends them.
pub(super) fn beside_writers<T>(
    site: &Site,
    name: &str,
    meanwhile: impl FnOnce(&AtomicBool) -> T,
) -> (T, Vec<Call>) {
    let ended = AtomicBool::new(false);
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (name, ended) = (format!("{name}-{writer}"), &ended);
                scope.spawn(move || write_until(site, &name, ended))
            })
            .collect();
        let result = meanwhile(&ended);
        let calls = writers.into_iter().filter_map(|writer| writer.join().ok());
        (result, calls.flatten().collect())
    })
}
