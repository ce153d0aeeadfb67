//! The time rules of analytics and of the lead list: the times that a range includes.
//!
//! Ranges are inclusive at both ends and whole to the millisecond. Days, weeks (from Monday) and
//! months are those of the workspace's time zone; a local day starts at the first moment that has
//! its date, whatever the clock does around midnight.

use jiff::{Timestamp, ToSpan, civil::Date, fmt::temporal::Pieces, tz::TimeZone};
use thiserror::Error;

use super::time::{FIRST, LAST, from_millis, to_millis, whole_millis};

/// A range of times, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// The first time; `None` reaches back to the earliest data.
    pub from: Option<Timestamp>,
    /// The last time.
    pub to: Timestamp,
}

/// The error when two ends do not form a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PeriodError {
    /// The first time is after the last one, or, without a last one, in the future.
    #[error("must not be after its end")]
    Reversed,
}

impl Period {
    /// The period of a timeframe by its name; `None` for a name without a rule.
    ///
    /// `today`, `last_N_days` (today and the N−1 days before it), `current_week` and
    /// `current_month` start at a local midnight and end the millisecond before the coming one;
    /// `all_time` is open at the start and ends now.
    ///
    /// ```
    /// use jiff::{Timestamp, tz::TimeZone};
    /// use konektor_server::domain::period::Period;
    /// let now: Timestamp = "2025-01-15T10:30:00Z".parse()?;
    /// let today = Period::from_timeframe("today", now, &TimeZone::get("Asia/Jakarta")?);
    /// assert_eq!(today.and_then(|p| p.from), Some("2025-01-14T17:00:00Z".parse()?));
    /// # Ok::<(), jiff::Error>(())
    /// ```
    #[must_use]
    pub fn from_timeframe(name: &str, now: Timestamp, zone: &TimeZone) -> Option<Self> {
        let today = Day::new(now, zone);
        let days_back = match name {
            "all_time" => {
                return Some(Self {
                    from: None,
                    to: whole_millis(now),
                });
            }
            "today" => 0,
            "current_week" => today.date.weekday().to_monday_zero_offset().into(),
            "current_month" => i32::from(today.date.day()) - 1,
            _ => last_days(name)? - 1,
        };
        let first = today.date.saturating_sub(days_back.days());
        Some(Self {
            from: Some(start_of(first, zone)),
            to: today.end,
        })
    }

    /// The period between two given ends: without `from` it is open, without `to` it ends now.
    pub fn custom(
        from: Option<Timestamp>,
        to: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Self, PeriodError> {
        let to = to.unwrap_or_else(|| whole_millis(now));
        if from.is_some_and(|from| from > to) {
            return Err(PeriodError::Reversed);
        }
        Ok(Self { from, to })
    }
}

/// The N of `last_N_days`, at least 1.
fn last_days(name: &str) -> Option<i32> {
    let days = name.strip_prefix("last_")?.strip_suffix("_days")?;
    days.parse::<u16>()
        .ok()
        .filter(|&days| days > 0)
        .map(i32::from)
}

/// A local day of a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: Date,
    /// Its first moment.
    pub start: Timestamp,
    /// Its last millisecond.
    pub end: Timestamp,
    /// The first moment of the next day.
    pub next_midnight: Timestamp,
}

impl Day {
    /// The local day that includes a time.
    #[must_use]
    pub fn new(now: Timestamp, zone: &TimeZone) -> Self {
        let date = zone.to_datetime(now).date();
        // Where clocks are set back across midnight, the old date returns after the new day has begun.
        let date = if now >= start_of_next(date, zone) {
            date.tomorrow().unwrap_or(date)
        } else {
            date
        };
        Self {
            date,
            start: start_of(date, zone),
            end: end_of(date, zone),
            next_midnight: start_of_next(date, zone),
        }
    }
}

/// The end of a range that a plain date stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    /// The first moment of the day: `from`, `createdFrom`.
    Start,
    /// The last millisecond of the day: `to`, `createdTo`.
    End,
}

