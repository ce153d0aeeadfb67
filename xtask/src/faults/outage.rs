//! The database crashes, vanishes, stands still or is slow, while people go on calling.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    callers::{Call, check_leads},
    proxy::Proxy,
    setting::{Setting, ms},
};
use crate::{
    client::{Answer, Client, HANG, Request},
    deployment::Deployment,
    postgres::{self, Postgres},
    process,
};

/// How many call at once; every other one writes.
const CALLERS: usize = 16;

/// How soon everything has to be well again after the fault.
const RECOVERY: Duration = Duration::from_secs(5);

/// How soon the server has to say that it is not ready.
const NOTICE: Duration = Duration::from_secs(5);

/// How long pages may take that need no database.
const PAGE: Duration = Duration::from_secs(1);

/// PostgreSQL crashes and comes back.
pub(super) fn gone(setting: &Setting) -> Result<String> {
    postgres::install()?;
    let mut postgres = Postgres::start_durable()?;
    let deployment = Deployment::start(setting.program, &postgres.url(), None)?;
    let outage = Outage {
        lasts: Duration::from_secs(10),
        answers: |call| asks_to_come_back(call),
    };
    outage.endure(&deployment, |during| {
        postgres.crash()?;
        during()?;
        postgres.start_again()
    })
}

/// Whatever is sent to the host of PostgreSQL is lost and nothing comes from it; later there is another, which knows
/// nothing of the connections to the first.
pub(super) fn vanished(setting: &Setting) -> Result<String> {
    let (_postgres, proxy, deployment) = behind_proxy(setting)?;
    let outage = Outage {
        lasts: Duration::from_secs(25),
        answers: |call| asks_to_come_back(call),
    };
    outage.endure(&deployment, |during| {
        proxy.vanish();
        during()?;
        proxy.come_back();
        Ok(())
    })
}

/// PostgreSQL stands still, for longer than a request may take.
pub(super) fn frozen(setting: &Setting) -> Result<String> {
    postgres::install()?;
    let postgres = Postgres::start_durable()?;
    let deployment = Deployment::start(setting.program, &postgres.url(), None)?;
    let outage = Outage {
        lasts: Duration::from_secs(25),
        answers: |call| asks_to_come_back(call),
    };
    outage.endure(&deployment, |during| {
        let frozen = postgres.freeze()?;
        during()?;
        drop(frozen);
        Ok(())
    })
}

/// Every word to and from PostgreSQL takes seconds.
pub(super) fn slow(setting: &Setting) -> Result<String> {
    let (_postgres, proxy, deployment) = behind_proxy(setting)?;
    let outage = Outage {
        lasts: Duration::from_secs(25),
        answers: |call| asks_to_come_back(call) || is_well(call),
    };
    outage.endure(&deployment, |during| {
        proxy.delay(Duration::from_millis(1_500));
        during()?;
        proxy.delay(Duration::ZERO);
        Ok(())
    })
}

/// A server whose way to PostgreSQL leads through a proxy; each ends when it is dropped.
fn behind_proxy(setting: &Setting) -> Result<(Postgres, Proxy, Deployment)> {
    postgres::install()?;
    let postgres = Postgres::start_durable()?;
    let proxy = Proxy::before(postgres.port())?;
    let deployment = Deployment::start(setting.program, &postgres::url(proxy.port()), None)?;
    Ok((postgres, proxy, deployment))
}

pub(super) fn asks_to_come_back(call: &Call) -> bool {
    call.outcome.as_ref().is_ok_and(Answer::asks_to_come_back)
}

pub(super) fn is_well(call: &Call) -> bool {
    call.status()
        .is_some_and(|status| [200, 201].contains(&status))
}

/// What is expected while something is broken.
pub(super) struct Outage {
    pub(super) lasts: Duration,
    /// Whether an answer is a good one for the time being.
    pub(super) answers: fn(&Call) -> bool,
}

