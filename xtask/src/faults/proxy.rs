//! A network between server and database that can be made slow.

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::Result;

/// Passes everything on to a port of this machine. It ends with the program.
pub(super) struct Proxy {
    port: u16,
    delay: Arc<AtomicU64>,
}

impl Proxy {
    pub(super) fn before(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            delay: Arc::default(),
        };
        let delay = Arc::clone(&proxy.delay);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A database that is away closes the connection here as well.
                if let Ok(server) = TcpStream::connect(target) {
                    drop(join(&client, &server, &delay));
                }
            }
        });
        Ok(proxy)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// From now on whatever passes in either direction takes so long.
    pub(super) fn delay(&self, by: Duration) {
        let millis = u64::try_from(by.as_millis()).unwrap_or(u64::MAX);
        self.delay.store(millis, Ordering::Relaxed);
    }
}

fn join(client: &TcpStream, server: &TcpStream, delay: &Arc<AtomicU64>) -> Result<()> {
    for (from, to) in [(client, server), (server, client)] {
        from.set_nodelay(true)?;
        let (from, to, delay) = (from.try_clone()?, to.try_clone()?, Arc::clone(delay));
        thread::spawn(move || pass_on(from, to, &delay));
    }
    Ok(())
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, delay: &AtomicU64) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        thread::sleep(Duration::from_millis(delay.load(Ordering::Relaxed)));
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
    let _ = from.shutdown(Shutdown::Read);
}
