//! What can be typed for the operations of the API, and the SDK's requests made of it.
//!
//! The structs are generated from the document; here is what they are built with.

mod cleared;
mod columns;
mod generated;
pub(crate) mod json;
mod list;
mod modes;
mod operation;
mod parsers;
mod relative_time;
mod words;

pub(crate) use columns::{ColumnArgs, Columns};
pub(crate) use generated::*;
pub(crate) use list::Rows;
pub(crate) use modes::{DryRun, LocalDryRun, Watch};
pub(crate) use operation::OperationArgs;
pub(crate) use parsers::word;
pub(crate) use relative_time::{Calendar, RelativeTime};
pub(crate) use words::Words;
