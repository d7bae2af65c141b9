//! How many calls are served at once, of all callers and of each, and how many watches beside them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

use super::caller::Caller;
use super::status;

/// How many calls are served at once, unless set otherwise.
pub const MAX_CONCURRENT_CALLS: usize = 256;

/// Lets a bounded number of calls in. The permit is held until the call's work is done, for streams until the last message is handed over.
#[derive(Debug, Clone)]
pub struct Admission {
    calls: Places,
    /// Watches last as long as what they watch. Had they the places of calls, watching would keep everybody from asking.
    watches: Places,
    is_stopping: Arc<AtomicBool>,
}

impl Admission {
    /// Admits `limit` calls and as many watches at once, and of each caller no fewer.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { calls: Places::new(limit), watches: Places::new(limit), is_stopping: Arc::default() }
    }

    /// The same, but at most so many calls and as many watches of one caller. Callers are told apart by name: those who show nothing are one.
    #[must_use]
    pub fn per_caller(mut self, limit: usize) -> Self {
        self.calls.limit_each(limit);
        self.watches.limit_each(limit);
        self
    }

    /// Admits a call, or refuses it at once: a queue of waiting calls would only hide the overload.
    pub(super) fn admit(&self, caller: &Caller) -> Result<Permit, Status> {
        self.refuse_when_stopping()?;
        self.calls.take(caller).map_err(|full| {
            status::limit_reached(match full {
                Full::Own => "this caller has as many calls going as one may have; try again when one has ended",
                Full::All => "the server is serving as many calls as it may; try again in a moment",
            })
        })
    }

    /// Admits a watch, or refuses it at once.
    pub(super) fn admit_watch(&self, caller: &Caller) -> Result<Permit, Status> {
        self.refuse_when_stopping()?;
        self.watches.take(caller).map_err(|full| {
            status::limit_reached(match full {
                Full::Own => "this caller has as many watches going as one may have; try again when one has ended",
                Full::All => "the server is serving as many watches as it may; try again when one has ended",
            })
        })
    }

    fn refuse_when_stopping(&self) -> Result<(), Status> {
        if self.is_stopping.load(Ordering::SeqCst) { Err(status::stopping()) } else { Ok(()) }
    }

    /// Admits no call from now on: one that still comes is told to go elsewhere.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }
}

/// A place that a call holds. Dropped, it is free again.
#[derive(Debug)]
pub(super) struct Permit {
    _place: OwnedSemaphorePermit,
    _own: Option<OwnPlace>,
}

#[derive(Debug, Clone)]
struct Places {
    all: Arc<Semaphore>,
    /// Of each caller; `None` where that is not counted.
    each: Option<Each>,
}

#[derive(Debug, Clone)]
struct Each {
    limit: usize,
    /// Only callers who hold some stand here.
    held: Arc<Mutex<HashMap<String, usize>>>,
}

/// Whose places are all taken.
#[derive(Debug, PartialEq, Eq)]
enum Full {
    Own,
    All,
}

impl Places {
    fn new(limit: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(limit)), each: None }
    }

    fn limit_each(&mut self, limit: usize) {
        self.each = Some(Each { limit, held: Arc::default() });
    }

    fn take(&self, caller: &Caller) -> Result<Permit, Full> {
        let own = self.each.as_ref().map(|each| each.take(caller.name()).ok_or(Full::Own)).transpose()?;
        let place = Arc::clone(&self.all).try_acquire_owned().map_err(|_| Full::All)?;
        Ok(Permit { _place: place, _own: own })
    }
}

impl Each {
    fn take(&self, name: &str) -> Option<OwnPlace> {
        let mut held = self.held();
        let count = held.get(name).copied().unwrap_or_default();
        if count >= self.limit {
            return None;
        }
        held.insert(name.to_owned(), count + 1);
        Some(OwnPlace { each: self.clone(), name: name.to_owned() })
    }

    fn held(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of a caller's own places.
#[derive(Debug)]
struct OwnPlace {
    each: Each,
    name: String,
}

impl Drop for OwnPlace {
    fn drop(&mut self) {
        let mut held = self.each.held();
        match held.get_mut(&self.name) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(held.remove(&self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal<T: std::fmt::Debug>(outcome: Result<T, Status>) -> String {
        let status = outcome.expect_err("refused");
        assert_eq!(status::reason_of(&status).as_deref(), Some("LIMIT_REACHED"));
        status.message().to_owned()
    }

    #[test]
    fn one_caller_takes_no_more_than_its_own_and_gives_each_place_back() {
        let admission = Admission::new(3).per_caller(2);
        let [greedy, other] = ["greedy", "other"].map(Caller::unlimited);
        let first = admission.admit(&greedy).expect("a place");
        let second = admission.admit(&greedy).expect("a place");
        assert!(refusal(admission.admit(&greedy)).contains("this caller"));
        admission.admit_watch(&greedy).expect("watches have places of their own");
        let third = admission.admit(&other).expect("others are served meanwhile");
        assert!(refusal(admission.admit(&other)).contains("the server is serving"));
        drop((first, third));
        admission.admit(&greedy).expect("the place is free again");
        drop(second);
        let each = admission.calls.each.expect("counted");
        assert!(each.held().is_empty(), "{each:?}");
    }

    #[test]
    fn a_refusal_for_want_of_all_places_takes_none_of_the_callers_own() {
        let admission = Admission::new(1).per_caller(5);
        let [one, other] = ["one", "other"].map(Caller::unlimited);
        let held = admission.admit(&one).expect("a place");
        for _ in 0..10 {
            assert!(refusal(admission.admit(&other)).contains("the server is serving"));
        }
        drop(held);
        admission.admit(&other).expect("a place");
    }
}
