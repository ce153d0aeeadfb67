/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Table,
    Json,
    Ndjson,
    Yaml,
    Csv,
    Tsv,
    Markdown,
}

impl Format {
    /// In the order in which the help shows them.
    pub(crate) const ALL: [Self; 7] = [
        Self::Table,
        Self::Json,
        Self::Ndjson,
        Self::Yaml,
        Self::Csv,
        Self::Tsv,
        Self::Markdown,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Yaml => "yaml",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Markdown => "markdown",
        }
    }

    /// A short description.
    pub(crate) fn about(self) -> &'static str {
        match self {
            Self::Table => "For people; what a terminal gets",
            Self::Json => "The API's data as it is",
            Self::Ndjson => "One row of JSON on each line",
            Self::Yaml => "The API's data as YAML",
            Self::Csv => "Rows for a spreadsheet",
            Self::Tsv => "Rows for shell tools; what a pipe gets",
            Self::Markdown => "Rows for a document",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Whether all rows are one document, which is useless when it is incomplete.
    pub(crate) fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Yaml)
    }

    pub(crate) fn is_json(self) -> bool {
        matches!(self, Self::Json | Self::Ndjson)
    }
}
