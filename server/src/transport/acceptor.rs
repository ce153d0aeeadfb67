//! Accepts connections until the server stops, and then waits for the open ones.

use std::{
    future::Future, io, net::SocketAddr, num::NonZeroUsize, pin::pin, sync::Arc, time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

use super::{
    connection::{ConnectionConfig, serve_connection},
    connection_slots::{ConnectionSlot, ConnectionSlots},
};

/// How long to wait before accepting again if the system is out of file descriptors or memory.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(50);

/// Accepts connections on one listener.
pub(crate) struct Acceptor {
    listener: TcpListener,
    connections: Connections,
}

/// An acceptor that accepts no more connections.
pub(crate) struct Draining(Acceptor);

struct Connections {
    slots: Arc<ConnectionSlots>,
    config: ConnectionConfig,
    /// Becomes true when the server stops. It is closed when the last connection has ended.
    stop: watch::Sender<bool>,
}

impl Acceptor {
    pub(crate) fn new(
        listener: TcpListener,
        max_connections: NonZeroUsize,
        reserved_files: u64,
        config: ConnectionConfig,
    ) -> Self {
        let connections = Connections {
            slots: ConnectionSlots::from_process(max_connections, reserved_files),
            config,
            stop: watch::Sender::new(false),
        };
        Self {
            listener,
            connections,
        }
    }

    /// Serves connections until `shutdown` completes.
    pub(crate) async fn accept_until(self, shutdown: impl Future<Output = ()>) -> Draining {
        let mut shutdown = pin!(shutdown);
        loop {
            let slot = tokio::select! {
                slot = self.connections.slots.acquire() => slot,
                () = &mut shutdown => break,
            };
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.connections.spawn(stream, peer, slot),
                    Err(error) => back_off(&error).await,
                },
                () = &mut shutdown => break,
            }
        }
        Draining(self)
    }
}

impl Draining {
    /// Waits until every connection has ended.
    pub(crate) async fn finish(self) {
        let Acceptor {
            listener,
            connections,
        } = self.0;
        // Connections in the backlog of the listener may contain requests already.
        for (stream, peer) in backlog(listener) {
            let slot = connections.slots.acquire().await;
            connections.spawn(stream, peer, slot);
        }
        connections.stop.send_replace(true);
        connections.stop.closed().await;
    }
}

impl Connections {
    fn spawn(&self, stream: TcpStream, peer: SocketAddr, slot: ConnectionSlot) {
        let stopping = self.stop.subscribe();
        let config = self.config.clone();
        tokio::spawn(serve_connection(stream, peer, slot, config, stopping));
    }
}

/// The connections in the backlog of the listener. The listener takes no more.
fn backlog(listener: TcpListener) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
    let listener = listener.into_std().ok();
    std::iter::from_fn(move || {
        let (stream, peer) = listener.as_ref()?.accept().ok()?;
        stream.set_nonblocking(true).ok()?;
        Some((TcpStream::from_std(stream).ok()?, peer))
    })
}

/// Waits if the system is out of file descriptors or memory. A connection that was aborted before it was accepted is
/// ignored.
async fn back_off(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    ) {
        tracing::error!(cause = %error, "cannot accept connections");
        sleep(ACCEPT_RETRY_DELAY).await;
    }
}
