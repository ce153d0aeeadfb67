//! `/leads`

mod create;
mod fields;
mod get;
mod list;
mod update;
mod upsert;
