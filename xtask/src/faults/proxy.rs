//! A network between server and database that can be made slow, or lose the database.

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

/// Passes everything on to a port of this machine. It ends with the program.
pub(super) struct Proxy {
    port: u16,
    way: Arc<Way>,
}

/// What becomes of bytes on their way.
#[derive(Default)]
struct Way {
    delay: AtomicU64,
    /// Odd while the database is away. A connection that was made in another era is lost.
    era: AtomicU64,
    /// The database's ends.
    ends: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    pub(super) fn before(port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            way: Arc::default(),
        };
        let way = Arc::clone(&proxy.way);
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let era = way.era();
                if era % 2 == 1 {
                    thread::spawn(move || swallow(client));
                // A database that is away, but not its host, closes the connection here as well.
                } else if let Ok(server) = TcpStream::connect(target) {
                    drop(join(&client, &server, era, &way));
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
        self.way.delay.store(millis, Ordering::Relaxed);
    }

    /// From now on nothing comes through, not even the end of a connection: the database ends what it was doing, and
    /// whoever is connected, or connects, hears nothing.
    pub(super) fn vanish(&self) {
        self.way.era.fetch_add(1, Ordering::SeqCst);
        for end in self.way.ends().drain(..) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// From now on new connections reach the database.
    pub(super) fn come_back(&self) {
        self.way.era.fetch_add(1, Ordering::SeqCst);
    }
}

impl Way {
    fn era(&self) -> u64 {
        self.era.load(Ordering::SeqCst)
    }

    fn ends(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn join(client: &TcpStream, server: &TcpStream, era: u64, way: &Arc<Way>) -> Result<()> {
    way.ends().push(server.try_clone()?);
    for (from, to) in [(client, server), (server, client)] {
        from.set_nodelay(true)?;
        let (from, to, way) = (from.try_clone()?, to.try_clone()?, Arc::clone(way));
        thread::spawn(move || pass_on(from, to, era, &way));
    }
    Ok(())
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, era: u64, way: &Way) {
    let mut bytes = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        thread::sleep(Duration::from_millis(way.delay.load(Ordering::Relaxed)));
        if way.era() != era {
            return swallow(from);
        }
        if to.write_all(&bytes[..read]).is_err() {
            break;
        }
    }
    if way.era() == era {
        let _ = to.shutdown(Shutdown::Write);
        let _ = from.shutdown(Shutdown::Read);
    }
}

/// Takes whatever comes and says nothing, until the other end has closed the connection.
fn swallow(mut from: TcpStream) {
    let _ = io::copy(&mut from, &mut io::sink());
}
