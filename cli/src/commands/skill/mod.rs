//! `konektor skill`

pub(crate) mod installed;
pub(crate) mod show;
