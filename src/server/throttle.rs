//! A bound on the lines that clients can have logged.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Lets one line a second into the log, and counts the others.
#[derive(Debug)]
pub(super) struct Throttle {
    began: Instant,
    /// The second after which the next one is told.
    next: AtomicU64,
    silent: AtomicU64,
}

impl Default for Throttle {
    fn default() -> Self {
        Self { began: Instant::now(), next: AtomicU64::new(0), silent: AtomicU64::new(0) }
    }
}

impl Throttle {
    /// How many were not told since the last one that was; `None` when this one is not told either.
    pub(super) fn turn(&self) -> Option<u64> {
        let now = self.began.elapsed().as_secs();
        let next = self.next.load(Ordering::Relaxed);
        let is_turn =
            now >= next && self.next.compare_exchange(next, now + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_turn {
            return Some(self.silent.swap(0, Ordering::Relaxed));
        }
        self.silent.fetch_add(1, Ordering::Relaxed);
        None
    }
}
