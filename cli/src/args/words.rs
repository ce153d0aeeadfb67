//! A command line to copy.

use std::fmt::Display;

/// Flags and values, as they are typed.
#[derive(Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    /// Adds a flag if it has a value.
    pub(super) fn flag(mut self, name: &str, value: Option<&impl Display>) -> Self {
        if let Some(value) = value {
            self.0.extend([format!("--{name}"), value.to_string()]);
        }
        self
    }
}

impl IntoIterator for Words {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
