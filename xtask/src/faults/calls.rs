//! Load on the server, and the check that no acknowledged write is lost or duplicated.

use std::{
    collections::{HashMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};

use crate::client::{Client, Failure, REQUEST_TIMEOUT, Request, Response};
use crate::deployment::Deployment;

/// The number of concurrent writers in a burst.
pub(super) const WRITERS: usize = 32;

/// A request that was sent, and its outcome.
pub(super) struct Call {
    /// The notes of the created lead, which identify it.
    pub(super) notes: String,
    pub(super) started: Instant,
    pub(super) elapsed: Duration,
    pub(super) outcome: Result<Response, Failure>,
}

impl Call {
    /// Sends a request and waits for the response.
    pub(super) fn send(client: &mut Client, notes: String, request: &Request) -> Self {
        let started = Instant::now();
        let outcome = client.call(request);
        Self {
            notes,
            started,
            elapsed: started.elapsed(),
            outcome,
        }
    }

    /// Returns the status of the response, if there is one.
    pub(super) fn status(&self) -> Option<u16> {
        self.outcome.as_ref().ok().map(|response| response.status)
    }

    /// Whether the server confirmed that it created a lead.
    pub(super) fn is_acknowledged(&self) -> bool {
        self.status() == Some(201)
    }

    /// Whether the request succeeded.
    pub(super) fn is_success(&self) -> bool {
        matches!(self.status(), Some(200 | 201))
    }

    /// Whether the server asked the client to retry later.
    pub(super) fn is_retryable(&self) -> bool {
        self.outcome.as_ref().is_ok_and(Response::is_retryable)
    }
}

/// Creates leads without pause until the first request without a response.
fn write(deployment: &Deployment, name: &str, acknowledged: &AtomicUsize) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    loop {
        let notes = format!("{name}-{}", calls.len());
        let request = Request::create(&notes);
        let call = Call::send(&mut client, notes, &request);
        let failed = call.outcome.is_err();
        acknowledged.fetch_add(usize::from(call.is_acknowledged()), Ordering::Relaxed);
        calls.push(call);
        if failed {
            return calls;
        }
    }
}

/// Checks that every acknowledged lead exists exactly once.
///
/// The leads in `uncertain` may exist, because their requests had no conclusive response. No other
/// lead may exist.
pub(super) fn check_leads(
    deployment: &Deployment,
    acknowledged: &[String],
    uncertain: &[String],
) -> Result<()> {
    let mut counts: HashMap<String, u32> = HashMap::new();
    let mut client = Client::new(deployment);
    let mut query = "limit=100".to_owned();
    loop {
        let path = format!("/api/v2/agent/leads?{query}");
        let Ok(page) = client.call(&Request::get(path)) else {
            bail!("could not list the leads");
        };
        let json = page.json();
        for lead in json["data"].as_array().into_iter().flatten() {
            let notes = lead["notes"].as_str().unwrap_or_default().to_owned();
            *counts.entry(notes).or_default() += 1;
        }
        ensure!(
            page.status == 200,
            "listing the leads returned {}",
            page.status
        );
        match json["pagination"]["nextCursor"].as_str() {
            Some(cursor) => query = format!("cursor={cursor}"),
            None => break,
        }
    }
    let expected: HashSet<_> = acknowledged.iter().chain(uncertain).collect();
    let lost = acknowledged
        .iter()
        .filter(|notes| !counts.contains_key(*notes))
        .count();
    let duplicated = counts.values().filter(|count| **count > 1).count();
    let unexpected = counts
        .keys()
        .filter(|notes| !expected.contains(notes))
        .count();
    ensure!(
        lost == 0 && duplicated == 0 && unexpected == 0,
        "{} leads acknowledged: {lost} lost, {duplicated} duplicated; {unexpected} other leads exist \
         that were never sent or were refused",
        acknowledged.len()
    );
    Ok(())
}

/// Starts a burst of writes and calls `stop` in the middle of it.
///
/// After `stop` the server must not respond any more: the writers run until then. Returns the result
/// of `stop` and all calls.
pub(super) fn burst<T>(
    deployment: &Deployment,
    round: u32,
    stop: impl FnOnce() -> Result<T>,
) -> (Result<T>, Vec<Call>) {
    let acknowledged = AtomicUsize::new(0);
    // Each round stops the server after another number of writes.
    let threshold = WRITERS + round as usize * 71 % 500;
    thread::scope(|scope| {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let (name, acknowledged) = (format!("burst-{round}-{writer}"), &acknowledged);
                scope.spawn(move || write(deployment, &name, acknowledged))
            })
            .collect();
        let started = Instant::now();
        while acknowledged.load(Ordering::Relaxed) < threshold
            && started.elapsed() < REQUEST_TIMEOUT
        {
            thread::sleep(Duration::from_millis(1));
        }
        let result = stop();
        let calls = writers.into_iter().filter_map(|writer| writer.join().ok());
        (result, calls.flatten().collect())
    })
}
