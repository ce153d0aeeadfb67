//! How many connections there may be at once, and which one makes room for the next.
//!
//! With a plain limit, a client could open a few thousand connections, send nothing and keep everybody else out. So
//! when all slots are taken, the connection that has been idle for longest is evicted. A connection is idle until it
//! has sent a complete request. A well-behaved client sends one as soon as it is connected, so that it is not evicted.
//! Addresses are not counted, because behind a proxy all clients have the same one.

use std::{collections::BTreeMap, num::NonZeroUsize, sync::Arc, time::Duration};

use parking_lot::{Mutex, MutexGuard};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How long an evicted connection may take to end before the next one is evicted.
const EVICTION_TIMEOUT: Duration = Duration::from_millis(50);

/// The slots of all connections.
pub(crate) struct ConnectionSlots {
    free: Arc<Semaphore>,
    idle: Mutex<IdleConnections>,
}

/// The connections that have not sent a whole request, in the order in which they became idle.
#[derive(Default)]
struct IdleConnections {
    last_ticket: u64,
    by_ticket: BTreeMap<u64, Arc<Notify>>,
}

/// The slot of one connection, which is idle at first.
pub(crate) struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    ticket: Mutex<Option<u64>>,
    evicted: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl ConnectionSlots {
    pub(crate) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(count)),
            idle: Mutex::default(),
        })
    }

    /// As many slots as `limit`, or fewer so that `reserved_files` descriptors stay free. Raises the process's limit of
    /// open files as far as possible.
    pub(crate) fn from_process(limit: NonZeroUsize, reserved_files: u64) -> Arc<Self> {
        let files = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: files.maximum,
            maximum: files.maximum,
        };
        let files = if setrlimit(Resource::Nofile, raised).is_ok() {
            files.maximum
        } else {
            files.current
        };
        let files = files.map_or(usize::MAX, |files| {
            usize::try_from(files.saturating_sub(reserved_files)).unwrap_or(usize::MAX)
        });
        Self::new(limit.get().min(files).max(1))
    }

    /// Waits for a slot, and evicts idle connections until one is free.
    pub(crate) async fn acquire(self: &Arc<Self>) -> ConnectionSlot {
        loop {
            if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
                return ConnectionSlot::new(self, permit);
            }
            self.evict_one();
            let freed = Arc::clone(&self.free).acquire_owned();
            if let Ok(Ok(permit)) = timeout(EVICTION_TIMEOUT, freed).await {
                return ConnectionSlot::new(self, permit);
            }
        }
    }

    fn evict_one(&self) {
        if let Some((_, longest_idle)) = self.idle().by_ticket.pop_first() {
            longest_idle.notify_one();
        }
    }

    fn idle(&self) -> MutexGuard<'_, IdleConnections> {
        self.idle.lock()
    }
}

impl ConnectionSlot {
    fn new(slots: &Arc<ConnectionSlots>, permit: OwnedSemaphorePermit) -> Self {
        let slot = Self {
            slots: Arc::clone(slots),
            ticket: Mutex::default(),
            evicted: Arc::default(),
            _permit: permit,
        };
        slot.mark_idle();
        slot
    }

    /// Marks the connection as idle. It may be evicted.
    pub(crate) fn mark_idle(&self) {
        let mut idle = self.slots.idle();
        idle.last_ticket += 1;
        let ticket = idle.last_ticket;
        idle.by_ticket.insert(ticket, Arc::clone(&self.evicted));
        if let Some(earlier) = self.ticket().replace(ticket) {
            idle.by_ticket.remove(&earlier);
        }
    }

    /// Marks the connection as busy with a complete request. It is not evicted.
    pub(crate) fn mark_busy(&self) {
        let mut idle = self.slots.idle();
        if let Some(ticket) = self.ticket().take() {
            idle.by_ticket.remove(&ticket);
        }
    }

    /// Completes when the connection is evicted, unless a complete request arrived before.
    pub(crate) async fn evicted(&self) {
        loop {
            self.evicted.notified().await;
            if self.ticket().is_some() {
                return;
            }
        }
    }

    fn ticket(&self) -> MutexGuard<'_, Option<u64>> {
        self.ticket.lock()
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.mark_busy();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn when_all_slots_are_taken_the_connection_that_has_been_idle_for_longest_is_evicted() {
        let slots = ConnectionSlots::new(3);
        let (first, second, third) = (
            slots.acquire().await,
            slots.acquire().await,
            slots.acquire().await,
        );
        first.mark_busy();
        let (next, ()) = tokio::join!(slots.acquire(), async {
            second.evicted().await;
            drop(second);
        });
        // The first one is busy and the third one has been idle for less time.
        for kept in [&first, &third, &next] {
            assert!(timeout(Duration::ZERO, kept.evicted()).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_connection_is_idle_from_its_answer_on() {
        let slots = ConnectionSlots::new(2);
        let (first, second) = (slots.acquire().await, slots.acquire().await);
        first.mark_busy();
        first.mark_idle();
        let (_next, ()) = tokio::join!(slots.acquire(), async {
            second.evicted().await;
            drop(second);
        });
        assert!(timeout(Duration::ZERO, first.evicted()).await.is_err());
    }
}
