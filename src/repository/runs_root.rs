//! One runs root over time: its snapshot, refreshed from the directories, and whether it is there at all.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;

use super::digests::DigestCache;
use super::error::Error;
use super::index::{Interner, RunEntry, Snapshot};
use super::media_types::MediaTypes;
use super::memory::{Known, Memory};
use super::root::{Containment, FreeSpace, OpenRoot, RootIdentity};
use super::scan;
use crate::model::{DirectoryName, Problem, RootName};

/// A configured runs root.
///
/// Readers take the snapshot of the moment and are never held up by a refresh; the configured path is opened anew for every use, so that
/// nothing here keeps a filesystem busy.
#[derive(Debug)]
pub struct RunsRoot {
    name: RootName,
    configured: PathBuf,
    containment: Containment,
    threads: usize,
    view: ArcSwap<View>,
    refreshing: Mutex<Refreshing>,
    pub(super) digests: DigestCache,
    pub(super) media_types: MediaTypes,
}

/// What readers see of a root.
#[derive(Debug, Clone)]
pub enum View {
    /// Not scanned yet.
    Scanning,
    /// Served from this snapshot.
    Serving(Arc<Snapshot>),
    /// Not there. The clause says why, without any path.
    Away(String),
}

#[derive(Debug, Default)]
struct Refreshing {
    memory: Memory,
    interner: Interner,
    scanned: Option<RootIdentity>,
}

impl RunsRoot {
    pub(super) fn new(name: RootName, configured: PathBuf, containment: Containment, threads: usize) -> Self {
        Self {
            name,
            configured,
            containment,
            threads,
            view: ArcSwap::from_pointee(View::Scanning),
            refreshing: Mutex::default(),
            digests: DigestCache::default(),
            media_types: MediaTypes::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &RootName {
        &self.name
    }

    /// The path exactly as configured. For the operator, never for a reply.
    #[must_use]
    pub fn configured(&self) -> &Path {
        &self.configured
    }

    /// What readers see now.
    #[must_use]
    pub fn view(&self) -> Arc<View> {
        self.view.load_full()
    }

    /// The snapshot of the moment.
    ///
    /// # Errors
    /// [`Error::RootNotScanned`] before the first scan, [`Error::RootAway`] while the root is not there.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, Error> {
        match &**self.view.load() {
            View::Serving(snapshot) => Ok(Arc::clone(snapshot)),
            View::Scanning => Err(Error::RootNotScanned { root: self.name.to_string() }),
            View::Away(reason) => Err(self.away(reason)),
        }
    }

    /// Scans the root: only directories whose summary changed since the last time are read. One refresh runs at a time.
    ///
    /// # Errors
    /// [`Error::RootAway`] when the root cannot be opened or listed; readers see that too from then on.
    pub fn refresh(&self) -> Result<Arc<Snapshot>, Error> {
        let mut guard = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let refreshing = &mut *guard;
        let scanned_at = Timestamp::now();
        let scanned = self.open_for_refresh(refreshing).and_then(|root| {
            let Refreshing { memory, interner, .. } = refreshing;
            let differs = scan::scan(&root, memory, interner, scanned_at.as_second(), self.threads);
            differs.map(|differs| (root.identity(), differs)).map_err(|_| "it cannot be listed".to_owned())
        });
        match scanned {
            Ok((identity, false)) if self.serves(identity) => self.publish_again(scanned_at),
            Ok((identity, _)) => Ok(self.publish(refreshing, identity, scanned_at)),
            Err(reason) => {
                self.view.store(Arc::new(View::Away(reason.clone())));
                Err(self.away(&reason))
            }
        }
    }

    /// Looks at one directory again and publishes what it is now. For a job that ended: whoever then sees the job finds its run.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub fn refresh_directory(&self, directory: &DirectoryName) -> Result<(), Error> {
        let mut refreshing = self.refreshing.lock().unwrap_or_else(PoisonError::into_inner);
        let root = self.open_for_refresh(&refreshing).map_err(|reason| self.away(&reason))?;
        // What is remembered of a root that was away is not what stands in it now that it is back.
        let scanned_at = match &**self.view.load() {
            View::Serving(snapshot) if snapshot.root_identity == root.identity() => Some(snapshot.scanned_at),
            View::Serving(_) | View::Scanning | View::Away(_) => None,
        };
        let Some(scanned_at) = scanned_at else {
            drop(refreshing);
            return self.refresh().map(drop);
        };
        let Refreshing { memory, interner, .. } = &mut *refreshing;
        match scan::scan_one(&root, directory, memory, interner, Timestamp::now().as_second()) {
            Some(remembered) => drop(memory.insert(remembered)),
            None => memory.remove(directory.as_str().as_bytes()),
        }
        self.publish(&mut refreshing, root.identity(), scanned_at);
        Ok(())
    }