/// The error when a text is not an end of a range. The messages are for the caller and repeat nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BoundError {
    /// A time of day without Z or an offset.
    #[error("needs Z or an offset, e.g. 2025-01-15T10:30:00Z")]
    NeedsOffset,
    /// An offset whose `+` became a space on its way through a URL.
    #[error("has a space where an offset begins: in a URL write + as %2B, or use Z")]
    LostPlus,
    /// Neither a time nor a date.
    #[error("must be a time or a date, e.g. 2025-01-15T10:30:00Z or 2025-01-15")]
    NotATime,
}

/// Reads one end of a range: a time with Z or an offset (what is finer than a millisecond is cut),
/// or a plain date, which means that whole local day.
///
/// ```
/// use jiff::tz::TimeZone;
/// use konektor_server::domain::{period::{Edge, parse_bound}, time};
/// let jakarta = TimeZone::get("Asia/Jakarta")?;
/// let end = parse_bound("2025-01-15", &jakarta, Edge::End)?;
/// assert_eq!(time::format(end), "2025-01-15T16:59:59.999Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn parse_bound(text: &str, zone: &TimeZone, edge: Edge) -> Result<Timestamp, BoundError> {
    let text = cut_fraction(text);
    let Ok(pieces) = Pieces::parse(&text) else {
        return Err(why_unreadable(&text));
    };
    if pieces.date().year() < 0 || pieces.time_zone_annotation().is_some() {
        return Err(BoundError::NotATime);
    }
    match (pieces.time(), pieces.to_numeric_offset()) {
        (Some(time), Some(offset)) => {
            let moment = offset.to_timestamp(pieces.date().to_datetime(time));
            Ok(whole_millis(
                moment.unwrap_or_else(|_| limit(pieces.date())),
            ))
        }
        (Some(_), None) => Err(BoundError::NeedsOffset),
        (None, Some(_)) => Err(BoundError::NotATime),
        (None, None) => Ok(match edge {
            Edge::Start => start_of(pieces.date(), zone),
            Edge::End => end_of(pieces.date(), zone),
        }),
    }
}

/// RFC 3339 allows any number of digits in a fraction of a second; jiff reads nine.
fn cut_fraction(text: &str) -> String {
    let mut digits = None;
    text.chars()
        .filter(|c| {
            digits = match (c, digits) {
                ('.' | ',', _) => Some(0),
                ('0'..='9', Some(before)) => Some(before + 1),
                _ => None,
            };
            digits.is_none_or(|digits| digits <= 3)
        })
        .collect()
}

fn why_unreadable(text: &str) -> BoundError {
    let mended = text
        .rsplit_once(' ')
        .map(|(time, offset)| format!("{time}+{offset}"));
    match mended.as_deref().map(Pieces::parse) {
        Some(Ok(pieces)) if pieces.offset().is_some() => BoundError::LostPlus,
        _ => BoundError::NotATime,
    }
}

fn start_of(date: Date, zone: &TimeZone) -> Timestamp {
    date.to_zoned_datetime(zone.clone())
        .and_then(|midnight| midnight.start_of_day())
        .map_or_else(|_| limit(date), |start| whole_millis(start.timestamp()))
}

fn start_of_next(date: Date, zone: &TimeZone) -> Timestamp {
    date.tomorrow().map_or(LAST, |next| start_of(next, zone))
}

fn end_of(date: Date, zone: &TimeZone) -> Timestamp {
    let next = start_of_next(date, zone);
    if next == LAST {
        LAST
    } else {
        from_millis(to_millis(next) - 1)
    }
}

