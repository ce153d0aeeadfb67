//! What statements and transactions run on.

use std::ops::{Deref, DerefMut};

use super::{
    connection::Connection,
    pool::{Pool, Pooled},
};

/// A connection, or a pool, of which a connection is taken.
pub(crate) enum Source<'c> {
    Pool(&'c Pool),
    Connection(&'c mut Connection),
}

/// A connection of a source.
pub(super) enum Lease<'c> {
    Pooled(Pooled),
    Borrowed(&'c mut Connection),
}

impl<'c> Source<'c> {
    /// A connection to run on.
    pub(super) async fn connection(self) -> Result<Lease<'c>, sqlx::Error> {
        Ok(match self {
            Self::Pool(pool) => Lease::Pooled(pool.acquire().await?),
            Self::Connection(connection) => Lease::Borrowed(connection),
        })
    }
}

impl<'c> From<&'c Pool> for Source<'c> {
    fn from(pool: &'c Pool) -> Self {
        Self::Pool(pool)
    }
}

impl<'c> From<&'c mut Connection> for Source<'c> {
    fn from(connection: &'c mut Connection) -> Self {
        Self::Connection(connection)
    }
}

impl Deref for Lease<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Connection {
        match self {
            Self::Pooled(connection) => connection,
            Self::Borrowed(connection) => connection,
        }
    }
}