    /// Opens the root as it is now, for reading a run that the snapshot knows.
    ///
    /// # Errors
    /// [`Error::RootAway`] when it is not there, or another directory than the one scanned stands there.
    pub(super) fn open(&self) -> Result<(OpenRoot, Arc<Snapshot>), Error> {
        let snapshot = self.snapshot()?;
        let root = self.open_ambient().map_err(|reason| self.away(&reason))?;
        if root.identity() == snapshot.root_identity {
            Ok((root, snapshot))
        } else {
            Err(self.away("another directory stands in its place"))
        }
    }

    /// Whether runs can be created in it, as far as the system tells beforehand.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.open_ambient().is_ok_and(|root| root.is_writable())
    }

    /// What its filesystem has left; `None` when the root is away or the system does not tell.
    #[must_use]
    pub fn free_space(&self) -> Option<FreeSpace> {
        self.open_ambient().ok()?.free_space()
    }

    /// Checks that the root is there, and is the directory that was scanned: into an empty mount point nobody wants to write.
    ///
    /// # Errors
    /// [`Error::RootNotScanned`], [`Error::RootAway`].
    pub fn check(&self) -> Result<(), Error> {
        self.open().map(drop)
    }

    /// Whether something stands directly in the root under that name, of whatever kind.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn has_entry(&self, directory: &DirectoryName) -> Result<bool, Error> {
        let (root, _) = self.open()?;
        Ok(root.has_entry(directory))
    }

    fn open_ambient(&self) -> Result<OpenRoot, String> {
        OpenRoot::open_ambient(&self.configured, self.containment).map_err(|error| {
            match error.kind() {
                std::io::ErrorKind::NotFound => "its directory does not exist",
                std::io::ErrorKind::NotADirectory => "what stands there is not a directory",
                std::io::ErrorKind::PermissionDenied => "permission to open it is denied",
                _ => "it cannot be opened",
            }
            .to_owned()
        })
    }

    /// An empty mount point is not an empty root: what was a mount stays away until it is a mount again.
    fn open_for_refresh(&self, refreshing: &Refreshing) -> Result<OpenRoot, String> {
        let root = self.open_ambient()?;
        if refreshing.scanned.is_some_and(|scanned| scanned.is_mount) && !root.identity().is_mount {
            return Err("its filesystem is unmounted".to_owned());
        }
        Ok(root)
    }

    /// Whether readers see a snapshot of this very directory.
    fn serves(&self, identity: RootIdentity) -> bool {
        matches!(&**self.view.load(), View::Serving(snapshot) if snapshot.root_identity == identity)
    }

    /// Publishes the snapshot of before with a new time: nothing has changed.
    fn publish_again(&self, scanned_at: Timestamp) -> Result<Arc<Snapshot>, Error> {
        let snapshot = Arc::new(self.snapshot()?.found_again(scanned_at));
        self.view.store(Arc::new(View::Serving(Arc::clone(&snapshot))));
        Ok(snapshot)
    }

    fn publish(&self, refreshing: &mut Refreshing, identity: RootIdentity, scanned_at: Timestamp) -> Arc<Snapshot> {
        let known = refreshing.memory.known();
        let mut runs: Vec<Arc<RunEntry>> = Vec::with_capacity(known.len());
        let mut problems: Vec<Arc<Problem>> = Vec::new();
        for known in known {
            match known {
                Known::Run(run) => runs.push(Arc::clone(run)),
                Known::Problem(problem) => problems.push(Arc::clone(problem)),
            }
        }
        let snapshot = Arc::new(Snapshot::build(runs, problems, scanned_at, identity));
        refreshing.scanned = Some(identity);
        self.view.store(Arc::new(View::Serving(Arc::clone(&snapshot))));
        refreshing.interner.prune();
        snapshot
    }

    fn away(&self, reason: &str) -> Error {
        Error::RootAway { root: self.name.to_string(), reason: reason.to_owned() }
    }
}
