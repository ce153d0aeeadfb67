use super::Currency;
use crate::base::LocalClock;

/// The person who reads: when, where, and in which currency amounts are.
#[derive(Clone, Debug)]
pub(crate) struct DisplayContext {
    pub(crate) clock: LocalClock,
    pub(crate) currency: Currency,
}

impl DisplayContext {
    /// One who knows no currency.
    pub(crate) fn new(clock: LocalClock) -> Self {
        Self {
            clock,
            currency: Currency::default(),
        }
    }
}
