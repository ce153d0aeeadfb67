//! `konektor conversions`

pub(crate) mod pending;
pub(crate) mod status;
