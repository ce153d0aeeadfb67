//! `konektor skill`

pub(crate) mod show;
