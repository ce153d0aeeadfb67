//! Two thousand connections that send half a body and no more: what they make the server keep.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};

use super::{callers::Call, outage::is_well, setting::Setting};
use crate::{
    client::{Client, Request},
    deployment::{Database, Deployment},
    process,
};

const CONNECTIONS: usize = 2_000;

/// The largest body there may be, and what is sent of it.
const ANNOUNCED: usize = 65_536;
const SENT: usize = ANNOUNCED / 2;

/// The most memory the server may have at any moment, and again soon after they have gone.
const PEAK: u64 = 128 * 1024;
const AFTER: u64 = 64 * 1024;

/// How long they stay, which is longer than a body may take, and how soon the memory is given back.
const SIEGE: Duration = Duration::from_secs(12);
const PEACE: Duration = Duration::from_secs(15);

pub(super) fn run(setting: &Setting) -> Result<String> {
    let database = Database::start(setting.engine)?;
    let deployment = Deployment::start(setting.program, &database.url(), None)?;
    let revoked = deployment.revoked_key()?;
    let mut figures = vec![format!("{} MiB before", mib(deployment.server.memory()?.0))];
    for (who, key) in [("no key", None), ("a revoked key", Some(&revoked))] {
        let (refused, honest) = besiege(&deployment, key.map(String::as_str))?;
        let peak = deployment.server.memory()?.1;
        ensure!(peak <= PEAK, "with {who} the server had {} MiB", mib(peak));
        let after = settle(&deployment)?;
        ensure!(after <= AFTER, "{} MiB remained after {who}", mib(after));
        figures.push(format!(
            "with {who} {} at most and {} after, {refused} refused, {honest} honest calls well",
            mib(peak),
            mib(after)
        ));
    }
    Ok(figures.join("; "))
}

/// Opens them, keeps them for a while and closes them; how many the server refused, and how many honest calls it
/// answered meanwhile.
fn besiege(deployment: &Deployment, key: Option<&str>) -> Result<(usize, usize)> {
    let authorization = key.map_or(String::new(), |key| {
        format!("authorization: Bearer {key}\r\n")
    });
    let request = format!(
        "POST /api/v2/agent/leads HTTP/1.1\r\nhost: localhost\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {ANNOUNCED}\r\n\r\n{}",
        " ".repeat(SENT)
    );
    let mut connections: Vec<Half> = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(Half::open(deployment)?);
        if let Some(half) = connections.last_mut() {
            half.go_on(request.as_bytes());
        }
    }
    let began = Instant::now();
    let mut honest = 0;
    let mut client = Client::of(deployment);
    while began.elapsed() < SIEGE {
        process::check_interrupted()?;
        for half in &mut connections {
            half.go_on(request.as_bytes());
        }
        let lead = Request::create(&format!("honest-{}-{honest}", key.is_some()));
        let call = Call::make(&mut client, String::new(), &lead);
        ensure!(
            is_well(&call),
            "an honest call was answered {:?}",
            call.status()
        );
        honest += 1;
        thread::sleep(Duration::from_millis(20));
    }
    let refused = connections.iter().filter(|half| half.refused).count();
    Ok((refused, honest))
}

/// Waits until the server has given its memory back, which its threads do while they work: somebody looks whether it is
/// well. What it has then, in KiB.
fn settle(deployment: &Deployment) -> Result<u64> {
    let began = Instant::now();
    let mut client = Client::of(deployment);
    loop {
        for _ in 0..20 {
            let call = Call::make(&mut client, String::new(), &Request::get("/healthz"));
            ensure!(is_well(&call), "it was not well: {:?}", call.status());
        }
        let resident = deployment.server.memory()?.0;
        if resident <= AFTER || began.elapsed() > PEACE {
            return Ok(resident);
        }
        thread::sleep(Duration::from_millis(250));
    }
}

struct Half {
    stream: TcpStream,
    sent: usize,
    refused: bool,
}

impl Half {
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

    /// Sends what the machine takes, and looks for the server's answer.
    fn go_on(&mut self, request: &[u8]) {
        if let Ok(length @ 1..) = self.stream.write(&request[self.sent..]) {
            self.sent += length;
        }
        let answered = match self.stream.read(&mut [0; 1024]) {
            Ok(_) => true,
            Err(error) => error.kind() != ErrorKind::WouldBlock,
        };
        self.refused |= answered;
    }
}

fn mib(kib: u64) -> u64 {
    kib.div_ceil(1024)
}
