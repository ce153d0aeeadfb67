//! What the arguments of all operations have in common.

use clap::Args;
use konektor_spec::OperationId;

use super::{columns::ColumnArgs, relative_time::RelativeTime};
use crate::base::Field;

/// What the document says about an operation. The implementations are generated.
pub(crate) trait OperationArgs: Args {
    const OPERATION: OperationId;
    /// The title, in a few words.
    const SUMMARY: &'static str;
    /// The description, with each paragraph on one line.
    const DESCRIPTION: &'static str;
    /// The fields of the rows in its answer.
    const FIELDS: &'static [Field];
    /// The flags that select among these fields.
    type Columns: ColumnArgs;

    /// The times among the arguments.
    fn times(&self) -> Vec<&RelativeTime> {
        Vec::new()
    }

    /// The idempotency key, if one was typed.
    fn idempotency_key(&self) -> Option<&str> {
        None
    }
}

/// Passes a value on to a builder if there is one.
pub(super) trait SetIfSome: Sized {
    fn set_if_some<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => set(self, value),
            None => self,
        }
    }
}

impl<R> SetIfSome for R {}