impl Outage {
    /// Lets `happen` break something, call what it is given, and mend it; people call meanwhile, and
    /// before and after.
    pub(super) fn endure(
        &self,
        deployment: &Deployment,
        happen: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<String> {
        let ended = AtomicBool::new(false);
        let (course, calls) = thread::scope(|scope| {
            let callers: Vec<_> = (0..CALLERS)
                .map(|caller| {
                    let ended = &ended;
                    scope.spawn(move || call_until(deployment, caller, ended))
                })
                .collect();
            let course = self.follow(deployment, happen);
            ended.store(true, Ordering::Relaxed);
            let calls = callers.into_iter().filter_map(|caller| caller.join().ok());
            (course, calls.flatten().collect::<Vec<_>>())
        });
        let course = course?;
        self.judge(deployment, &course, &calls)
    }

    fn follow(
        &self,
        deployment: &Deployment,
        happen: impl FnOnce(&mut dyn FnMut() -> Result<()>) -> Result<()>,
    ) -> Result<Course> {
        thread::sleep(Duration::from_secs(2));
        let breaking = Instant::now();
        let mut course = None;
        happen(&mut || {
            let broken = Instant::now();
            let noticed = self.watch(deployment)?;
            course = Some((broken, noticed, Instant::now()));
            Ok(())
        })?;
        let (broken, noticed, mending) = course.context("nothing happened")?;
        let mended = Instant::now();
        let probes = wait_until_well(deployment, mended)?;
        let well = Instant::now();
        thread::sleep(Duration::from_secs(2));
        Ok(Course {
            breaking,
            broken,
            noticed,
            mending,
            mended,
            well,
            probes,
        })
    }

    /// What needs no database answers as ever; the server soon says that it is not ready, and goes
    /// on saying so.
    fn watch(&self, deployment: &Deployment) -> Result<Duration> {
        let mut client = Client::of(deployment);
        let began = Instant::now();
        let mut noticed = None;
        while began.elapsed() < self.lasts {
            process::check_interrupted()?;
            for page in ["/healthz", "/api/v2/agent/SKILL.md"] {
                let call = Call::make(&mut client, page.into(), &Request::get(page));
                ensure!(
                    call.status() == Some(200) && call.took < PAGE,
                    "{page} answered {:?} after {}",
                    call.status(),
                    ms(call.took)
                );
            }
            let ready = Call::make(&mut client, String::new(), &Request::get("/readyz"));
            if asks_to_come_back(&ready) {
                noticed.get_or_insert(began.elapsed());
            } else if began.elapsed() > NOTICE {
                bail!("/readyz answered {:?}", ready.status());
            }
            thread::sleep(Duration::from_millis(250));
        }
        noticed.context("/readyz has never said that it is not ready")
    }

    fn judge(&self, deployment: &Deployment, course: &Course, calls: &[Call]) -> Result<String> {
        let mut refused = 0;
        let mut slowest = Duration::ZERO;
        for call in calls {
            let (began, answered) = (call.began, call.began + call.took);
            ensure!(call.took <= HANG, "a request took {}", ms(call.took));
            let during = began > course.broken && answered < course.mending;
            let beside = answered < course.breaking || began > course.well;
            let good = match (during, beside) {
                (true, _) => (self.answers)(call),
                (_, true) => is_well(call),
                // While it breaks or heals, either will do.
                _ => is_well(call) || asks_to_come_back(call),
            };
            ensure!(
                good,
                "{} the fault a request was answered {:?} ({:?})",
                if beside { "beside" } else { "during" },
                call.status(),
                call.outcome.as_ref().err()
            );
            if during {
                slowest = slowest.max(call.took);
                refused += u32::from(asks_to_come_back(call));
            }
        }
        ensure!(refused > 0, "nobody was told of it");
        let written = |call: &&Call| call.notes.starts_with("outage");
        let (sure, unsure): (Vec<_>, Vec<_>) = calls
            .iter()
            .filter(written)
            .partition(|call| call.is_acknowledged());
        // 503 says that nothing was done: those must not be there.
        let undone = |call: &&Call| call.status() == Some(503);
        let (undone, unsure): (Vec<_>, Vec<_>) = unsure.into_iter().partition(undone);
        let notes = |calls: Vec<&Call>| calls.iter().map(|call| call.notes.clone()).collect();
        let sure: Vec<String> = notes(sure);
        let unsure: Vec<String> = notes(unsure);
        let may_be = [unsure.clone(), course.probes.clone()].concat();
        check_leads(deployment, &sure, &may_be)?;
        Ok(format!(
            "{refused} told to come back, within {} at most; not ready after {}; all well {} after; \
             {} acknowledged, 0 lost; {} answered 503, 0 done; {} unsure",
            ms(slowest),
            ms(course.noticed),
            ms(course.well - course.mended),
            sure.len(),
            undone.len(),
            unsure.len()
        ))
    }
}

/// When what happened.
struct Course {
    breaking: Instant,
    broken: Instant,
    noticed: Duration,
    mending: Instant,
    mended: Instant,
    well: Instant,
    /// What was written to find that out.
    probes: Vec<String>,
}

/// Everybody is served again within [`RECOVERY`], and nothing had to be done for it.
fn wait_until_well(deployment: &Deployment, mended: Instant) -> Result<Vec<String>> {
    let mut client = Client::of(deployment);
    let mut probes = Vec::new();
    loop {
        let ready = Call::make(&mut client, String::new(), &Request::get("/readyz"));
        let list = Request::get("/api/v2/agent/leads?limit=1");
        let read = Call::make(&mut client, String::new(), &list);
        let notes = format!("probe-{}", probes.len());
        let request = Request::create(&notes);
        let written = Call::make(&mut client, notes.clone(), &request);
        probes.push(notes);
        let took = mended.elapsed();
        if [&ready, &read, &written].into_iter().all(is_well) {
            ensure!(took <= RECOVERY, "it took {} until all was well", ms(took));
            return Ok(probes);
        }
        ensure!(
            took <= RECOVERY * 3,
            "{} after, /readyz answers {:?}, a read {:?}, a write {:?}",
            ms(took),
            ready.status(),
            read.status(),
            written.status()
        );
        process::check_interrupted()?;
        thread::sleep(Duration::from_millis(50));
    }
}

fn call_until(deployment: &Deployment, caller: usize, ended: &AtomicBool) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        let call = if caller.is_multiple_of(2) {
            let notes = format!("outage-{caller}-{}", calls.len());
            let request = Request::create(&notes);
            Call::make(&mut client, notes, &request)
        } else {
            let list = Request::get("/api/v2/agent/leads?limit=10");
            Call::make(&mut client, String::new(), &list)
        };
        calls.push(call);
        thread::sleep(Duration::from_millis(20));
    }
    calls
}
