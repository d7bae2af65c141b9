//! The write side: one run directory while it is being made.
//!
//! The promises of the run directory contract, section 1, and how they are kept:
//!
//! - **Exclusive.** The directory is made by a `mkdir` that fails when the name is taken. Files are made with `O_EXCL`. Nothing
//!   that exists is ever overwritten; only `run.json` is replaced, by a rename.
//! - **Confined.** Every name is opened beneath the held descriptor of the run directory, one component at a time, never through a
//!   link. A runner works in here before the documents are written and may leave anything in their place; that is an error
//!   ([`RecordError::InTheWay`]), never a way out.
//! - **Visibly in the making.** An exclusive `flock` on `run.json` from before the file has its name until after the summary is flushed.
//!   The replacement is locked before it is renamed in, so there is no moment without a lock.
//! - **Durable.** [`RunRecord::finish`] flushes every file and directory of the run, what runners left included, before the summary gets
//!   its name, and the directory after that.

mod descent;
mod left;
#[cfg(test)]
mod tests;
mod tree;

use std::ffi::OsString;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

use super::ambient::rename_new;
use super::layout::{RUN, SUMMARY};
use crate::model::RelativePath;

pub use left::{Left, LeftFile, LeftReader};
pub use tree::{Irregular, IrregularKind, RecordedFile, Walk};

const SUMMARY_ASIDE: &str = ".retention-summary.json.tmp";
const RUN_ASIDE: &str = ".run.json.tmp";

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const NEW_FILE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FOUND_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Why a run directory could not be made. `Display` names the place and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The output directory's name is taken. Nothing in it was touched.
    #[error("{} exists already; a run never overwrites anything: name a directory that does not exist", path.display())]
    OutputExists {
        /// The directory.
        path: PathBuf,
    },
    /// The output directory could not be made.
    #[error("the output directory {} cannot be created; name a place that you may write", path.display())]
    CannotCreate {
        /// The directory.
        path: PathBuf,
        /// The operating system's reason.
        source: Errno,
    },
    /// Something stands where a document of the run belongs: only a runner can have left it.
    #[error(
        "something stands at {path} in the run directory, where the run's own document belongs; the extension that wrote it must use its own directory"
    )]
    InTheWay {
        /// The path in the run directory.
        path: String,
    },
    /// A file operation failed: the disk is full, was taken away, or is broken.
    #[error("{path} in the run directory cannot be {operation}")]
    Failed {
        /// What was tried.
        operation: &'static str,
        /// The path in the run directory.
        path: String,
        /// The operating system's reason.
        source: Errno,
    },
}

/// A run directory in the making. Dropping it releases the lock and leaves the directory as it is: incomplete without a summary.
#[derive(Debug)]
pub struct RunRecord {
    directory: OwnedFd,
    parent: OwnedFd,
    /// Every `run.json` there was, locked. The old ones stay locked because a reader may have opened one just before it was replaced.
    locks: Vec<OwnedFd>,
}

/// A new file in the run directory that is written piece by piece.
#[derive(Debug)]
pub struct RecordFile(OwnedFd);

impl RunRecord {
    /// Makes the directory, its missing parents, and `run.json` in it, locked.
    ///
    /// # Errors
    /// [`RecordError::OutputExists`] when the name is taken, by whatever; else as the variants say.
    pub fn create(output: &Path, run_json: &[u8]) -> Result<Self, RecordError> {
        let cannot = |source| RecordError::CannotCreate { path: output.to_owned(), source };
        let name: OsString = output.file_name().ok_or(cannot(Errno::INVAL))?.to_owned();
        let above = match output.parent() {
            Some(above) if !above.as_os_str().is_empty() => above,
            _ => Path::new("."),
        };
        make_parents(above).map_err(cannot)?;
        // A parent may be reached through a link: it is the operator's path. From here on everything is beneath a descriptor.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = rustix::fs::openat(CWD, above, flags, Mode::empty()).map_err(cannot)?;
        match rustix::fs::mkdirat(&parent, &name, Mode::from_raw_mode(0o777)) {
            Err(Errno::EXIST) => return Err(RecordError::OutputExists { path: output.to_owned() }),
            made => made.map_err(cannot)?,
        }
        let directory = rustix::fs::openat(&parent, &name, DIRECTORY, Mode::empty()).map_err(cannot)?;
        let lock = place_run_json(&directory, run_json)?;
        flush(&directory, ".")?;
        flush_directory(&parent).map_err(cannot)?;
        Ok(Self { directory, parent, locks: vec![lock] })
    }

    /// Writes a new file, making the directories above it.
    ///
    /// # Errors
    /// [`RecordError::InTheWay`] when something stands in its place or on the way there.
    pub fn write(&self, path: &RelativePath, bytes: &[u8]) -> Result<(), RecordError> {
        let mut file = self.create_file(path)?;
        file.write_all(bytes).map_err(|error| RecordError::Failed {
            operation: "written",
            path: path.to_string(),
            source: Errno::from_io_error(&error).unwrap_or(Errno::IO),
        })
    }

