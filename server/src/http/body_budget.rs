//! One budget of bytes for the request bodies of all connections.
//!
//! A client that never completes a body holds its memory for seconds, and it can do so on every connection. So each
//! body reserves its bytes in one budget as they arrive. When the budget is used up, the oldest incomplete body is
//! given up. A well-behaved client sends its body at once, so that it is the last to be given up.

use std::{collections::BTreeMap, ops::Deref, pin::pin, sync::Arc};

use parking_lot::{Mutex, MutexGuard};
use tokio::sync::Notify;

/// The least that is reserved for a body of unknown length.
const MIN_RESERVED_BYTES: usize = 1024;

/// The budget of all bodies.
pub(super) struct BodyBudget {
    budget: usize,
    state: Mutex<State>,
    /// Notified when bytes are released.
    freed: Notify,
}

#[derive(Default)]
struct State {
    used: usize,
    /// The part of `used` that given-up bodies will release.
    leaving: usize,
    tickets: u64,
    /// The bodies that are still arriving, in the order in which they began.
    arriving: BTreeMap<u64, Arriving>,
}

struct Arriving {
    reserved: usize,
    leaving: bool,
    given_up: Arc<Notify>,
}

/// One body, as far as it has arrived. Dropping it releases its bytes.
pub(super) struct BufferedBody<'a> {
    bodies: &'a BodyBudget,
    bytes: Vec<u8>,
    reserved: usize,
    ticket: Option<u64>,
}

impl BodyBudget {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            budget,
            state: Mutex::default(),
            freed: Notify::new(),
        }
    }

    /// No body.
    pub(super) fn none(&self) -> BufferedBody<'_> {
        self.body(None)
    }

    /// A body of which nothing has arrived yet, and a notification for when it is given up.
    pub(super) fn begin(&self) -> (BufferedBody<'_>, Arc<Notify>) {
        let given_up = Arc::<Notify>::default();
        let mut state = self.state();
        state.tickets += 1;
        let ticket = state.tickets;
        state.arriving.insert(
            ticket,
            Arriving {
                reserved: 0,
                leaving: false,
                given_up: Arc::clone(&given_up),
            },
        );
        (self.body(Some(ticket)), given_up)
    }

    fn body(&self, ticket: Option<u64>) -> BufferedBody<'_> {
        BufferedBody {
            bodies: self,
            bytes: Vec::new(),
            reserved: 0,
            ticket,
        }
    }

    /// Reserves bytes for an incomplete body. Returns false if it has to wait for bodies that this call has given up.
    fn try_reserve(&self, ticket: u64, bytes: usize) -> bool {
        let mut state = self.state();
        if state.used + bytes <= self.budget {
            state.used += bytes;
            let arriving = state.arriving.get_mut(&ticket);
            let is_leaving = arriving.is_some_and(|arriving| {
                arriving.reserved += bytes;
                arriving.leaving
            });
            if is_leaving {
                state.leaving += bytes;
            }
            return true;
        }
        while state.used - state.leaving + bytes > self.budget {
            let Some(longest) = state.arriving.values_mut().find(|body| !body.leaving) else {
                break;
            };
            longest.leaving = true;
            longest.given_up.notify_one();
            let reserved = longest.reserved;
            state.leaving += reserved;
        }
        false
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl BufferedBody<'_> {
    /// Copies bytes that have arrived, so that the connection's larger buffer is not kept. `most` is the largest length
    /// of the whole body. Waits for room in the budget.
    pub(super) async fn push(&mut self, bytes: &[u8], most: usize) {
        let needed = self.bytes.len() + bytes.len();
        if needed > self.reserved {
            let room = needed.max((2 * self.reserved).max(MIN_RESERVED_BYTES).min(most));
            self.reserve(room - self.reserved).await;
            self.bytes.reserve_exact(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
    }

    async fn reserve(&mut self, bytes: usize) {
        let Some(ticket) = self.ticket else {
            return;
        };
        loop {
            let mut freed = pin!(self.bodies.freed.notified());
            freed.as_mut().enable();
            if self.bodies.try_reserve(ticket, bytes) {
                self.reserved += bytes;
                return;
            }
            freed.await;
        }
    }

    /// Marks the body as complete. It is not given up any more.
    pub(super) fn complete(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            let mut state = self.bodies.state();
            if let Some(body) = state.arriving.remove(&ticket)
                && body.leaving
            {
                state.leaving -= body.reserved;
            }
        }
    }
}

impl Deref for BufferedBody<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for BufferedBody<'_> {
    fn drop(&mut self) {
        self.complete();
        if self.reserved > 0 {
            self.bytes = Vec::new();
            self.bodies.state().used -= self.reserved;
            self.bodies.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    async fn is_given_up(notify: &Notify) -> bool {
        timeout(Duration::ZERO, notify.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn the_body_that_has_been_arriving_for_longest_makes_room() {
        let bodies = BodyBudget::new(3000);
        let (mut first, first_given_up) = bodies.begin();
        let (mut second, second_given_up) = bodies.begin();
        let (mut third, third_given_up) = bodies.begin();
        first.push(&[0; 1000], 1000).await;
        second.push(&[0; 1000], 1000).await;
        first.complete();
        tokio::join!(third.push(&[0; 1500], 1500), async move {
            second_given_up.notified().await;
            drop(second);
        });
        // The first has arrived whole and keeps its room.
        assert_eq!((first.len(), third.len()), (1000, 1500));
        for given_up in [first_given_up, third_given_up] {
            assert!(!is_given_up(&given_up).await);
        }
        drop((first, third));
        let state = bodies.state();
        assert_eq!((state.used, state.leaving), (0, 0));
    }

    #[tokio::test]
    async fn no_more_make_room_than_have_to() {
        let bodies = BodyBudget::new(10_000);
        let mut arriving = Vec::new();
        for _ in 0..10 {
            let (mut body, given_up) = bodies.begin();
            body.push(&[0; 1000], 1000).await;
            arriving.push((body, given_up));
        }
        let ((mut next, _), (mut other, _)) = (bodies.begin(), bodies.begin());
        let wait = Duration::from_millis(20);
        assert!(timeout(wait, next.push(&[0; 1000], 1000)).await.is_err());
        assert!(timeout(wait, other.push(&[0; 1000], 1000)).await.is_err());
        let mut given_up = 0;
        for (_, notify) in &arriving {
            given_up += usize::from(is_given_up(notify).await);
        }
        assert_eq!(given_up, 1, "its room serves whoever comes first");
    }

    #[tokio::test]
    async fn room_grows_with_what_arrives_up_to_what_was_announced() {
        let bodies = BodyBudget::new(100_000);
        let (mut body, _) = bodies.begin();
        for _ in 0..65 {
            body.push(&[0; 1000], 65_000).await;
        }
        body.complete();
        assert_eq!((body.len(), bodies.state().used), (65_000, 65_000));
        let (mut small, _) = bodies.begin();
        small.push(b"{}", 2).await;
        assert_eq!(bodies.state().used, 65_002);
    }
}
