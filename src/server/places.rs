//! The places of connections. When all are taken, the connection that has gone longest without a call makes room for the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::quiet;

/// Places for a bounded number of connections.
#[derive(Debug)]
pub(super) struct Places {
    limit: usize,
    held: Mutex<Held>,
    /// A place is free, or a connection that could give way has no call any more.
    changed: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Held {
    last: u64,
    connections: HashMap<u64, Holder>,
}

#[derive(Debug)]
struct Holder {
    activity: Activity,
    leave: Arc<Notify>,
    /// It was asked to leave, and has not yet.
    is_leaving: bool,
}

impl Places {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, held: Mutex::default(), changed: Arc::default() })
    }

    /// A place, as soon as one is free or a connection without a call can be asked to leave. One at a time may wait.
    pub(super) async fn enter(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.take() {
                return place;
            }
            self.changed.notified().await;
        }
    }

    fn take(self: &Arc<Self>) -> Option<Place> {
        let mut held = self.held();
        if held.connections.len() >= self.limit {
            held.make_room();
            return None;
        }
        held.last += 1;
        let id = held.last;
        let activity = Activity::new(Arc::clone(&self.changed));
        let leave = Arc::new(Notify::new());
        let holder = Holder { activity: activity.clone(), leave: Arc::clone(&leave), is_leaving: false };
        held.connections.insert(id, holder);
        drop(held);
        Some(Place { id, places: Arc::clone(self), activity, leave })
    }

    /// Asks the connection that has gone longest without a call to leave, unless one is about to; whether there is one.
    pub(super) fn make_room(&self) -> bool {
        self.held().make_room()
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn make_room(&mut self) -> bool {
        if self.connections.values().any(|holder| holder.is_leaving) {
            return true;
        }
        let idle = self.connections.iter().filter_map(|(id, holder)| Some((holder.activity.without_call()?, *id)));
        let Some(holder) = idle.min().and_then(|(_, id)| self.connections.get_mut(&id)) else { return false };
        holder.is_leaving = true;
        holder.leave.notify_one();
        true
    }
}

/// A connection's place. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    places: Arc<Places>,
    activity: Activity,
    leave: Arc<Notify>,
}

impl Place {
    /// What goes on over the connection.
    pub(super) const fn activity(&self) -> &Activity {
        &self.activity
    }

    /// Resolves when the connection has to leave for another one.
    pub(super) async fn wanted(&self) {
        self.leave.notified().await;
    }

    /// It does not leave now: a call has come. It ends by itself, but until then somebody else may be asked.
    pub(super) fn stay(&self) {
        if let Some(holder) = self.places.held().connections.get_mut(&self.id) {
            holder.is_leaving = false;
        }
        self.places.changed.notify_one();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.held().connections.remove(&self.id);
        self.places.changed.notify_one();
    }
}

/// Whether a connection has requests on their way, and since when it has none.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    busy: Arc<Mutex<Busy>>,
    changed: Arc<Notify>,
}

#[derive(Debug)]
struct Busy {
    requests: usize,
    idle_since: Instant,
    /// Those of the requests that keep the connection its place.
    calls: usize,
    without_call_since: Instant,
}

impl Activity {
    fn new(changed: Arc<Notify>) -> Self {
        let now = Instant::now();
        let busy = Busy { requests: 0, idle_since: now, calls: 0, without_call_since: now };
        Self { busy: Arc::new(Mutex::new(busy)), changed }
    }

    /// A request comes. `is_call` says whether the connection keeps its place for it; one that costs its client nothing and goes on for ever
    /// must not.
    pub(super) fn begin(&self, is_call: bool) -> BusyGuard {
        let mut busy = self.busy();
        busy.requests += 1;
        busy.calls += usize::from(is_call);
        drop(busy);
        BusyGuard { activity: self.clone(), is_call }
    }

    /// Resolves once there was no request for so long, counted from an instant or later.
    pub(super) async fn idle(&self, from: Instant, time: Duration) {
        let since = || {
            let busy = self.busy();
            (busy.requests == 0).then_some(busy.idle_since.max(from))
        };
        quiet::lasts(time, since).await;
    }

    /// Since when there is no call, if there is none.
    pub(super) fn without_call(&self) -> Option<Instant> {
        let busy = self.busy();
        (busy.calls == 0).then_some(busy.without_call_since)
    }

    fn busy(&self) -> MutexGuard<'_, Busy> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that is on its way.
#[derive(Debug)]
pub(super) struct BusyGuard {
    activity: Activity,
    is_call: bool,
}

impl Drop for BusyGuard {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut busy = self.activity.busy();
        busy.requests = busy.requests.saturating_sub(1);
        busy.idle_since = now;
        if self.is_call {
            busy.calls = busy.calls.saturating_sub(1);
            busy.without_call_since = now;
        }
        let is_free = busy.calls == 0;
        drop(busy);
        if is_free {
            self.activity.changed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(10);

    async fn is_wanted(place: &Place) -> bool {
        tokio::time::timeout(SOON, place.wanted()).await.is_ok()
    }

    async fn enters(places: &Arc<Places>) -> Option<Place> {
        tokio::time::timeout(SOON, places.enter()).await.ok()
    }

    #[tokio::test]
    async fn the_connection_that_went_longest_without_a_call_gives_way_and_no_more_than_that_one() {
        let places = Places::new(3);
        let [first, second, third] = [places.enter().await, places.enter().await, places.enter().await];
        drop(first.activity().begin(true));
        let _calling = second.activity().begin(true);
        assert!(enters(&places).await.is_none(), "there are three as long as nobody has left");
        assert!(enters(&places).await.is_none());
        assert!(is_wanted(&third).await && !is_wanted(&first).await && !is_wanted(&second).await);
        drop(third);
        let fourth = enters(&places).await.expect("the place that was left");
        assert!(enters(&places).await.is_none());
        assert!(is_wanted(&first).await && !is_wanted(&fourth).await);
        // A call has come meanwhile.
        let _late = first.activity().begin(true);
        first.stay();
        assert!(enters(&places).await.is_none());
        assert!(is_wanted(&fourth).await);
    }

    #[tokio::test]
    async fn calls_keep_a_place_and_what_is_watched_for_nothing_does_not() {
        let places = Places::new(1);
        let only = places.enter().await;
        let (_watch, call) = (only.activity().begin(false), only.activity().begin(true));
        assert!(!places.make_room() && enters(&places).await.is_none() && !is_wanted(&only).await);
        drop(call);
        assert!(enters(&places).await.is_none() && is_wanted(&only).await);
        drop(only);
        enters(&places).await.expect("a place that was left");
    }

    #[tokio::test]
    async fn a_connection_is_idle_once_its_last_request_ended_so_long_ago() {
        let places = Places::new(1);
        let place = places.enter().await;
        let began = Instant::now();
        let request = place.activity().begin(false);
        assert!(tokio::time::timeout(SOON * 5, place.activity().idle(began, SOON)).await.is_err());
        drop(request);
        let ended = Instant::now();
        place.activity().idle(began, SOON).await;
        assert!(ended.elapsed() >= SOON);
    }
}
