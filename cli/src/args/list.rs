//! What every list takes.

use clap::Args;

use super::{generated::PageArgs, operation::OperationArgs, output::Columns};

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

// Which columns of a list are shown. It has more of them than fit most terminals.
#[derive(Args)]
pub(crate) struct ListColumns<O: OperationArgs> {
    #[command(flatten)]
    columns: Columns<O>,
    #[arg(
        long,
        help = "Show every column in full, however wide the table becomes"
    )]
    wide: bool,
}

impl Rows {
    /// What every request of the list says. The limit is that of the list, which ends when it is reached.
    pub(crate) fn page(&self) -> PageArgs {
        PageArgs {
            limit: None,
            ..self.page.clone()
        }
    }
}
