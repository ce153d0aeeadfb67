//! Times on the wire and in the store: RFC 3339 in UTC, to the millisecond.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde::Serializer;

/// The first time with a year of four digits, as RFC 3339 requires.
pub const FIRST: Timestamp = Timestamp::constant(-62_167_219_200, 0);
/// The last time with such a year at every offset: the end of the year 9999 less the largest offset.
pub const LAST: Timestamp = Timestamp::constant(253_402_207_200, 999_000_000);

const WIRE: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
const NANOSECONDS_IN_A_MILLISECOND: i128 = 1_000_000;

/// Milliseconds since 1970, rounded down.
#[must_use]
pub fn to_millis(time: Timestamp) -> i64 {
    let millis = time
        .as_nanosecond()
        .div_euclid(NANOSECONDS_IN_A_MILLISECOND);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// The time so many milliseconds after 1970, clamped to [`FIRST`] and [`LAST`].
#[must_use]
pub fn from_millis(millis: i64) -> Timestamp {
    let nearest = if millis < 0 { FIRST } else { LAST };
    Timestamp::from_millisecond(millis)
        .unwrap_or(nearest)
        .clamp(FIRST, LAST)
}

/// The time rounded down to a millisecond, clamped to [`FIRST`] and [`LAST`].
#[must_use]
pub fn whole_millis(time: Timestamp) -> Timestamp {
    from_millis(to_millis(time))
}

/// RFC 3339 in UTC with exactly three digits of a second.
///
/// ```
/// use konektor_server::domain::time::format;
/// assert_eq!(format("2025-01-15T17:30:00+07:00".parse()?), "2025-01-15T10:30:00.000Z");
/// # Ok::<(), jiff::Error>(())
/// ```
#[must_use]
pub fn format(time: Timestamp) -> String {
    WIRE.timestamp_to_string(&whole_millis(time))
}

/// For `#[serde(serialize_with = "…")]`: as [`format()`] writes it.
pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&format(*time))
}

/// For `#[serde(serialize_with = "…")]`: as [`format()`] writes it, or null.
pub fn serialize_option<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, serializer),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_finer_than_a_millisecond_is_cut() {
        for (time, expected) in [
            ("2025-01-15T10:30:00.9999Z", "2025-01-15T10:30:00.999Z"),
            ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(format(time.parse().expect("a time")), expected);
        }
    }

    #[test]
    fn the_ends_of_time_are_written_with_four_digits() {
        assert_eq!(format(Timestamp::MIN), "0000-01-01T00:00:00.000Z");
        assert_eq!(format(Timestamp::MAX), "9999-12-30T22:00:00.999Z");
        assert_eq!(whole_millis(Timestamp::MAX), LAST);
    }

    proptest! {
        #[test]
        fn any_count_of_milliseconds_is_a_time_that_reads_back(millis in any::<i64>()) {
            let time = from_millis(millis);
            prop_assert_eq!(from_millis(to_millis(time)), time);
            prop_assert_eq!(format(time).parse::<Timestamp>().ok(), Some(time));
            prop_assert_eq!(format(time).len(), 24);
        }
    }
}
