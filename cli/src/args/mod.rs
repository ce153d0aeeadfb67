//! Arguments of the API's operations, and the SDK's requests built from them.
//!
//! The structs are generated from the document. The other files contain what the generated code uses.

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
pub(crate) use modes::{DryRun, Watch};
pub(crate) use operation::OperationArgs;
pub(crate) use parsers::word;
pub(crate) use relative_time::{Calendar, RelativeTime};
pub(crate) use words::Words;
