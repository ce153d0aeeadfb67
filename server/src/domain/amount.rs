//! Amounts of money and shares as JSON shows them.

use serde::{Deserialize, Serialize, Serializer};

/// A number of the API: an amount in the workspace's currency, a sum of amounts, or a percentage.
///
/// Whole numbers are written without a fraction: `5000000`, never `5000000.0`.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, Deserialize)]
#[serde(from = "f64")]
pub struct Amount(f64);

impl Amount {
    /// A sum of amounts, rounded to two decimals: sums of binary fractions are inexact.
    #[must_use]
    pub fn from_sum(sum: f64) -> Self {
        Self(two_decimals(sum))
    }

    /// A part as a percentage of the total, with two decimals; 0 if the total is 0.
    ///
    /// ```
    /// use konektor_server::domain::amount::Amount;
    /// assert_eq!(Amount::percentage(42, 156).value(), 26.92);
    /// ```
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "exact for counts below 2^53")]
    pub fn percentage(part: u64, total: u64) -> Self {
        if total == 0 {
            return Self::default();
        }
        Self(two_decimals(part as f64 * 100.0 / total as f64))
    }

    /// The number itself.
    #[must_use]
    pub fn value(self) -> f64 {
        self.0
    }
}

impl From<f64> for Amount {
    /// An amount exactly as the caller sent it; the API document limits it.
    fn from(value: f64) -> Self {
        // Adding zero turns -0.0 into 0.0.
        Self(value + 0.0)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match whole(self.0) {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}

fn two_decimals(value: f64) -> f64 {
    let rounded = (value * 100.0).round() / 100.0 + 0.0;
    if rounded.is_finite() { rounded } else { value }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and well inside i64")]
fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() < 9e18).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn json(amount: Amount) -> String {
        serde_json::to_string(&amount).expect("an amount")
    }

    #[test]
    fn whole_numbers_are_written_without_a_fraction() {
        for (value, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (5_000_000.0, "5000000"),
            (1e15, "1000000000000000"),
            (0.1, "0.1"),
            (1_234.5, "1234.5"),
        ] {
            assert_eq!(json(Amount::from(value)), expected);
        }
    }

    #[test]
    fn sums_have_two_decimals() {
        assert_eq!(json(Amount::from_sum(0.1 + 0.2)), "0.3");
        assert_eq!(json(Amount::from_sum(2.999_999_999)), "3");
        assert_eq!(json(Amount::from_sum(1e17)), "100000000000000000");
    }

    #[test]
    fn percentages_have_two_decimals() {
        assert_eq!(json(Amount::percentage(1, 3)), "33.33");
        assert_eq!(json(Amount::percentage(2, 3)), "66.67");
        assert_eq!(json(Amount::percentage(1, 4)), "25");
        assert_eq!(json(Amount::percentage(0, 0)), "0");
    }

    proptest! {
        #[test]
        fn an_amount_reads_back_as_itself(value in 0.0..=1e15) {
            prop_assert_eq!(serde_json::from_str::<f64>(&json(Amount::from(value))).ok(), Some(value));
        }
    }
}
