//! `konektor support`

pub(crate) mod ticket;
