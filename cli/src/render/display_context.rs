use super::Currency;
use crate::base::LocalClock;

/// What decides how values look to a person: time, time zone and currency.
#[derive(Clone, Debug)]
pub(crate) struct DisplayContext {
    pub(crate) clock: LocalClock,
    pub(crate) currency: Currency,
}

impl DisplayContext {
    /// A context without a currency.
    pub(crate) fn new(clock: LocalClock) -> Self {
        Self {
            clock,
            currency: Currency::default(),
        }
    }
}
