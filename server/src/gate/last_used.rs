//! When each key was last used. The times are written in batches, not for each request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{error::with_causes, store::Store};

/// Uses that are not stored yet.
#[derive(Default)]
pub struct LastUsed(Mutex<BTreeMap<String, Timestamp>>);

impl LastUsed {
    /// Notes that a key was used.
    pub fn note(&self, key_id: &str, now: Timestamp) {
        let mut noted = self.0.lock();
        match noted.get_mut(key_id) {
            Some(last) => *last = now.max(*last),
            None => {
                noted.insert(key_id.to_owned(), now);
            }
        }
    }

    /// Writes all uses to the store. After an error they are kept for the next time.
    pub async fn write(&self, store: &Store) {
        let noted = self.0.lock().clone();
        match store.set_last_used(&noted).await {
            Ok(()) => self.forget(&noted),
            Err(error) => tracing::warn!(
                cause = with_causes(&error.into()),
                "the times when keys were last used were not written"
            ),
        }
    }

    /// Removes the uses that were written, but not later ones.
    fn forget(&self, written: &BTreeMap<String, Timestamp>) {
        let mut noted = self.0.lock();
        noted.retain(|key_id, last| written.get(key_id) != Some(last));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::constant(second, 0)
    }

    fn uses<const N: usize>(uses: [(&str, i64); N]) -> BTreeMap<String, Timestamp> {
        uses.map(|(key_id, second)| (key_id.to_owned(), at(second)))
            .into()
    }

    fn noted<const N: usize>(uses: [(&str, i64); N]) -> LastUsed {
        let noted = LastUsed::default();
        for (key_id, second) in uses {
            noted.note(key_id, at(second));
        }
        noted
    }

    #[test]
    fn of_several_uses_the_last_counts_in_whatever_order_they_are_noted() {
        let noted = noted([("a", 2), ("b", 1), ("a", 3), ("a", 1)]);
        assert_eq!(noted.0.into_inner(), uses([("a", 3), ("b", 1)]));
    }

    #[test]
    fn a_use_noted_while_others_are_written_is_not_forgotten() {
        let noted = noted([("a", 2), ("b", 1), ("c", 1)]);
        noted.forget(&uses([("a", 1), ("b", 1)]));
        assert_eq!(noted.0.into_inner(), uses([("a", 2), ("c", 1)]));
    }
}
