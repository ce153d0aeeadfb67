//! Leads: what can be read, listed and written.

mod after_change;
mod bulk;
mod columns;
mod erase;
mod list;
mod lookup;
mod search;
mod unique;
mod write;

pub use bulk::{BulkLead, BulkProgress, BulkStep};
pub use erase::{EraseLead, Erased};
pub use list::{LeadFilter, LeadOrder};
pub use lookup::Match;
pub(super) use lookup::RowLock;
pub use write::{CreateLead, NewLead, UpdateLead, UpsertLead, Upserted};
