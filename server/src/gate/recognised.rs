//! Recently valid keys. They skip the queue in which unknown keys wait to be looked up.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use parking_lot::{Mutex, MutexGuard};

use crate::domain::api_key::ApiKey;

/// The set is cleared when it is full. A key enters it again with its next valid request.
const MAX_RECOGNISED: usize = 10_000;

/// Hashes of whole keys under a key of this process. A key that is in here is still verified for every request.
#[derive(Default)]
pub(super) struct Recognised {
    hashes: Mutex<HashSet<u64>>,
    hasher: RandomState,
}

impl Recognised {
    pub(super) fn contains(&self, key: &ApiKey) -> bool {
        self.hashes().contains(&self.hash(key))
    }

    /// Notes whether a key was good.
    pub(super) fn note(&self, key: &ApiKey, good: bool) {
        let hash = self.hash(key);
        let mut hashes = self.hashes();
        if !good {
            hashes.remove(&hash);
        } else if !hashes.contains(&hash) {
            if hashes.len() >= MAX_RECOGNISED {
                hashes.clear();
            }
            hashes.insert(hash);
        }
    }

    fn hash(&self, key: &ApiKey) -> u64 {
        self.hasher.hash_one((key.id(), key.secret()))
    }

    fn hashes(&self) -> MutexGuard<'_, HashSet<u64>> {
        self.hashes.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::randomness::Randomness;

    #[test]
    fn a_key_is_recognised_while_it_is_good() {
        let recognised = Recognised::default();
        let [key, other] = [(); 2].map(|()| ApiKey::generate(&mut Randomness::system()));
        recognised.note(&key, true);
        assert!(recognised.contains(&key) && !recognised.contains(&other));
        recognised.note(&other, false);
        recognised.note(&key, false);
        assert!(!recognised.contains(&key));
    }
}
