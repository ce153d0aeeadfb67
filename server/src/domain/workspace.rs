//! A workspace: the owner of leads, with a plan and a time zone.

use jiff::{Timestamp, tz::TimeZone};
use rand::{Rng, RngExt};
use thiserror::Error;

use super::time_zone;

/// A workspace as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// `ws_…`.
    pub id: String,
    /// Its name, for people.
    pub name: String,
    /// One of the plans of the API document.
    pub plan: String,
    /// Its own limit instead of the plan's.
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
    /// Identifies the workspace in its web pages.
    pub tracking_code: String,
    /// Whether leads can be found by their names.
    pub name_index: NameIndex,
    /// The time of creation.
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
    /// Writes insert the tokens of their leads, and a job inserts those of the other leads. No lead is found by its
    /// name until all have their tokens, because a search would return some of the matching leads as if they were all.
    /// Each build draws a new number, so that only a process that takes part in this build can complete it.
    Building(i64),
}

/// The lowest number of a build; the smaller numbers are the other states.
const FIRST_BUILDING: i64 = 2;

impl NameIndex {
    /// A new build.
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

    /// The name of the state in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Building(_) => "building",
        }
    }
}

/// The workspace has a time zone that this program does not know.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the workspace's time zone {0:?} is unknown")]
pub struct UnknownTimeZone(String);

impl Workspace {
    /// Its time zone. There is no fallback, because days of another time zone would be wrong.
    pub fn time_zone(&self) -> Result<TimeZone, UnknownTimeZone> {
        time_zone::get(&self.timezone).ok_or_else(|| UnknownTimeZone(self.timezone.clone()))
    }
}
