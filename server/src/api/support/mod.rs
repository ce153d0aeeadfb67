//! Support.

pub(super) mod tickets;
