//! What surrounds the program: environment, terminal, pager.

mod environment;
mod pager;

pub(crate) use environment::RETRY_BUDGET;
pub use environment::{Clock, Environment, Stream, Terminal, Variables};
pub(crate) use pager::PagedWriter;
