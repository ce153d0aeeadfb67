//! Two thousand connections that send half a request, or none, or no end of it, or take no answer, while others work.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    callers::Call,
    outage::is_well,
    setting::{Setting, ms, percentile},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const HOSTILE: usize = 2_000;
const HONEST: usize = 16;

/// How many are opened anew at once after the server has closed them.
const AT_ONCE: usize = 200;

/// How often a slow one sends a byte.
const TRICKLE: Duration = Duration::from_secs(1);

/// What one asks for that takes no answer: more than the buffers of both ends hold.
const MUCH: &str = "GET /api/v2/agent/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
const TIMES: usize = 100;

/// How soon the server has to close each: after the time of a request, as far as this program can see it.
const CLOSED: Duration = Duration::from_secs(17);

/// What an honest caller may have to wait, but for one in a hundred.
const P99: Duration = Duration::from_millis(500);

/// How long they are at it.
const SIEGE: Duration = Duration::from_secs(25);
const PEACE: Duration = Duration::from_secs(5);

pub(super) fn run(setting: &Setting, open_files: Option<u32>) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let deployment = Deployment::start(setting.program, &database.url(), open_files)?;
    let before = work(&deployment, PEACE, |_| Ok(()))?.0;
    let (during, hostile) = work(&deployment, SIEGE, |ended| besiege(&deployment, ended))?;
    ensure!(
        hostile.oldest <= CLOSED,
        "a connection was open for {}",
        ms(hostile.oldest)
    );
    ensure!(
        percentile(&during, 99) <= P99,
        "the slowest of a hundred honest calls took {}, and {} without hostile ones",
        ms(percentile(&during, 99)),
        ms(percentile(&before, 99))
    );
    Ok(format!(
        "{HOSTILE} hostile connections, {} closed, each within {}; {} honest calls: p50 {} p99 {} \
         (alone {} and {})",
        hostile.closed,
        ms(hostile.oldest),
        during.len(),
        ms(percentile(&during, 50)),
        ms(percentile(&during, 99)),
        ms(percentile(&before, 50)),
        ms(percentile(&before, 99)),
    ))
}

/// Lets the honest ones work beside `meanwhile`; how long each call took, sorted.
fn work<T: Send>(
    deployment: &Deployment,
    time: Duration,
    meanwhile: impl FnOnce(&AtomicBool) -> Result<T> + Send,
) -> Result<(Vec<Duration>, T)> {
    let ended = AtomicBool::new(false);
    let (calls, result) = thread::scope(|scope| {
        let honest: Vec<_> = (0..HONEST)
            .map(|number| {
                let ended = &ended;
                scope.spawn(move || call_until(deployment, time, number, ended))
            })
            .collect();
        let hostile = scope.spawn(|| meanwhile(&ended));
        thread::sleep(time);
        ended.store(true, Ordering::Relaxed);
        let calls = honest.into_iter().filter_map(|caller| caller.join().ok());
        (calls.flatten().collect::<Vec<_>>(), hostile.join())
    });
    process::check_interrupted()?;
    let bad = calls.iter().find(|call| !is_well(call));
    if let Some(bad) = bad {
        match &bad.outcome {
            Ok(answer) => bail!("an honest call was answered {}", answer.body),
            Err(failure) => bail!("an honest call had no answer: {failure:?}"),
        }
    }
    let mut times: Vec<_> = calls.iter().map(|call| call.took).collect();
    times.sort();
    Ok((times, result.ok().context("the hostile ones gave up")??))
}

/// Every other one keeps its connection; one call of four writes.
fn call_until(
    deployment: &Deployment,
    time: Duration,
    number: usize,
    ended: &AtomicBool,
) -> Vec<Call> {
    let mut client = Client::of(deployment);
    let mut calls = Vec::new();
    while !ended.load(Ordering::Relaxed) {
        if number.is_multiple_of(2) {
            client = Client::of(deployment);
        }
        let request = if calls.len() % 4 == 0 {
            Request::create(&format!(
                "honest-{}-{number}-{}",
                time.as_secs(),
                calls.len()
            ))
        } else {
            Request::get("/api/v2/agent/leads?limit=10")
        };
        calls.push(Call::make(&mut client, String::new(), &request));
        thread::sleep(Duration::from_millis(10));
    }
    calls
}

/// How the hostile ones fared.
struct Hostile {
    closed: usize,
    oldest: Duration,
}

/// What a hostile connection does.
#[derive(Clone, Copy)]
enum Manner {
    Silent,
    HalfHeader,
    SlowHeader,
    SlowBody,
    Deaf,
}

struct Connection {
    stream: TcpStream,
    opened: Instant,
    manner: Manner,
    /// When a slow one sent its last byte.
    sent: Instant,
}

impl Connection {
    fn open(deployment: SocketAddr, number: usize) -> Option<Self> {
        let mut stream = TcpStream::connect_timeout(&deployment, Duration::from_secs(1)).ok()?;
        stream.set_nonblocking(true).ok()?;
        let post = "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\n";
        let (manner, begin) = match number % 5 {
            0 => (Manner::Silent, String::new()),
            1 => (Manner::HalfHeader, post.to_owned()),
            2 => (Manner::SlowHeader, format!("{post}x-padding: ")),
            3 => (Manner::Deaf, MUCH.repeat(TIMES)),
            _ => (
                Manner::SlowBody,
                format!("{post}content-length: 10000\r\n\r\n"),
            ),
        };
        stream.write_all(begin.as_bytes()).ok()?;
        Some(Self {
            stream,
            opened: Instant::now(),
            manner,
            sent: Instant::now(),
        })
    }

    /// Whether the server has closed it; a slow one sends a byte more otherwise, every [`TRICKLE`].
    fn is_closed(&mut self) -> bool {
        if matches!(self.manner, Manner::Deaf) {
            // An end behind what it does not take would not get through to it: it has to be told by a reset.
            return !matches!(self.stream.take_error(), Ok(None));
        }
        let slow = matches!(self.manner, Manner::SlowHeader | Manner::SlowBody);
        if slow && self.sent.elapsed() >= TRICKLE {
            self.sent = Instant::now();
            if self.stream.write_all(b" ").is_err() {
                return true;
            }
        }
        loop {
            match self.stream.read(&mut [0; 1024]) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }
}

fn besiege(deployment: &Deployment, ended: &AtomicBool) -> Result<Hostile> {
    let address = deployment.server.address();
    let mut connections: Vec<Connection> = Vec::new();
    let mut opened = 0;
    let mut hostile = Hostile {
        closed: 0,
        oldest: Duration::ZERO,
    };
    while !ended.load(Ordering::Relaxed) {
        let now = Instant::now();
        connections.retain_mut(|connection| {
            let closed = connection.is_closed();
            hostile.closed += usize::from(closed);
            hostile.oldest = hostile.oldest.max(now - connection.opened);
            !closed
        });
        for _ in connections.len()..HOSTILE.min(connections.len() + AT_ONCE) {
            connections.extend(Connection::open(address, opened));
            opened += 1;
        }
        thread::sleep(Duration::from_millis(200));
    }
    ensure!(opened >= HOSTILE, "only {opened} connections were opened");
    Ok(hostile)
}
