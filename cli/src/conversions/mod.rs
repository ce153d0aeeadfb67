//! `konektor conversions`

pub(crate) mod pending;
pub(crate) mod status;

use konektor_sdk::ConversionSyncStatus;

use crate::output::{Cell, Tone};

/// A sync state in its colour.
fn state(state: &ConversionSyncStatus) -> Cell {
    let tone = match state {
        ConversionSyncStatus::Synced => Tone::Good,
        ConversionSyncStatus::Pending | ConversionSyncStatus::Partial => Tone::Busy,
        ConversionSyncStatus::Failed => Tone::Bad,
        _ => Tone::Plain,
    };
    Cell::new(state.as_str()).tone(tone)
}
