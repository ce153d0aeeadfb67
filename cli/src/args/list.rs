//! Arguments of every list.

use clap::Args;

use super::generated::PageArgs;

// Which rows of a list are read.
#[derive(Args)]
pub(crate) struct Rows {
    #[command(flatten)]
    pub(crate) page: PageArgs,
    #[arg(
        long,
        conflicts_with_all = ["page", "limit"],
        help = "Fetch all rows; json and yaml are written once complete"
    )]
    pub(crate) all: bool,
}

impl Rows {
    /// The pagination arguments of a request, without `--limit`, which limits the whole list.
    pub(crate) fn page(&self) -> PageArgs {
        PageArgs {
            limit: None,
            ..self.page.clone()
        }
    }
}