/// Replaces a time that is out of range by the first or the last time.
fn limit(date: Date) -> Timestamp {
    if date.year() > 0 { LAST } else { FIRST }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::time::format;
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).expect("a zone of the tz database")
    }

    /// `from..to` as the wire shows it.
    fn shown(period: Period) -> String {
        format!(
            "{}..{}",
            period.from.map(format).unwrap_or_default(),
            format(period.to)
        )
    }

    fn timeframe(name: &str, now: &str, zone_name: &str) -> String {
        shown(Period::from_timeframe(name, at(now), &zone(zone_name)).expect("a known name"))
    }

    #[test]
    fn presets_start_and_end_at_local_midnights() {
        // Thursday the 16th, 00:30 in Jakarta.
        let jakarta = |name| timeframe(name, "2025-01-15T17:30:00.1234Z", "Asia/Jakarta");
        assert_eq!(
            jakarta("today"),
            "2025-01-15T17:00:00.000Z..2025-01-16T16:59:59.999Z"
        );
        assert_eq!(
            jakarta("last_7_days"),
            "2025-01-09T17:00:00.000Z..2025-01-16T16:59:59.999Z"
        );
        assert_eq!(
            jakarta("last_30_days"),
            "2024-12-17T17:00:00.000Z..2025-01-16T16:59:59.999Z"
        );
        assert_eq!(
            jakarta("current_week"),
            "2025-01-12T17:00:00.000Z..2025-01-16T16:59:59.999Z"
        );
        assert_eq!(
            jakarta("current_month"),
            "2024-12-31T17:00:00.000Z..2025-01-16T16:59:59.999Z"
        );
        assert_eq!(jakarta("all_time"), "..2025-01-15T17:30:00.123Z");
    }

    #[test]
    fn a_week_starts_on_monday() {
        assert!(timeframe("current_week", "2025-01-13T00:00:00Z", "UTC").starts_with("2025-01-13"));
        assert!(timeframe("current_week", "2025-01-19T23:59:59Z", "UTC").starts_with("2025-01-13"));
        assert!(timeframe("current_week", "2025-01-20T00:00:00Z", "UTC").starts_with("2025-01-20"));
    }

    #[test]
    fn a_name_without_a_rule_is_none() {
        for name in [
            "",
            "yesterday",
            "Today",
            "last_0_days",
            "last_-1_days",
            "last_99999_days",
            "last__days",
        ] {
            assert_eq!(
                Period::from_timeframe(name, at("2025-01-15T00:00:00Z"), &TimeZone::UTC),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn days_with_a_change_of_the_clock_are_shorter_or_longer() {
        // 23 and 25 hours.
        assert_eq!(
            timeframe("today", "2025-03-30T12:00:00Z", "Europe/Berlin"),
            "2025-03-29T23:00:00.000Z..2025-03-30T21:59:59.999Z"
        );
        assert_eq!(
            timeframe("today", "2025-10-26T12:00:00Z", "Europe/Berlin"),
            "2025-10-25T22:00:00.000Z..2025-10-26T22:59:59.999Z"
        );
    }

    #[test]
    fn a_day_whose_midnight_does_not_exist_starts_when_the_clock_does() {
        // Cairo's clocks went from 00:00 to 01:00.
        let start = parse_bound("2024-04-26", &zone("Africa/Cairo"), Edge::Start);
        assert_eq!(start, Ok(at("2024-04-25T22:00:00Z")));
    }

    #[test]
    fn a_day_whose_midnight_comes_twice_starts_at_the_first() {
        // Havana's clocks went from 01:00 back to 00:00.
        let start = parse_bound("2024-11-03", &zone("America/Havana"), Edge::Start);
        assert_eq!(start, Ok(at("2024-11-03T04:00:00Z")));
        // Newfoundland's went from 00:01 back to 23:01 of the day before.
        let now = at("2010-11-07T03:00:00Z");
        let day = Day::new(now, &zone("America/St_Johns"));
        assert!(day.start <= now && now <= day.end, "{day:?}");
        assert_eq!(day.date, jiff::civil::date(2010, 11, 7));
    }

    #[test]
    fn a_plain_date_is_the_whole_local_day() {
        let jakarta = zone("Asia/Jakarta");
        assert_eq!(
            parse_bound("2025-01-15", &jakarta, Edge::Start),
            Ok(at("2025-01-14T17:00:00Z"))
        );
        assert_eq!(
            parse_bound("2025-01-15", &jakarta, Edge::End),
            Ok(at("2025-01-15T16:59:59.999Z"))
        );
    }

    #[test]
    fn a_time_is_a_moment_at_either_end() {
        let jakarta = zone("Asia/Jakarta");
        for edge in [Edge::Start, Edge::End] {
            for text in [
                "2025-01-15T10:30:00Z",
                "2025-01-15t10:30:00z",
                "2025-01-15T17:30:00+07:00",
                "2025-01-15T10:30:00.0009999999999999Z",
                "2025-01-15T17:30:00.000999+07:00",
            ] {
                assert_eq!(
                    parse_bound(text, &jakarta, edge),
                    Ok(at("2025-01-15T10:30:00Z")),
                    "{text}"
                );
            }
        }
        let before_1970 = parse_bound("1969-12-31T23:59:59.9999Z", &jakarta, Edge::Start);
        assert_eq!(before_1970, Ok(at("1969-12-31T23:59:59.999Z")));
    }

    #[test]
    fn an_error_says_what_is_missing() {
        for (text, expected) in [
            ("2025-01-15T10:30:00", BoundError::NeedsOffset),
            ("2025-01-15 10:30:00", BoundError::NeedsOffset),
            ("2025-01-15T10:30:00 07:00", BoundError::LostPlus),
            ("", BoundError::NotATime),
            ("today", BoundError::NotATime),
            ("1736937000", BoundError::NotATime),
            ("2025-02-30", BoundError::NotATime),
            ("2025-01-15Z", BoundError::NotATime),
            ("-000001-01-01", BoundError::NotATime),
            (
                "2025-01-15T10:30:00+07:00[Asia/Jakarta]",
                BoundError::NotATime,
            ),
            ("10000-01-01", BoundError::NotATime),
        ] {
            assert_eq!(
                parse_bound(text, &TimeZone::UTC, Edge::Start),
                Err(expected),
                "{text}"
            );
        }
    }

    #[test]
    fn the_ends_of_time_are_held_not_refused() {
        let (west, east) = (zone("Pacific/Pago_Pago"), zone("Asia/Jakarta"));
        assert_eq!(parse_bound("9999-12-31", &west, Edge::End), Ok(LAST));
        assert_eq!(
            parse_bound("9999-12-31T23:59:59-23:59", &west, Edge::End),
            Ok(LAST)
        );
        assert_eq!(parse_bound("0000-01-01", &east, Edge::Start), Ok(FIRST));
        assert_eq!(
            parse_bound("0000-01-01T00:00:00+14:00", &east, Edge::Start),
            Ok(FIRST)
        );
    }

    #[test]
    fn open_ends_are_the_earliest_data_and_now() {
        let (early, late, now) = (
            at("2025-01-01T00:00:00Z"),
            at("2025-01-02T00:00:00Z"),
            at("2025-02-01T00:00:00Z"),
        );
        assert_eq!(
            Period::custom(Some(early), None, now),
            Ok(Period {
                from: Some(early),
                to: now
            })
        );
        assert_eq!(
            Period::custom(None, Some(late), now),
            Ok(Period {
                from: None,
                to: late
            })
        );
        assert_eq!(
            Period::custom(Some(early), Some(early), now),
            Ok(Period {
                from: Some(early),
                to: early
            })
        );
        assert_eq!(
            Period::custom(Some(late), Some(early), now),
            Err(PeriodError::Reversed)
        );
        assert_eq!(
            Period::custom(Some(now), None, late),
            Err(PeriodError::Reversed)
        );
    }

    fn any_moment() -> impl Strategy<Value = Timestamp> {
        prop_oneof![any::<i64>(), -2_000_000_000_000..4_000_000_000_000_i64].prop_map(from_millis)
    }

    fn any_zone() -> impl Strategy<Value = TimeZone> {
        let names: Vec<_> = jiff::tz::db()
            .available()
            .map(|name| name.to_string())
            .collect();
        prop::sample::select(names).prop_map(|name| zone(&name))
    }

    proptest! {
        #[test]
        fn every_moment_lies_in_its_day_and_the_next_day_follows(now in any_moment(), zone in any_zone()) {
            let day = Day::new(now, &zone);
            prop_assert!(day.start <= now && now <= day.end, "{day:?}");
            if day.end < LAST {
                prop_assert_eq!(to_millis(day.end) + 1, to_millis(day.next_midnight));
                prop_assert_eq!(Day::new(day.next_midnight, &zone).start, day.next_midnight);
            }
        }

        #[test]
        fn no_text_panics(text in any::<String>(), zone in any_zone()) {
            let _ = parse_bound(&text, &zone, Edge::Start);
        }

        #[test]
        fn nothing_like_a_time_panics(
            text in "[+-]?[0-9]{4,6}-[0-9]{2}-[0-9]{2}([Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{0,30})?)?)?([Zz]|[+ -][0-9]{2}:?[0-9]{2})?",
            zone in any_zone(),
        ) {
            let _ = parse_bound(&text, &zone, Edge::End);
        }
    }
}
