//! `--clear`

use clap::ValueEnum;
use heck::ToKebabCase as _;
use konektor_sdk::Change;

use crate::error::Failure;

/// The fields that `--clear` names.
pub(super) struct Cleared<F>(pub(super) Vec<F>);

impl<F: ValueEnum + PartialEq + Copy> Cleared<F> {
    /// Combines a field's own flag with `--clear`.
    ///
    /// # Errors
    /// When the field has both.
    pub(super) fn or<T>(&self, value: Option<T>, field: F) -> Result<Change<T>, Failure> {
        match (value, self.0.contains(&field)) {
            (Some(_), true) => {
                let value = field.to_possible_value();
                let name = value.map_or_else(String::new, |value| value.get_name().to_kebab_case());
                Err(Failure::usage(format!(
                    "--{name} and --clear {name} cannot be used together"
                )))
            }
            (None, true) => Ok(Change::Clear),
            (Some(value), false) => Ok(Change::Set(value)),
            (None, false) => Ok(Change::Keep),
        }
    }
}

/// Passes a change on to a builder if there is one.
pub(super) trait SetOrClear: Sized {
    fn set_or_clear<T>(
        self,
        change: Change<T>,
        set: impl FnOnce(Self, T) -> Self,
        clear: impl FnOnce(Self) -> Self,
    ) -> Self {
        match change {
            Change::Keep => self,
            Change::Set(value) => set(self, value),
            Change::Clear => clear(self),
        }
    }
}

impl<R> SetOrClear for R {}
