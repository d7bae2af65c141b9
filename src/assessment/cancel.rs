//! Asking a run to end, from another thread.

use std::sync::{Arc, Mutex, PoisonError};

use crate::process::Terminator;

/// A run's off switch. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Cancellation(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    cancelled: bool,
    running: Option<Terminator>,
}

impl Cancellation {
    /// Asks for the end: the current runner is terminated, no other is started. Idempotent; returns at once.
    pub fn cancel(&self) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.cancelled = true;
        if let Some(running) = &state.running {
            running.terminate();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancelled
    }

    /// Makes the switch reach this runner; one that was started while the switch was turned is terminated at once.
    pub(super) fn attach(&self, running: Terminator) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state.cancelled {
            running.terminate();
        }
        state.running = Some(running);
    }

    pub(super) fn detach(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).running = None;
    }
}
