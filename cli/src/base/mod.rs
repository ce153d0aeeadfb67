//! Helpers that do not depend on the rest of the program: text, time, secrets, files.

pub(crate) mod atomic_file;
mod column_selection;
mod duration;
pub(crate) mod escape;
mod field;
mod format;
mod local_clock;
pub(crate) mod sanitize;
pub(crate) mod secret;

pub(crate) use column_selection::ColumnSelection;
pub(crate) use duration::parse_duration;
pub(crate) use field::{Field, FieldKind};
pub(crate) use format::Format;
pub(crate) use local_clock::LocalClock;
