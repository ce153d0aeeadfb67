//! How many connections there may be at once, and who makes room.
//!
//! A connection that sends nothing, or takes no answer, costs its client nothing: under a plain limit a few thousand of
//! them would keep everybody else out. So a full house has room for the next one: of the connections that have not sent a whole
//! request, the one that has waited longest goes. An honest client sends as soon as it is connected and is never that
//! one; no account is kept by address, because behind a proxy all clients have the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// Each connection may hold some ten kilobytes, and a body of 64 while it arrives.
const MOST: u64 = 10_000;

/// Files that are open beside the connections: the database's, the log, the listener.
const RESERVED: u64 = 128;

/// How long whoever was asked to go may take before the next one is asked.
const BREATH: Duration = Duration::from_millis(50);

/// All places there are.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

/// The connections that have not sent a whole request, in the order in which they began to wait.
#[derive(Default)]
struct Waiting {
    tickets: u64,
    by_ticket: BTreeMap<u64, Arc<Notify>>,
}

/// The place of one connection. It waits when it is taken.
pub(crate) struct Place {
    places: Arc<Places>,
    ticket: Mutex<Option<u64>>,
    wanted: Arc<Notify>,
    _free: OwnedSemaphorePermit,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(most)),
            waiting: Mutex::default(),
        })
    }

    /// As many as this process may have; it takes as many open files as it is allowed to ask for.
    pub(crate) fn of_this_process() -> Arc<Self> {
        let limit = getrlimit(Resource::Nofile);
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        let files = if setrlimit(Resource::Nofile, raised).is_ok() {
            limit.maximum
        } else {
            limit.current
        };
        let most = files.map_or(MOST, |files| files.saturating_sub(RESERVED).clamp(1, MOST));
        Self::new(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// A place, as soon as there is one.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        loop {
            if let Ok(free) = Arc::clone(&self.free).try_acquire_owned() {
                return Place::new(self, free);
            }
            self.ask_for_one();
            if let Ok(Ok(free)) = timeout(BREATH, Arc::clone(&self.free).acquire_owned()).await {
                return Place::new(self, free);
            }
        }
    }

    fn ask_for_one(&self) {
        if let Some((_, longest)) = self.waiting().by_ticket.pop_first() {
            longest.notify_one();
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    fn new(places: &Arc<Places>, free: OwnedSemaphorePermit) -> Self {
        let place = Self {
            places: Arc::clone(places),
            ticket: Mutex::default(),
            wanted: Arc::default(),
            _free: free,
        };
        place.wait();
        place
    }

    /// From now on it is the client's turn, and the place may be wanted for another.
    pub(crate) fn wait(&self) {
        let mut waiting = self.places.waiting();
        waiting.tickets += 1;
        let ticket = waiting.tickets;
        waiting.by_ticket.insert(ticket, Arc::clone(&self.wanted));
        if let Some(earlier) = self.ticket().replace(ticket) {
            waiting.by_ticket.remove(&earlier);
        }
    }

    /// A whole request is here: until it is answered the place is kept.
    pub(crate) fn keep(&self) {
        let mut waiting = self.places.waiting();
        if let Some(ticket) = self.ticket().take() {
            waiting.by_ticket.remove(&ticket);
        }
    }

    /// Ends when the place is wanted for another connection, unless a whole request came first.
    pub(crate) async fn wanted(&self) {
        loop {
            self.wanted.notified().await;
            if self.ticket().is_some() {
                return;
            }
        }
    }

    fn ticket(&self) -> std::sync::MutexGuard<'_, Option<u64>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.keep();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_house_asks_for_the_place_of_the_one_that_has_waited_longest() {
        let places = Places::new(3);
        let (first, second, third) = (
            places.take().await,
            places.take().await,
            places.take().await,
        );
        first.keep();
        let (next, ()) = tokio::join!(places.take(), async {
            second.wanted().await;
            drop(second);
        });
        // The first one is at work and the last one has waited for less time.
        for kept in [&first, &third, &next] {
            assert!(timeout(Duration::ZERO, kept.wanted()).await.is_err());
        }
    }

    #[tokio::test]
    async fn who_has_been_answered_waits_from_then_on() {
        let places = Places::new(2);
        let (first, second) = (places.take().await, places.take().await);
        first.keep();
        first.wait();
        let (_next, ()) = tokio::join!(places.take(), async {
            second.wanted().await;
            drop(second);
        });
        assert!(timeout(Duration::ZERO, first.wanted()).await.is_err());
    }
}
