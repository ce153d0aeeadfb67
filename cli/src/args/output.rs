//! What of an answer is shown.

use std::marker::PhantomData;

use clap::{Args, builder::TypedValueParser as _};

use super::{operation::OperationArgs, parsers::word};

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
