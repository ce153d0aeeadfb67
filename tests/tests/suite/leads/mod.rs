//! `/leads`

mod create;
mod get;
mod update;
