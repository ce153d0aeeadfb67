use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a [`LeadChanges`](crate::LeadChanges) does to a field that may be null.
///
/// In JSON, `Keep` is an absent field, which the container has to skip as `LeadChanges` does, and
/// `Clear` is null.
///
/// ```
/// use konektor_sdk::{Change, LeadChanges};
///
/// let changes: LeadChanges = serde_json::from_str(r#"{"email": null, "notes": "Call back"}"#)?;
/// assert_eq!(changes.email, Change::Clear);
/// assert_eq!(changes.notes, Change::Set("Call back".to_owned()));
/// assert_eq!(changes.phone, Change::Keep);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The field stays as it is.
    #[default]
    Keep,
    /// The field becomes null.
    Clear,
    /// The field becomes this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether the field stays as it is.
    ///
    /// ```
    /// assert!(konektor_sdk::Change::<String>::default().is_keep());
    /// ```
    #[must_use]
    pub fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The new value, if there is one.
    ///
    /// ```
    /// use konektor_sdk::Change;
    ///
    /// assert_eq!(Change::Set(5).value(), Some(&5));
    /// assert_eq!(Change::<i32>::Clear.value(), None);
    /// ```
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

/// `Some` sets, `None` clears.
impl<T> From<Option<T>> for Change<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::Set)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self::from)
    }
}
