//! `--columns` and `--wide`: which fields of an answer are shown.

use std::marker::PhantomData;

use clap::{Args, builder::TypedValueParser as _};

use super::{operation::OperationArgs, parsers::word};
use crate::base::ColumnSelection;

// `--columns`, for the fields of an operation's answer.
#[derive(Args)]
pub(crate) struct Columns<O: OperationArgs> {
    #[arg(
        long,
        value_name = "FIELDS",
        value_delimiter = ',',
        value_parser = word(O::COLUMNS).map(str::to_owned),
        ignore_case = true,
        help = "Show only these fields, in this order"
    )]
    columns: Vec<String>,
    #[arg(skip)]
    operation: PhantomData<O>,
}

// The same for a list, which has more columns than fit most terminals.
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

// For an answer without fields.
#[derive(Args)]
pub(crate) struct NoColumns {}

/// Flags that select columns.
pub(crate) trait ColumnArgs: Args {
    fn selection(&self) -> ColumnSelection;
}

impl<O: OperationArgs> ColumnArgs for Columns<O> {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            names: self.columns.clone(),
            wide: false,
        }
    }
}

impl<O: OperationArgs> ColumnArgs for ListColumns<O> {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection {
            wide: self.wide,
            ..self.columns.selection()
        }
    }
}

impl ColumnArgs for NoColumns {
    fn selection(&self) -> ColumnSelection {
        ColumnSelection::default()
    }
}
