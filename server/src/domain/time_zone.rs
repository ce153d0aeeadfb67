//! Time zones by their names in the IANA database.

use std::sync::LazyLock;

use icu_time::zone::iana::{IanaParserExtended, IanaParserExtendedBorrowed};
use jiff::{
    Timestamp,
    fmt::strtime,
    tz::{TimeZone, TimeZoneDatabase},
};
use thiserror::Error;

/// The bundled database. The system may have none, or one without old names.
static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

static NAMES: LazyLock<IanaParserExtendedBorrowed<'static>> =
    LazyLock::new(IanaParserExtended::new);

/// Entries of a system's database that differ from machine to machine.
const MACHINE_ZONES: [&str; 2] = ["localtime", "posixrules"];
const PLACELESS_ZONES: [&str; 2] = ["factory", "etc/unknown"];

/// Copies of the database inside it: one with the same rules, and one with leap seconds.
const COPIES: [&str; 2] = ["posix/", "right/"];

/// The error when a workspace cannot use a time zone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum TimeZoneError {
    /// The name is unknown.
    #[error("not an IANA time zone, which looks like Asia/Jakarta")]
    Unknown,
    /// The zone differs from machine to machine.
    #[error("differs from machine to machine; name the place, such as Asia/Jakarta")]
    MachineLocal,
    /// It means "not set".
    #[error("not the zone of a place; name one, such as Asia/Jakarta")]
    Placeless,
    /// A zone of a copy of the database.
    #[error("a copy of a zone; leave posix/ and right/ out, as in Asia/Jakarta")]
    PosixOrRight,
}

/// The current name of a time zone, in its usual spelling: `asia/calcutta` is `Asia/Kolkata`.
///
/// # Errors
/// If the name is not the time zone of a place, or is in neither database.
pub fn canonical(name: &str) -> Result<String, TimeZoneError> {
    let lower = name.to_ascii_lowercase();
    if MACHINE_ZONES.contains(&lower.as_str()) {
        return Err(TimeZoneError::MachineLocal);
    }
    if PLACELESS_ZONES.contains(&lower.as_str()) {
        return Err(TimeZoneError::Placeless);
    }
    if COPIES.iter().any(|copy| lower.starts_with(copy)) {
        return Err(TimeZoneError::PosixOrRight);
    }
    let zone = get(name).ok_or(TimeZoneError::Unknown)?;
    let known = NAMES.parse(name);
    if known.time_zone.is_unknown() || get(known.canonical).is_none() {
        // The list of names is older than this zone.
        let name = zone.iana_name().ok_or(TimeZoneError::Unknown)?;
        Ok(name.to_owned())
    } else {
        Ok(known.canonical.to_owned())
    }
}

/// Looks up a time zone by a current or old name. The system's database comes first, because it may be newer than the
/// bundled one.
#[must_use]
pub fn get(name: &str) -> Option<TimeZone> {
    let known = |zone: &TimeZone| zone.iana_name().is_some();
    let found = TimeZone::get(name).ok().filter(known);
    found.or_else(|| BUNDLED.get(name).ok())
}

/// The offset of a time zone from UTC at a moment: `UTC+07:00`.
#[must_use]
pub fn offset(name: &str, now: Timestamp) -> Option<String> {
    let zoned = now.to_zoned_datetime(get(name)?);
    strtime::format("UTC%:z", &zoned).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_kept_under_its_name_of_today() {
        for (name, expected) in [
            ("Asia/Jakarta", "Asia/Jakarta"),
            ("asia/jakarta", "Asia/Jakarta"),
            ("Asia/Calcutta", "Asia/Kolkata"),
            ("US/Pacific", "America/Los_Angeles"),
            ("Asia/Ujung_Pandang", "Asia/Makassar"),
            ("Asia/Saigon", "Asia/Ho_Chi_Minh"),
            ("Europe/Kiev", "Europe/Kyiv"),
            ("Europe/Amsterdam", "Europe/Amsterdam"),
            ("Etc/GMT+7", "Etc/GMT+7"),
            ("UTC", "Etc/UTC"),
        ] {
            assert_eq!(canonical(name).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_zone_of_a_place_is_refused() {
        use TimeZoneError::{MachineLocal, Placeless, PosixOrRight, Unknown};
        for (name, expected) in [
            ("localtime", MachineLocal),
            ("Localtime", MachineLocal),
            ("posixrules", MachineLocal),
            ("Factory", Placeless),
            ("Etc/Unknown", Placeless),
            ("right/Asia/Jakarta", PosixOrRight),
            ("posix/Asia/Jakarta", PosixOrRight),
            ("WIB", Unknown),
            ("WIB+7", Unknown),
            ("GMT+7", Unknown),
            ("+07:00", Unknown),
            ("", Unknown),
            ("zone.tab", Unknown),
            ("../Asia/Jakarta", Unknown),
        ] {
            assert_eq!(canonical(name), Err(expected), "{name}");
        }
    }

    #[test]
    fn todays_name_has_the_same_times() {
        let from: Timestamp = "2015-01-01T00:00:00Z".parse().unwrap();
        for old in BUNDLED.available() {
            let Ok(new) = canonical(old.as_str()) else {
                continue;
            };
            let zone = |name: &str| BUNDLED.get(name).unwrap();
            let (old, new) = (zone(old.as_str()), zone(&new));
            for week in 0..52 * 20 {
                let now = from + jiff::SignedDuration::from_hours(week * 24 * 7);
                assert_eq!(
                    old.to_offset(now),
                    new.to_offset(now),
                    "{:?} {:?} {now}",
                    old.iana_name(),
                    new.iana_name()
                );
            }
        }
    }

    #[test]
    fn the_offset_is_shown_as_people_write_it() {
        let now = Timestamp::UNIX_EPOCH;
        let offset = |name| offset(name, now);
        assert_eq!(offset("Etc/GMT+7").as_deref(), Some("UTC-07:00"));
        assert_eq!(offset("Asia/Jakarta").as_deref(), Some("UTC+07:00"));
        assert_eq!(offset("Asia/Calcutta").as_deref(), Some("UTC+05:30"));
        assert_eq!(offset("WIB"), None);
    }
}
