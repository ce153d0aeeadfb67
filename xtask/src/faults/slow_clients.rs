//! Two thousand connections that send an incomplete request, or none, or read no response, while
//! regular clients send requests.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use super::{
    calls::Call,
    config::Config,
    stats::{ms, percentile},
};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

/// The number of slow connections and of regular clients.
const SLOW: usize = 2_000;
const REGULAR: usize = 16;

/// How many closed connections are replaced at a time.
const RECONNECT_BATCH: usize = 200;

/// The interval between two bytes of a slow header or body.
const BYTE_INTERVAL: Duration = Duration::from_secs(1);

/// The pipelined requests of a client that reads no response. The responses are larger than the
/// socket buffers of both ends.
const LARGE_RESPONSE: &str = "GET /api/v2/agent/openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n";
const PIPELINED: usize = 100;

/// The age at which every slow connection must be closed: the server's timeout of a request plus
/// the time until this program notices.
const MAX_AGE: Duration = Duration::from_secs(17);

/// The bound of the 99th percentile of regular requests.
const MAX_P99: Duration = Duration::from_millis(500);

/// The duration of the attack, and of the measurement without it.
const ATTACK: Duration = Duration::from_secs(25);
const BASELINE: Duration = Duration::from_secs(5);

/// Checks that the server closes slow connections in time and stays fast for regular clients.
pub(super) fn run(config: &Config, open_files: Option<u32>) -> Result<String> {
    let database = Database::start(config.engine)?;
    let deployment = Deployment::start(config.program, &database.url(), open_files)?;
    let baseline = measure(&deployment, BASELINE, |_| Ok(()))?.0;
    let (latencies, slow) = measure(&deployment, ATTACK, |stopped| attack(&deployment, stopped))?;
    ensure!(
        slow.max_age <= MAX_AGE,
        "a slow connection was open for {}",
        ms(slow.max_age)
    );
    ensure!(
        percentile(&latencies, 99) <= MAX_P99,
        "p99 of regular requests is {}, and {} without slow connections",
        ms(percentile(&latencies, 99)),
        ms(percentile(&baseline, 99))
    );
    Ok(format!(
        "{SLOW} slow connections, {} closed, each within {}; {} regular requests: p50 {}, p99 {} \
         (without slow connections {} and {})",
        slow.closed,
        ms(slow.max_age),
        latencies.len(),
        ms(percentile(&latencies, 50)),
        ms(percentile(&latencies, 99)),
        ms(percentile(&baseline, 50)),
        ms(percentile(&baseline, 99)),
    ))
}

/// Runs the regular clients for `duration`, concurrently with `attack`.
///
/// Returns the latencies of their requests in ascending order, and the result of `attack`.
fn measure<T: Send>(
    deployment: &Deployment,
    duration: Duration,
    attack: impl FnOnce(&AtomicBool) -> Result<T> + Send,
) -> Result<(Vec<Duration>, T)> {
    let stopped = AtomicBool::new(false);
    let (calls, result) = thread::scope(|scope| {
        let clients: Vec<_> = (0..REGULAR)
            .map(|number| {
                let stopped = &stopped;
                scope.spawn(move || call_until(deployment, duration, number, stopped))
            })
            .collect();
        let attack = scope.spawn(|| attack(&stopped));
        thread::sleep(duration);
        stopped.store(true, Ordering::Relaxed);
        let calls = clients.into_iter().filter_map(|client| client.join().ok());
        (calls.flatten().collect::<Vec<_>>(), attack.join())
    });
    process::check_interrupted()?;
    if let Some(failed) = calls.iter().find(|call| !call.is_success()) {
        match &failed.outcome {
            Ok(response) => bail!("a regular request failed: {}", response.body),
            Err(failure) => bail!("a regular request had no response: {failure:?}"),
        }
    }
    let mut latencies: Vec<_> = calls.iter().map(|call| call.elapsed).collect();
    latencies.sort();
    Ok((latencies, result.ok().context("the attack panicked")??))
}

