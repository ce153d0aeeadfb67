/// The columns of an answer that a command line asks for.
#[derive(Clone, Debug, Default)]
pub(crate) struct ColumnSelection {
    /// The names of the fields; empty for the default columns.
    pub(crate) names: Vec<String>,
    /// Whether every column is shown in full.
    pub(crate) wide: bool,
}
