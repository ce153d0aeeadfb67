//! What the transport knows of a request that its bytes do not say; it travels in the request's extensions.

use std::net::SocketAddr;

use tokio::time::Instant;

/// The other end of the connection a request came on.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// When the first byte of a request arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ReceivedAt(pub(crate) Instant);
