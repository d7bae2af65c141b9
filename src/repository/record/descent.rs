//! Going over the directories beneath one of the run.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::fs::Mode;
use rustix::io::Errno;

use super::{DIRECTORY, RunRecord};
use crate::model::RelativePath;

/// So many directories are held open for the sake of those beneath them that wait. Whatever waits beyond that is opened from the run directory.
const HELD: usize = 64;

/// Gives the directories beneath one, itself first, each opened from the one above it: a deep tree costs an open a directory, and few descriptors
/// at a time. Nothing is followed.
pub(super) struct Descent<'a> {
    record: &'a RunRecord,
    waiting: Vec<Waiting>,
    /// Its clones count the directories that are open.
    open: Rc<()>,
}

struct Waiting {
    path: RelativePath,
    above: Option<Rc<Opened>>,
}

/// An open directory.
pub(super) struct Opened {
    descriptor: OwnedFd,
    _open: Rc<()>,
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

impl<'a> Descent<'a> {
    pub(super) fn new(record: &'a RunRecord, below: &RelativePath) -> Self {
        let first = Waiting { path: below.clone(), above: None };
        Self { record, waiting: vec![first], open: Rc::new(()) }
    }

    /// The next directory, or why it cannot be opened.
    pub(super) fn next(&mut self) -> Option<(RelativePath, Result<Rc<Opened>, Errno>)> {
        let Waiting { path, above } = self.waiting.pop()?;
        let descriptor = match above {
            Some(above) => rustix::fs::openat(&*above, path.file_name(), DIRECTORY, Mode::empty()),
            None => self.record.open_directory(Some(&path)),
        };
        let opened = descriptor.map(|descriptor| Rc::new(Opened { descriptor, _open: Rc::clone(&self.open) }));
        Some((path, opened))
    }

    /// These, which stand in `directory`, come next, in this order.
    pub(super) fn then(&mut self, directory: &Rc<Opened>, children: Vec<RelativePath>) {
        let last = children.len().saturating_sub(1);
        for (index, path) in children.into_iter().rev().enumerate() {
            // The one that comes next holds the directory above it only until then.
            let holds = index == last || Rc::strong_count(&self.open) <= HELD;
            self.waiting.push(Waiting { path, above: holds.then(|| Rc::clone(directory)) });
        }
    }
}
