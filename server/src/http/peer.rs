//! What the transport knows about a request beside its bytes. It is passed in the request's extensions.

use std::net::SocketAddr;

use tokio::time::Instant;

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// When the first byte of a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceivedAt(pub(crate) Instant);
