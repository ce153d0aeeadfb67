//! Parameters and body fields of an operation as flags, and back again.

mod given;
mod input;
mod schema;

use clap::{
    Arg, ArgAction, Command,
    builder::{PossibleValue, PossibleValuesParser},
};
use heck::ToKebabCase as _;
use konektor_spec::Operation;

pub(crate) use given::{Flags, Given};
use input::{Input, clearable, inputs};

/// The flag that empties fields.
const CLEAR: &str = "clear";

/// The flags of an operation, in the document's order.
pub(crate) fn of(operation: &Operation) -> Vec<Arg> {
    inputs(operation).iter().map(Input::flag).collect()
}

/// Adds `--clear` for the fields of the operation's body that may be null.
pub(crate) fn with_clear(command: Command, operation: &Operation) -> Command {
    let fields = clearable(operation);
    if fields.is_empty() {
        return command;
    }
    let values = fields.iter().map(|input| {
        let name = input.name();
        PossibleValue::new(name.to_kebab_case()).alias(name.to_owned())
    });
    command.arg(
        Arg::new(CLEAR)
            .long(CLEAR)
            .value_name("FIELD")
            .value_delimiter(',')
            .action(ArgAction::Append)
            .value_parser(PossibleValuesParser::new(values))
            .help("Empty these fields"),
    )
}