/// Sends requests, of which every fourth writes. Half of the clients open a connection for each.
fn call_until(
    deployment: &Deployment,
    duration: Duration,
    number: usize,
    stopped: &AtomicBool,
) -> Vec<Call> {
    let mut client = Client::new(deployment);
    let mut calls = Vec::new();
    while !stopped.load(Ordering::Relaxed) {
        if number.is_multiple_of(2) {
            client = Client::new(deployment);
        }
        let request = if calls.len() % 4 == 0 {
            Request::create(&format!(
                "regular-{}-{number}-{}",
                duration.as_secs(),
                calls.len()
            ))
        } else {
            Request::get("/api/v2/agent/leads?limit=10")
        };
        calls.push(Call::send(&mut client, String::new(), &request));
        thread::sleep(Duration::from_millis(10));
    }
    calls
}

/// What became of the slow connections.
struct Outcome {
    closed: usize,
    max_age: Duration,
}

/// What a slow connection sends.
#[derive(Clone, Copy)]
enum Behavior {
    Silent,
    HalfHeader,
    SlowHeader,
    SlowBody,
    NeverReads,
}

struct Connection {
    stream: TcpStream,
    opened: Instant,
    behavior: Behavior,
    /// When the last byte of a slow header or body was sent.
    last_sent: Instant,
}

impl Connection {
    fn open(server: SocketAddr, number: usize) -> Option<Self> {
        let mut stream = TcpStream::connect_timeout(&server, Duration::from_secs(1)).ok()?;
        stream.set_nonblocking(true).ok()?;
        let post = "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\n";
        let (behavior, start) = match number % 5 {
            0 => (Behavior::Silent, String::new()),
            1 => (Behavior::HalfHeader, post.to_owned()),
            2 => (Behavior::SlowHeader, format!("{post}x-padding: ")),
            3 => (Behavior::NeverReads, LARGE_RESPONSE.repeat(PIPELINED)),
            _ => (
                Behavior::SlowBody,
                format!("{post}content-length: 10000\r\n\r\n"),
            ),
        };
        stream.write_all(start.as_bytes()).ok()?;
        Some(Self {
            stream,
            opened: Instant::now(),
            behavior,
            last_sent: Instant::now(),
        })
    }

    /// Sends the next byte of a slow header or body if it is due. Returns whether the server has closed
    /// the connection.
    fn advance(&mut self) -> bool {
        if matches!(self.behavior, Behavior::NeverReads) {
            // A FIN would be queued behind the unread responses, so the server has to send a reset.
            return !matches!(self.stream.take_error(), Ok(None));
        }
        let slow = matches!(self.behavior, Behavior::SlowHeader | Behavior::SlowBody);
        if slow && self.last_sent.elapsed() >= BYTE_INTERVAL {
            self.last_sent = Instant::now();
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

/// Keeps [`SLOW`] connections open until `stopped`.
fn attack(deployment: &Deployment, stopped: &AtomicBool) -> Result<Outcome> {
    let address = deployment.server.address();
    let mut connections: Vec<Connection> = Vec::new();
    let mut opened = 0;
    let mut outcome = Outcome {
        closed: 0,
        max_age: Duration::ZERO,
    };
    while !stopped.load(Ordering::Relaxed) {
        let now = Instant::now();
        connections.retain_mut(|connection| {
            let closed = connection.advance();
            outcome.closed += usize::from(closed);
            outcome.max_age = outcome.max_age.max(now - connection.opened);
            !closed
        });
        for _ in connections.len()..SLOW.min(connections.len() + RECONNECT_BATCH) {
            connections.extend(Connection::open(address, opened));
            opened += 1;
        }
        thread::sleep(Duration::from_millis(200));
    }
    ensure!(opened >= SLOW, "only {opened} connections were opened");
    Ok(outcome)
}
