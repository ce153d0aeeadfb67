//! The environment of the program: streams, variables, terminal, pager.

mod environment;
mod pager;

pub use environment::{Clock, Environment, Notify, Stream, Terminal, Variables, Zone};
pub(crate) use environment::{FOLDER_VARIABLE, HELP_WIDTH, RETRY_BUDGET};
pub(crate) use pager::PagedWriter;
