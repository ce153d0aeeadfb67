use super::{Currency, When};

/// The person who reads: when, where, and in which currency amounts are.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) when: When,
    pub(crate) currency: Currency,
}

impl Reader {
    /// One who knows no currency.
    pub(crate) fn new(when: When) -> Self {
        Self {
            when,
            currency: Currency::default(),
        }
    }
}
