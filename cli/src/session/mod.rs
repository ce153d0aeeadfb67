//! What a running command uses: its context, API calls, pages of lists, and explanations of failures.

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
