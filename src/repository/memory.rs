//! What scans know of a root from one to the next.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::index::RunEntry;
use super::root::FileIdentity;
use crate::model::{DirectoryName, Problem};

/// What a directory is known to be.
#[derive(Debug, Clone)]
pub(super) enum Known {
    /// A run, as its summary says.
    Run(Arc<RunEntry>),
    /// A problem.
    Problem(Arc<Problem>),
}

impl Known {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Run(one), Self::Run(other)) => one == other,
            (Self::Problem(one), Self::Problem(other)) => one == other,
            _ => false,
        }
    }

    /// The directory's raw name.
    fn name(&self) -> &[u8] {
        match self {
            Self::Run(run) => run.directory.as_str().as_bytes(),
            Self::Problem(problem) => problem.directory_bytes.as_deref().unwrap_or(problem.directory.as_bytes()),
        }
    }
}

/// The state of a summary, condensed by a hash with a secret key: another state has another mark, but for one chance in 2^64 that nobody
/// can steer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StateMark(NonZeroU64);

/// What is known of a directory, and from which state of its summary.
#[derive(Debug)]
pub(super) struct Remembered {
    known: Known,
    /// The hash of its name.
    name: Place,
    /// The summary it was read from; `None` when it has to be looked at again whatever the summary is.
    state: Option<StateMark>,
    /// The scan that saw it last.
    seen: AtomicU32,
}

impl Remembered {
    /// The directory's name; `None` when it is none that can be opened.
    fn directory(&self) -> Option<Cow<'_, DirectoryName>> {
        match &self.known {
            Known::Run(run) => Some(Cow::Borrowed(&run.directory)),
            Known::Problem(problem) if problem.directory_bytes.is_some() => None,
            Known::Problem(problem) => problem.directory.parse().ok().map(Cow::Owned),
        }
    }
}

/// What scans know of a root. Some 40 bytes a directory beside what the snapshot holds anyway.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By the place of the directory's name.
    directories: HashMap<Place, Remembered, BuildHasherDefault<PlaceHasher>>,
    keys: RandomState,
    scan: u32,
}

/// Where a name is remembered: its hash with a secret key, or the next free number after it should two names ever share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(u64);

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// A place is a hash already.
#[derive(Debug, Default)]
struct PlaceHasher(u64);

impl Hasher for PlaceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, place: u64) {
        self.0 = place;
    }
}

impl Memory {
    /// Begins a scan that expects so many directories.
    pub(super) fn begin_scan(&mut self, directories: usize) {
        self.scan = self.scan.wrapping_add(1);
        self.directories.reserve(directories.saturating_sub(self.directories.len()));
    }

    /// Ends a scan: adds what it found new or changed, and forgets what it did not see. Tells whether anything differs from before.
    pub(super) fn end_scan(&mut self, found: impl IntoIterator<Item = Remembered>) -> bool {
        let mut differs = false;
        for remembered in found {
            differs |= self.insert(remembered);
        }
        let before = self.directories.len();
        let scan = self.scan;
        self.directories.retain(|_, remembered| remembered.seen.load(Ordering::Relaxed) == scan);
        differs || self.directories.len() < before
    }

    /// What is to be remembered of a directory whose summary is in this state; of one without a state it is looked at again next time.
    pub(super) fn remembered(&self, known: Known, summary: Option<FileIdentity>) -> Remembered {
        let name = self.hashed(known.name());
        Remembered { known, name, state: summary.map(|summary| self.mark(summary)), seen: AtomicU32::new(self.scan) }
    }

    /// Whether a directory is as it is remembered. `look` tells the state of its summary. If it is, this scan has seen it.
    pub(super) fn is_as_before(&self, name: &[u8], look: impl FnOnce(&DirectoryName) -> Option<FileIdentity>) -> bool {
        let Some(remembered) = self.directories.get(&self.place(name, self.hashed(name))) else { return false };
        let (Some(state), Some(directory)) = (remembered.state, remembered.directory()) else { return false };
        let is_same = look(&directory).is_some_and(|summary| self.mark(summary) == state);
        if is_same {
            remembered.seen.store(self.scan, Ordering::Relaxed);
        }
        is_same
    }

    /// Remembers a directory; tells whether it is another than before.
    pub(super) fn insert(&mut self, remembered: Remembered) -> bool {
        match self.directories.entry(self.place(remembered.known.name(), remembered.name)) {
            Entry::Vacant(free) => {
                free.insert(remembered);
                true
            }
            Entry::Occupied(mut taken) => {
                let is_same = taken.get().known.is_same(&remembered.known);
                let before = taken.get_mut();
                if is_same {
                    // The snapshot holds what was known before: it is not held twice.
                    before.state = remembered.state;
                    before.seen = remembered.seen;
                } else {
                    *before = remembered;
                }
                !is_same
            }
        }
    }

    /// Forgets a directory.
    pub(super) fn remove(&mut self, name: &[u8]) {
        self.directories.remove(&self.place(name, self.hashed(name)));
    }

    /// What each directory is known to be, in no order.
    pub(super) fn known(&self) -> impl ExactSizeIterator<Item = &Known> {
        self.directories.values().map(|remembered| &remembered.known)
    }

    fn hashed(&self, name: &[u8]) -> Place {
        Place(self.keys.hash_one(name))
    }

    /// The place of a name, or where it would be.
    fn place(&self, name: &[u8], hashed: Place) -> Place {
        let mut place = hashed;
        while self.directories.get(&place).is_some_and(|there| there.known.name() != name) {
            place = Place(place.0.wrapping_add(1));
        }
        place
    }

    fn mark(&self, summary: FileIdentity) -> StateMark {
        StateMark(NonZeroU64::new(self.keys.hash_one(summary.to_bytes())).unwrap_or(NonZeroU64::MIN))
    }
}
