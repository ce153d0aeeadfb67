//! Leads.

pub(super) mod create;
mod day_limit;
pub(super) mod get;
pub(super) mod list;
mod new_lead;
mod not_found;
pub(super) mod update;
pub(super) mod upsert;
mod write;
