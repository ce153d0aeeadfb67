//! `konektor support ticket`

pub(crate) mod create;
