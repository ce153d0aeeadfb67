//! `konektor workspace`

pub(crate) mod show;
