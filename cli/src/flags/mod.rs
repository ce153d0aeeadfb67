//! Parameters and body fields of an operation as flags, and back again.

mod given;
mod input;
mod moment;
mod schema;

use clap::{
    Arg, ArgAction, Command,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use heck::ToKebabCase as _;
use konektor_spec::Operation;
use serde_json::Value;

pub(crate) use given::{Flags, Given};
use input::{Input, clearable, inputs};
pub(crate) use moment::Calendar;
pub(crate) use schema::typed as typed_by;

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
    let names = fields.iter().map(|input| input.name().to_owned()).collect();
    command.arg(
        Arg::new(CLEAR)
            .long(CLEAR)
            .value_name("FIELD")
            .value_delimiter(',')
            .action(ArgAction::Append)
            .value_parser(word(names))
            .help("Empty these fields"),
    )
}

/// A value that was typed for a field by its dotted path, as the document wants it; text when nobody knows.
pub(crate) fn typed(operation: Option<&Operation>, path: &str, text: &str) -> Value {
    let inputs = operation.map(inputs).unwrap_or_default();
    match inputs.iter().find(|input| input.id() == path) {
        Some(input) => schema::typed(input.schema, text),
        None => text.into(),
    }
}

/// One of these words; in kebab-case too, as flags are.
pub(crate) fn word(words: Vec<String>) -> impl TypedValueParser<Value = String> {
    let values = words.clone().into_iter().map(|word| {
        let kebab = word.to_kebab_case();
        let value = PossibleValue::new(word.clone());
        if kebab == word {
            value
        } else {
            value.alias(kebab)
        }
    });
    PossibleValuesParser::new(values).map(move |typed| {
        let known = words
            .iter()
            .find(|word| **word == typed || word.to_kebab_case() == typed);
        known.unwrap_or(&typed).clone()
    })
}
