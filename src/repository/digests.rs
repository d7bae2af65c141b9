//! Digests already computed, kept while the file stays as it was.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use super::root::FileIdentity;

/// How many digests are kept; at about 200 bytes each.
const CAPACITY: usize = 16_384;

/// SHA-256 digests by file identity. An identity with another size or time is another key, so a digest is never told of changed bytes.
#[derive(Debug, Default)]
pub(super) struct DigestCache {
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    digests: HashMap<FileIdentity, String>,
    oldest_first: VecDeque<FileIdentity>,
}

impl DigestCache {
    /// The digest of a file in this state, if it was computed before.
    #[must_use]
    pub(super) fn get(&self, identity: FileIdentity) -> Option<String> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).digests.get(&identity).cloned()
    }

    /// Keeps a digest; beyond the capacity the oldest one goes.
    pub(super) fn insert(&self, identity: FileIdentity, digest: String) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.digests.insert(identity, digest).is_none() {
            held.oldest_first.push_back(identity);
        }
        if held.oldest_first.len() > CAPACITY
            && let Some(oldest) = held.oldest_first.pop_front()
        {
            held.digests.remove(&oldest);
        }
    }
}
