//! How many calls are served at once.

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
    is_stopping: Arc<AtomicBool>,
}

impl Admission {
    /// Admits `limit` calls at once.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { places: Arc::new(Semaphore::new(limit)), is_stopping: Arc::default() }
    }

    /// Admits a call, or refuses it at once: a queue of waiting calls would only hide the overload.
    pub(super) fn admit(&self) -> Result<OwnedSemaphorePermit, Status> {
        if self.is_stopping.load(Ordering::SeqCst) {
            return Err(status::stopping());
        }
        Arc::clone(&self.places)
            .try_acquire_owned()
            .map_err(|_| status::limit_reached("the server is serving as many calls as it may; try again in a moment"))
    }

    /// Admits no call from now on: one that still comes is told to go elsewhere.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    /// Waits until no call is in; `limit` is the number given to [`Self::new`].
    pub async fn wait_until_idle(&self, limit: usize) {
        let all = u32::try_from(limit).unwrap_or(u32::MAX);
        // An error means that the semaphore was closed, which nobody does.
        let _ = self.places.acquire_many(all).await;
    }
}
