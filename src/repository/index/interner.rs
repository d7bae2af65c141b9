//! Texts that many runs share, held once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Holds the shared texts of the runs of one root.
#[derive(Debug, Default)]
pub(crate) struct Interner(Mutex<HashSet<Arc<str>>>);

/// The shared texts that one scanning thread met, so that threads seldom wait for one another.
#[derive(Debug)]
pub(crate) struct LocalTexts<'a> {
    interner: &'a Interner,
    met: HashSet<Arc<str>>,
}

impl Interner {
    /// A view for one thread.
    pub(crate) fn local(&self) -> LocalTexts<'_> {
        LocalTexts { interner: self, met: HashSet::new() }
    }

    /// Lets go of what no run holds any more.
    pub(crate) fn prune(&self) {
        self.lock().retain(|held| Arc::strong_count(held) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LocalTexts<'_> {
    /// The one allocation of a text.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(met) = self.met.get(text) {
            return Arc::clone(met);
        }
        let mut held = self.interner.lock();
        let shared = held.get(text).cloned().unwrap_or_else(|| {
            let text: Arc<str> = text.into();
            held.insert(Arc::clone(&text));
            text
        });
        self.met.insert(Arc::clone(&shared));
        shared
    }
}
