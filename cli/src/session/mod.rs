//! One run of a command against a server: what it can use, its calls, and what they come to.

mod call;
mod context;
pub(crate) mod dry_run;
mod explain;
mod global_args;
pub(crate) mod paging;
pub(crate) mod progress;
pub(crate) mod status_line;
pub(crate) mod workspace_cache;

pub(crate) use call::Call;
pub(crate) use context::{Context, interrupted};
pub(crate) use explain::explain;
pub(crate) use global_args::GlobalArgs;
