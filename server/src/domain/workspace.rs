//! A workspace: whose leads they are, on which plan, in which time zone.

use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng, RngExt};
use thiserror::Error;

use super::time_zone;

/// A workspace as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `ws_…`.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// One of the plans of the API document.
    pub plan: String,
    /// A limit of its own instead of the plan's.
    pub requests_per_minute: Option<u32>,
    /// The most leads created a day; None for no limit.
    pub leads_per_day: Option<i64>,
    /// An IANA time zone.
    pub timezone: String,
    /// ISO 4217.
    pub currency: String,
    /// ISO 639.
    pub language: String,
    /// How its people write dates.
    pub date_format: String,
    /// Names the workspace in its web pages.
    pub tracking_code: String,
    /// Whether leads can be found by their names.
    pub name_index: NameIndex,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Whether a workspace keeps tokens of its leads' names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NameIndex {
    /// It keeps none, and no lead is found by its name.
    Off,
    /// Every lead has its tokens.
    #[default]
    On,
    /// Every lead that is written gets them and the others do one after the other; until all have them, none is found
    /// by its name, for a part of those that fit would look like all of them. The number is drawn anew each time that
    /// it is begun, so that only those who build this index can complete it.
    Building(i64),
}

/// The lowest number of an index that is being built: the other states come before it.
const FIRST_BUILDING: i64 = 2;

impl NameIndex {
    /// An index that is begun.
    pub fn begin(rng: &mut (impl Rng + ?Sized)) -> Self {
        Self::Building(rng.random_range(FIRST_BUILDING..=i64::MAX))
    }

    /// The state as the store keeps it.
    #[must_use]
    pub fn as_number(self) -> i64 {
        match self {
            Self::Off => 0,
            Self::On => 1,
            Self::Building(number) => number,
        }
    }

    /// Reads what [`NameIndex::as_number`] gave.
    #[must_use]
    pub fn parse(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Off),
            1 => Some(Self::On),
            FIRST_BUILDING.. => Some(Self::Building(number)),
            _ => None,
        }
    }

    /// The state as people and programs are told it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Building(_) => "building",
        }
    }
}

/// A workspace in a time zone that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the workspace's time zone {0:?} is unknown")]
pub struct UnknownTimeZone(String);

impl Workspace {
    /// Its time zone. There is none to fall back on: another one's days would be wrong ones.
    pub fn time_zone(&self) -> Result<TimeZone, UnknownTimeZone> {
        time_zone::get(&self.timezone).ok_or_else(|| UnknownTimeZone(self.timezone.clone()))
    }
}
