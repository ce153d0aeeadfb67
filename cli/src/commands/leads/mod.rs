//! `konektor leads`

pub(crate) mod create;
pub(crate) mod export;
pub(crate) mod get;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod update;
pub(crate) mod upsert;
pub(crate) mod view;
