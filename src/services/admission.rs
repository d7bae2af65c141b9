//! How many calls are served at once, and how many watches beside them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::status;

/// How many calls are served at once, unless set otherwise.
pub const MAX_CONCURRENT_CALLS: usize = 256;

/// Lets a bounded number of calls in. The permit is held until the call's work is done, for streams until the last message is handed over.
#[derive(Debug, Clone)]
pub struct Admission {
    places: Arc<Semaphore>,
    /// Watches last as long as what they watch. Had they the places of calls, watching would keep everybody from asking.
    watches: Arc<Semaphore>,
    is_stopping: Arc<AtomicBool>,
}

impl Admission {
    /// Admits `limit` calls and as many watches at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(limit)),
            watches: Arc::new(Semaphore::new(limit)),
            is_stopping: Arc::default(),
        }
    }

    /// Admits a call, or refuses it at once: a queue of waiting calls would only hide the overload.
    pub(super) fn admit(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.take(&self.places, "the server is serving as many calls as it may; try again in a moment")
    }

    /// Admits a watch, or refuses it at once.
    pub(super) fn admit_watch(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.take(&self.watches, "the server is serving as many watches as it may; try again when one has ended")
    }

    fn take(&self, places: &Arc<Semaphore>, refusal: &str) -> Result<OwnedSemaphorePermit, Status> {
        if self.is_stopping.load(Ordering::SeqCst) {
            return Err(status::stopping());
        }
        Arc::clone(places).try_acquire_owned().map_err(|_| status::limit_reached(refusal))
    }

    /// Admits no call from now on: one that still comes is told to go elsewhere.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }
}
