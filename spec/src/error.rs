//! Why a document cannot be used.

/// Why a document cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpecError {
    /// Something the rest of the project relies on is not in the document.
    #[error("the API document lacks {0}")]
    Missing(String),
    /// A `$ref` leads nowhere.
    #[error("the API document refers to {0}, which it does not have")]
    Unresolved(String),
    /// An operation asks for a key and names no scope; it would be open to every key, so it is refused.
    #[error("operation {0} needs a key and declares no known x-konektor-scope")]
    NoScope(String),
    /// A schema is not valid.
    #[error("the API document has an unusable schema: {0}")]
    Unusable(String),
}
