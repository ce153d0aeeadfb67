//! A TCP proxy between server and database that can add latency or lose all packets.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

/// A TCP proxy to a local port. Its threads run until the program exits.
pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

/// The state that all connections share.
#[derive(Default)]
struct State {
    /// The added latency, in milliseconds.
    delay: AtomicU64,
    /// Odd while the database is unreachable. Connections of an earlier epoch forward nothing.
    epoch: AtomicU64,
    /// The connections to the database.
    upstream: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts a proxy to `port` of 127.0.0.1.
    pub(super) fn new(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            state: Arc::default(),
        };
        let state = Arc::clone(&proxy.state);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let epoch = state.epoch();
                if epoch % 2 == 1 {
                    thread::spawn(move || discard(client));
                // If the database refuses the connection, dropping `client` closes it as well.
                } else if let Ok(server) = TcpStream::connect(target) {
                    drop(forward_both(&client, &server, epoch, &state));
                }
            }
        });
        Ok(proxy)
    }

    /// The port that the proxy listens on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Delays everything that is forwarded, in either direction.
    pub(super) fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.state.delay.store(millis, Ordering::Relaxed);
    }

    /// Simulates a host that disappears: nothing is forwarded any more, not even the end of a
    /// connection. New connections are accepted and receive nothing. The database sees its connections
    /// close.
    pub(super) fn disconnect(&self) {
        self.state.epoch.fetch_add(1, Ordering::SeqCst);
        for stream in self.state.upstream().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Forwards new connections again. Connections from before [`Self::disconnect`] stay lost.
    pub(super) fn reconnect(&self) {
        self.state.epoch.fetch_add(1, Ordering::SeqCst);
    }
}

impl State {
    fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    fn upstream(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.upstream.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn forward_both(
    client: &TcpStream,
    server: &TcpStream,
    epoch: u64,
    state: &Arc<State>,
) -> Result<()> {
    state.upstream().push(server.try_clone()?);
    for (from, to) in [(client, server), (server, client)] {
        from.set_nodelay(true)?;
        let (from, to, state) = (from.try_clone()?, to.try_clone()?, Arc::clone(state));
        thread::spawn(move || forward(from, to, epoch, &state));
    }
    Ok(())
}

fn forward(mut from: TcpStream, mut to: TcpStream, epoch: u64, state: &State) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        thread::sleep(Duration::from_millis(state.delay.load(Ordering::Relaxed)));
        if state.epoch() != epoch {
            return discard(from);
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    if state.epoch() == epoch {
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    }
}

/// Reads and discards everything until the other end closes the connection.
fn discard(mut from: TcpStream) {
    let _ = io::copy(&mut from, &mut io::sink());
}
