//! The disk, blocking: the gate, the layout, decoding, scanning, the index of what was found, and one run read in depth.
//!
//! Scanning returns runs *and* problems; an [`Error`] means that what was asked could not be done. Nothing here is cached that the run
//! directories could contradict: the snapshot says when it was taken, and calls about one run read its files again.

pub mod ambient;
pub mod decode;
pub mod layout;
pub mod record;
pub mod root;

mod artifact;
mod digests;
mod error;
mod index;
mod items;
mod manifest;
mod media_types;
mod memory;
mod reports;
mod retained;
mod runs_root;
mod scan;
mod unlisted;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

pub use artifact::{ArtifactReader, Piece, ReadRequest};
pub use error::Error;
pub use index::{ProblemPage, ProblemQuery, RunEntry, RunKey, RunPage, RunQuery, Snapshot};
pub use items::{ItemFilter, ItemsPage, ItemsPlace, ItemsSurvey, ListedItem};
pub use manifest::{Manifest, ManifestRow, RowState};
pub use reports::{ReportFile, UnsafeRefs};
pub use retained::{FoundFile, LocatedRun, RetainedRun, RunSelector};
pub use root::FreeSpace;
pub use runs_root::{RunsRoot, View};

use crate::model::{RootName, VisibleRoots, printable};
use root::Containment;

/// The most threads that scan a root.
const MAX_SCAN_THREADS: usize = 8;

/// A runs root as the operator gives it: `[NAME=]PATH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootSpec {
    /// Its name.
    pub name: RootName,
    /// Its path as given.
    pub path: PathBuf,
}

/// Why a set of roots cannot be served. `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum RootSpecError {
    /// The path is empty.
    #[error("a runs directory is empty; give [NAME=]PATH")]
    EmptyPath,
    /// The last component cannot serve as a name.
    #[error("`{path}` needs a name: its last component is not 1 to 63 characters from a-z 0-9 _ -; give NAME={path}")]
    NeedsName {
        /// The path as given.
        path: String,
    },
    /// Two roots bear one name.
    #[error("two runs directories are named `{name}`; give one of them another NAME=")]
    NameClash {
        /// The name.
        name: RootName,
    },
}

impl FromStr for RootSpec {
    type Err = RootSpecError;

    /// `NAME=PATH` when what stands before the first `=` is a name; else the whole is a path and its last component the name.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err(RootSpecError::EmptyPath);
        }
        if let Some((name, path)) = text.split_once('=')
            && let Ok(name) = name.parse()
        {
            return if path.is_empty() { Err(RootSpecError::EmptyPath) } else { Ok(Self { name, path: path.into() }) };
        }
        let path = Path::new(text);
        let name = path.file_name().and_then(OsStr::to_str).and_then(|name| name.parse().ok());
        name.map(|name| Self { name, path: path.to_owned() })
            .ok_or_else(|| RootSpecError::NeedsName { path: text.to_owned() })
    }
}

/// The configured runs roots.
#[derive(Debug)]
pub struct Repository {
    roots: Vec<Arc<RunsRoot>>,
    containment: Containment,
}

impl Repository {
    /// Takes the roots in configured order. Nothing is opened yet.
    ///
    /// # Errors
    /// [`RootSpecError::NameClash`].
    pub fn new(specs: Vec<RootSpec>, containment: Containment) -> Result<Self, RootSpecError> {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, MAX_SCAN_THREADS);
        let mut roots: Vec<Arc<RunsRoot>> = Vec::with_capacity(specs.len());
        for spec in specs {
            if roots.iter().any(|root| *root.name() == spec.name) {
                return Err(RootSpecError::NameClash { name: spec.name });
            }
            roots.push(Arc::new(RunsRoot::new(spec.name, spec.path, containment, threads)));
        }
        Ok(Self { roots, containment })
    }

    /// The roots in configured order.
    #[must_use]
    pub fn roots(&self) -> &[Arc<RunsRoot>] {
        &self.roots
    }

    /// How opens are confined.
    #[must_use]
    pub const fn containment(&self) -> Containment {
        self.containment
    }

    /// The roots that exist for a caller, in configured order.
    pub fn visible<'a>(&'a self, visible: &'a VisibleRoots) -> impl Iterator<Item = &'a Arc<RunsRoot>> {
        self.roots.iter().filter(|root| visible.sees(root.name().as_str()))
    }

    /// The root that a request means: by name, by path exactly as configured, or the first when it names none. What the caller may not see
    /// does not exist, here and in the error.
    ///
    /// # Errors
    /// [`Error::RootNotFound`].
    pub fn root<'a>(&'a self, asked: &str, visible: &'a VisibleRoots) -> Result<&'a Arc<RunsRoot>, Error> {
        let found = if asked.is_empty() {
            self.visible(visible).next()
        } else {
            self.visible(visible).find(|root| root.name().as_str() == asked).or_else(|| {
                self.visible(visible)
                    .find(|root| root.configured() == Path::new(asked) && root.configured().as_os_str() == asked)
            })
        };
        found.ok_or_else(|| Error::RootNotFound {
            asked: printable(asked, 100),
            known: self.visible(visible).map(|root| root.name().as_str()).collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests;
