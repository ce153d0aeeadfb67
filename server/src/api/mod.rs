//! The operations, one file each. The tree of files is the tree of URLs.

mod analytics;
pub mod call;
mod conversions;
mod cursor;
mod idempotency;
mod leads;
pub(crate) mod meaning;
pub(crate) mod operations;
mod period;
mod support;
#[cfg(test)]
pub(crate) mod testing;
mod values;
mod workspace;
mod write;
