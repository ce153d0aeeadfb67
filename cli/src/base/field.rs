/// A field of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    /// The name in the document. A field of an object has a path: `subscription.plan`.
    pub(crate) name: &'static str,
    pub(crate) kind: FieldKind,
}

/// How a person reads the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldKind {
    Text,
    Phone,
    Status,
    Time,
    Count,
    Amount,
    Share,
}

impl Field {
    pub(crate) const fn new(name: &'static str, kind: FieldKind) -> Self {
        Self { name, kind }
    }
}

impl AsRef<str> for Field {
    fn as_ref(&self) -> &str {
        self.name
    }
}
