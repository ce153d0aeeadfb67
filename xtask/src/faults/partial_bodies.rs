//! Two thousand connections that each send half a request body: how much memory the server uses.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{calls::Call, config::Config};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const CONNECTIONS: usize = 2_000;

/// The announced length of each body, which is the largest that the server accepts, and the length
/// that is sent.
const CONTENT_LENGTH: usize = 65_536;
const SENT: usize = CONTENT_LENGTH / 2;

/// The bounds of the resident memory, in KiB, during and after the attack.
const MAX_PEAK: u64 = 128 * 1024;
const MAX_AFTER: u64 = 64 * 1024;

/// The duration of the attack, which is longer than the server's timeout of a body.
const ATTACK: Duration = Duration::from_secs(12);
/// How long the server may take to release the memory.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(15);

/// Attacks without a key and with a revoked key, and checks the memory during and after each attack.
pub(super) fn run(config: &Config) -> Result<String> {
    let database = Database::start(config.engine)?;
    let deployment = Deployment::start(config.program, &database.url(), None)?;
    let revoked = deployment.revoked_key()?;
    let mut figures = vec![format!("{} MiB before", mib(deployment.server.memory()?.0))];
    for (name, key) in [("no key", None), ("a revoked key", Some(&revoked))] {
        let (refused, served) = attack(&deployment, key.map(String::as_str))?;
        let peak = deployment.server.memory()?.1;
        ensure!(
            peak <= MAX_PEAK,
            "with {name} the server used {} MiB",
            mib(peak)
        );
        let after = wait_for_release(&deployment)?;
        ensure!(
            after <= MAX_AFTER,
            "after the attack with {name} the server still used {} MiB",
            mib(after)
        );
        figures.push(format!(
            "with {name} {} MiB at peak and {} MiB after, {refused} connections refused, {served} \
             regular requests served",
            mib(peak),
            mib(after)
        ));
    }
    Ok(figures.join("; "))
}

/// Keeps the connections open for [`ATTACK`] while a regular client sends requests.
///
/// Returns the number of refused connections and of regular requests, all of which must succeed.
fn attack(deployment: &Deployment, key: Option<&str>) -> Result<(usize, usize)> {
    let authorization = key.map_or(String::new(), |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let request = format!(
        "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {CONTENT_LENGTH}\r\n\r\n{}",
        " ".repeat(SENT)
    );
    let mut connections: Vec<Connection> = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Connection::open(deployment)?);
        if let Some(connection) = connections.last_mut() {
            connection.advance(request.as_bytes());
        }
    }
    let started = Instant::now();
    let mut served = 0;
    let mut client = Client::new(deployment);
    while started.elapsed() < ATTACK {
        process::check_interrupted()?;
        for connection in &mut connections {
            connection.advance(request.as_bytes());
        }
        let lead = Request::create(&format!("regular-{}-{served}", key.is_some()));
        let call = Call::send(&mut client, String::new(), &lead);
        ensure!(
            call.is_success(),
            "a regular request returned {:?}",
            call.status()
        );
        served += 1;
        thread::sleep(Duration::from_millis(20));
    }
    let refused = connections
        .iter()
        .filter(|connection| connection.refused)
        .count();
    Ok((refused, served))
}

/// Waits until the server has released the memory. Returns its resident memory in KiB.
///
/// The allocator releases memory only while the server's threads work, hence the health checks.
fn wait_for_release(deployment: &Deployment) -> Result<u64> {
    let started = Instant::now();
    let mut client = Client::new(deployment);
    loop {
        for _ in 0..20 {
            let call = Call::send(&mut client, String::new(), &Request::get("/healthz"));
            ensure!(call.is_success(), "/healthz returned {:?}", call.status());
        }
        let resident = deployment.server.memory()?.0;
        if resident <= MAX_AFTER || started.elapsed() > RELEASE_TIMEOUT {
            return Ok(resident);
        }
        thread::sleep(Duration::from_millis(250));
    }
}

struct Connection {
    stream: TcpStream,
    sent: usize,
    refused: bool,
}

impl Connection {
    fn open(deployment: &Deployment) -> Result<Self> {
        let address = deployment.server.address();
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            sent: 0,
            refused: false,
        })
    }

    /// Sends as much of the request as possible without blocking, and notes whether the server has
    /// responded or closed the connection.
    fn advance(&mut self, request: &[u8]) {
        if let Ok(length @ 1..) = self.stream.write(&request[self.sent..]) {
            self.sent += length;
        }
        let refused = match self.stream.read(&mut [0; 1024]) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.refused |= refused;
    }
}

fn mib(kib: u64) -> u64 {
    kib.div_ceil(1024)
}
