//! How far a write has come, so that a caller which stops waiting knows whether it may still happen.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

/// Nothing has been done, or all of it has been undone.
const WAITING: u8 = 0;
/// Its transaction goes on even if nobody waits for it, or has been committed.
const BEGUN: u8 = 1;
/// It will not begin.
const GIVEN_UP: u8 = 2;

/// The progress of one request's write; clones share it.
#[derive(Debug, Clone, Default)]
pub struct WriteProgress(Arc<AtomicU8>);

impl WriteProgress {
    /// Marks the write as begun: from here on it may happen even if nobody waits for it. False when the caller gave up
    /// before.
    pub(super) fn begin(&self) -> bool {
        self.change(WAITING, BEGUN)
    }

    /// Nothing of it remains.
    pub(super) fn undo(&self) {
        self.change(BEGUN, WAITING);
    }

    /// Stops waiting: true when the write has not happened and will not, false when it may have.
    #[must_use]
    pub fn give_up(&self) -> bool {
        self.change(WAITING, GIVEN_UP)
    }

    fn change(&self, from: u8, to: u8) -> bool {
        let changed = self
            .0
            .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        changed.is_ok() || changed == Err(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_up_does_not_begin_and_what_has_begun_may_have_happened() {
        let progress = WriteProgress::default();
        assert!(progress.give_up() && progress.give_up());
        assert!(!progress.begin());

        let progress = WriteProgress::default();
        assert!(progress.begin() && progress.begin());
        assert!(!progress.give_up());

        progress.undo();
        assert!(progress.give_up());
    }
}