    /// Makes a new, empty file and the directories above it.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub fn create_file(&self, path: &RelativePath) -> Result<RecordFile, RecordError> {
        let above = match path.parent() {
            Some(above) => self.make_directory(&above)?,
            None => self.duplicate()?,
        };
        rustix::fs::openat(&above, path.file_name(), NEW_FILE, Mode::from_raw_mode(0o666))
            .map(RecordFile)
            .map_err(|source| in_the_way(path.as_str(), "created", source))
    }

    /// Makes a directory unless it is there, and those above it.
    ///
    /// # Errors
    /// [`RecordError::InTheWay`] when something else stands there, a link to a directory included.
    pub fn ensure_directory(&self, path: &RelativePath) -> Result<(), RecordError> {
        self.make_directory(path).map(drop)
    }

    /// Replaces `run.json`. The new file is locked before it takes the old one's place.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn replace_run_json(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.locks.push(place_run_json(&self.directory, bytes)?);
        Ok(())
    }

    /// Flushes everything, then gives the summary its name: from that moment the run is retained. Releases the lock last.
    ///
    /// # Errors
    /// When something cannot be flushed, or a summary stands there already; the run then has no summary of ours.
    pub fn finish(self, summary: &[u8]) -> Result<(), RecordError> {
        self.flush_all()?;
        let aside = write_aside(&self.directory, SUMMARY_ASIDE, summary)?;
        drop(aside);
        rename_new((&self.directory, SUMMARY_ASIDE.as_ref()), (&self.directory, SUMMARY.as_ref()))
            .map_err(|source| in_the_way(SUMMARY, "created", source))?;
        flush(&self.directory, ".")?;
        flush(&self.parent, "..")?;
        drop(self.locks);
        Ok(())
    }

    fn duplicate(&self) -> Result<OwnedFd, RecordError> {
        rustix::io::fcntl_dupfd_cloexec(&self.directory, 3).map_err(|source| RecordError::Failed {
            operation: "opened",
            path: ".".to_owned(),
            source,
        })
    }

    fn make_directory(&self, path: &RelativePath) -> Result<OwnedFd, RecordError> {
        let mut at = self.duplicate()?;
        for component in path.components() {
            at = match rustix::fs::openat(&at, component, DIRECTORY, Mode::empty()) {
                Err(Errno::NOENT) => {
                    match rustix::fs::mkdirat(&at, component, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(Errno::EXIST) => {}
                        Err(source) => return Err(in_the_way(path.as_str(), "created", source)),
                    }
                    rustix::fs::openat(&at, component, DIRECTORY, Mode::empty())
                }
                opened => opened,
            }
            .map_err(|source| in_the_way(path.as_str(), "opened", source))?;
        }
        Ok(at)
    }
}

impl Write for RecordFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::write(&self.0, bytes))?)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes missing directories from the top down and flushes each one's parent, so that the path to the run survives a power loss too.
fn make_parents(path: &Path) -> Result<(), Errno> {
    let made = match rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o777)) {
        Err(Errno::NOENT) => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).ok_or(Errno::NOENT)?;
            make_parents(above)?;
            rustix::fs::mkdirat(CWD, path, Mode::from_raw_mode(0o777))
        }
        made => made,
    };
    match made {
        Ok(()) => {
            let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            flush_directory(&rustix::fs::openat(CWD, above, flags, Mode::empty())?)
        }
        // Whether it is a directory shows when it is opened. A read-only or forbidden place says so for names that exist, too.
        Err(Errno::EXIST | Errno::ROFS | Errno::ACCESS | Errno::PERM) => Ok(()),
        Err(error) => Err(error),
    }
}

fn place_run_json(directory: &OwnedFd, bytes: &[u8]) -> Result<OwnedFd, RecordError> {
    let file = write_aside(directory, RUN_ASIDE, bytes)?;
    let failed = |operation, source| RecordError::Failed { operation, path: RUN.to_owned(), source };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed("locked", error))?;
    rustix::fs::renameat(directory, RUN_ASIDE, directory, RUN).map_err(|error| failed("put in place", error))?;
    Ok(file)
}

fn write_aside(directory: &OwnedFd, name: &str, bytes: &[u8]) -> Result<OwnedFd, RecordError> {
    let failed = |source| RecordError::Failed { operation: "written", path: name.to_owned(), source };
    let file = rustix::fs::openat(directory, name, NEW_FILE, Mode::from_raw_mode(0o666))
        .map_err(|source| in_the_way(name, "created", source))?;
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = rustix::io::retry_on_intr(|| rustix::io::write(&file, rest)).map_err(failed)?;
        rest = rest.get(count..).unwrap_or_default();
    }
    rustix::fs::fsync(&file).map_err(failed)?;
    Ok(file)
}

fn flush(descriptor: &OwnedFd, path: &str) -> Result<(), RecordError> {
    flush_directory(descriptor).map_err(|source| RecordError::Failed {
        operation: "flushed",
        path: path.to_owned(),
        source,
    })
}

/// Flushes a directory, or a file in it. Some filesystems have nothing to flush for a directory and say so.
fn flush_directory(descriptor: &OwnedFd) -> Result<(), Errno> {
    match rustix::fs::fsync(descriptor) {
        Err(Errno::INVAL | Errno::ROFS) => Ok(()),
        flushed => flushed,
    }
}

fn in_the_way(path: &str, operation: &'static str, source: Errno) -> RecordError {
    match source {
        Errno::EXIST | Errno::LOOP | Errno::NOTDIR | Errno::ISDIR => RecordError::InTheWay { path: path.to_owned() },
        _ => RecordError::Failed { operation, path: path.to_owned(), source },
    }
}
