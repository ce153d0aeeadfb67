//! Sockets: accepting connections, how many and how long they may be idle or slow, and shutdown.

mod acceptor;
mod connection;
mod connection_slots;

pub(crate) use acceptor::Acceptor;
pub(crate) use connection::ConnectionConfig;
