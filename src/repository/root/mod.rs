//! The gate: the only module that opens anything a request or a stored document names.
//!
//! To open a file of a run one holds a [`RunDirectory`], and to get that an [`OpenRoot`]. Names go in as validated types, and every open
//! is one of two mechanisms with the same answers: `openat2`, or a walk that opens one component after the other. Neither follows a
//! link, leaves the handle it starts from, or crosses a mount inside a run. What a file is, is asked of the opened file.
//!
//! The operator's configured root itself may be a link: it is resolved when it is opened, anew for every use, so that nothing here holds a
//! filesystem busy.

mod containment;
mod identity;
mod listing;
#[cfg(target_os = "linux")]
mod openat2;
mod output;
mod walk;

use std::ops::ControlFlow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;

pub use containment::{Containment, ContainmentChoice, ContainmentUnavailable};
pub use identity::FileIdentity;
pub use listing::{EntryKind, ListedEntry, Names};
pub use output::OutputFile;

use super::layout;
use crate::model::{DirectoryName, RelativePath};

/// Why the gate did not open something.
#[derive(Debug)]
pub enum GateError {
    /// Nothing there: no such file, or a component that is no directory.
    NotFound,
    /// A link, a special file, or a path that crosses a mount. Never opened for reading.
    Unsafe(UnsafeKind),
    /// A directory where a file is wanted.
    IsDirectory,
    /// There, but the server may not read it. An operator can mend that.
    Denied(std::io::Error),
    /// Passing trouble of the system: too many open files, an I/O error. Worth trying again.
    Trouble(std::io::Error),
}

/// What makes a path unsafe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsafeKind {
    /// A symbolic link in some component.
    Link,
    /// A FIFO, socket or device.
    Special,
    /// The path crosses a mount inside the run.
    Mount,
}

impl UnsafeKind {
    /// What it is, fit for a client.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Link => "a symbolic link stands in the path",
            Self::Special => "a special file stands there",
            Self::Mount => "the path crosses a mount inside the run",
        }
    }
}

impl GateError {
    /// Sorts what the kernel said. `ELOOP` is a link and `EXDEV` a mount, for both mechanisms.
    fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => Self::NotFound,
            Errno::LOOP => Self::Unsafe(UnsafeKind::Link),
            Errno::XDEV => Self::Unsafe(UnsafeKind::Mount),
            // Opening a socket, or a device without a driver behind it.
            Errno::NXIO | Errno::NODEV | Errno::OPNOTSUPP => Self::Unsafe(UnsafeKind::Special),
            Errno::ACCESS | Errno::PERM => Self::Denied(errno.into()),
            _ => Self::Trouble(errno.into()),
        }
    }
}

impl From<Errno> for GateError {
    fn from(errno: Errno) -> Self {
        Self::from_errno(errno)
    }
}

/// What an open is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Read a file's bytes. Never blocks on a FIFO, never takes a terminal.
    Read,
    /// Ask what stands there without opening it.
    Look,
    /// Hold a directory to open beneath.
    Directory,
}

impl Purpose {
    fn flags(self) -> OFlags {
        let common = OFlags::CLOEXEC;
        #[cfg(target_os = "linux")]
        let handle = OFlags::PATH;
        #[cfg(not(target_os = "linux"))]
        let handle = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        match self {
            Self::Read => common | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY,
            Self::Look => common | handle,
            Self::Directory => common | handle | OFlags::DIRECTORY,
        }
    }
}

/// Whether an open may cross into another mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mounts {
    /// The run directory itself may be a mount.
    Cross,
    /// Inside a run no mount is crossed.
    Stay,
}

fn open_beneath(
    containment: Containment,
    base: BorrowedFd<'_>,
    path: &str,
    purpose: Purpose,
    mounts: Mounts,
) -> Result<OwnedFd, Errno> {
    match containment {
        #[cfg(target_os = "linux")]
        Containment::Openat2 => openat2::open(base, path, purpose, mounts),
        #[cfg(not(target_os = "linux"))]
        Containment::Openat2 => Err(Errno::NOSYS),
        Containment::Walk => walk::open(base, path, purpose, mounts),
    }
}

/// A runs root, opened: the handle that run directories are opened beneath.
#[derive(Debug)]
pub struct OpenRoot {
    handle: OwnedFd,
    containment: Containment,
    identity: RootIdentity,
}

/// Which directory a root is: it changes when the root is replaced, mounted over or unmounted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RootIdentity {
    device: u64,
    inode: u64,
    /// Whether the directory is where a filesystem is mounted; `false` where the system cannot tell.
    pub is_mount: bool,
}

/// What a filesystem has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreeSpace {
    /// Bytes.
    pub bytes: u64,
    /// Files that can still be made; `None` where they are not counted.
    pub files: Option<u64>,
}

impl OpenRoot {
    /// Opens the directory that the operator configured, following links.
    ///
    /// # Errors
    /// What the system says: missing, not a directory, not permitted.
    pub fn open_ambient(configured: &Path, containment: Containment) -> std::io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(configured, flags, Mode::empty())?;
        let identity = identity::of_root(handle.as_fd())?;
        Ok(Self { handle, containment, identity })
    }

    /// Which directory this is.
    #[must_use]
    pub const fn identity(&self) -> RootIdentity {
        self.identity
    }

    /// Whether files can be created in it, as far as the system tells beforehand.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        rustix::fs::accessat(
            &self.handle,
            ".",
            rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK,
            AtFlags::empty(),
        )
        .is_ok()
    }

    /// What its filesystem has left for this user; `None` where the system does not tell.
    #[must_use]
    pub fn free_space(&self) -> Option<FreeSpace> {
        let told = rustix::fs::fstatvfs(&self.handle).ok()?;
        // Some filesystems make files out of bytes, and count none.
        let files = (told.f_files > 0).then_some(told.f_favail);
        Some(FreeSpace { bytes: told.f_bavail.saturating_mul(told.f_frsize), files })
    }

    /// Everything that stands directly in the root, in no order.
    ///
    /// # Errors
    /// When the directory cannot be read to its end: a part of a listing is never taken for the whole.
    pub fn entries(&self) -> Result<Vec<ListedEntry>, GateError> {
        listing::entries(self.handle.as_fd())
    }

    /// As [`Self::entries`], only the names that are wanted and what they are: for a root of very many runs.
    ///
    /// # Errors
    /// As [`Self::entries`].
    pub fn names(&self, is_wanted: impl Fn(&[u8], EntryKind) -> bool) -> Result<Names, GateError> {
        listing::names(self.handle.as_fd(), is_wanted)
    }

    /// Whether something of whatever kind stands directly in the root under that name. Not followed, not opened.
    #[must_use]
    pub fn has_entry(&self, directory: &DirectoryName) -> bool {
        rustix::fs::statat(&self.handle, directory.as_str(), AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    /// Opens a run directory. It may be a mount, but not a link.
    ///
    /// # Errors
    /// [`GateError::NotFound`] for anything that is not a directory.
    pub fn run(&self, directory: &DirectoryName) -> Result<RunDirectory, GateError> {
        let handle =
            open_beneath(self.containment, self.handle.as_fd(), directory.as_str(), Purpose::Directory, Mounts::Cross)
                .map_err(|errno| self.explain_not_a_directory(directory, errno))?;
        Ok(RunDirectory { handle, containment: self.containment })
    }

    /// `ENOTDIR` for a link that was asked to be a directory is a link all the same.
    fn explain_not_a_directory(&self, directory: &DirectoryName, errno: Errno) -> GateError {
        if errno == Errno::NOTDIR && walk::is_link(self.handle.as_fd(), directory.as_str()) {
            return GateError::Unsafe(UnsafeKind::Link);
        }
        GateError::from_errno(errno)
    }

    /// Opens a run's summary. One call to the kernel in the common case, since a scan does this for every run.
    ///
    /// # Errors
    /// As [`RunDirectory::open`].
    pub fn summary(&self, directory: &DirectoryName) -> Result<OutputFile, GateError> {
        #[cfg(target_os = "linux")]
        if self.containment == Containment::Openat2 {
            let path = summary_path(directory);
            let opened = openat2::open(self.handle.as_fd(), &path, Purpose::Read, Mounts::Stay);
            // Whatever went wrong, the two steps below find out what it was; a run directory that is a mount succeeds there.
            if let Ok(file) = opened {
                return OutputFile::from_opened(file);
            }
        }
        let path = layout::path(layout::SUMMARY);
        self.run(directory)?.open(&path)
    }

    /// The identity of a run's summary without opening it, to see whether it changed. Tells only what [`Self::summary`] may be asked for.
    #[must_use]
    pub fn summary_identity(&self, directory: &DirectoryName) -> Option<FileIdentity> {
        let path = summary_path(directory);
        let stat = rustix::fs::statat(&self.handle, path, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        Some(FileIdentity::from_stat(&stat))
    }
}

/// Where a run's summary stands beneath its root.
fn summary_path(directory: &DirectoryName) -> String {
    [directory.as_str(), "/", layout::SUMMARY].concat()
}

/// A run directory, opened: the handle that its outputs are opened beneath.
#[derive(Debug)]
pub struct RunDirectory {
    handle: OwnedFd,
    containment: Containment,
}

impl RunDirectory {
    /// Opens a regular file for reading.
    ///
    /// # Errors
    /// Links anywhere in the path, special files and mount crossings are [`GateError::Unsafe`], directories
    /// [`GateError::IsDirectory`].
    pub fn open(&self, path: &RelativePath) -> Result<OutputFile, GateError> {
        match open_beneath(self.containment, self.handle.as_fd(), path.as_str(), Purpose::Read, Mounts::Stay) {
            Ok(opened) => OutputFile::from_opened(opened),
            Err(errno) => Err(self.explain_refusal(path, errno)),
        }
    }

    /// A special file may refuse to be opened with almost any error; what it is counts more than what its driver says.
    fn explain_refusal(&self, path: &RelativePath, errno: Errno) -> GateError {
        match GateError::from_errno(errno) {
            refused @ (GateError::Denied(_) | GateError::Trouble(_)) => match self.look(path) {
                Err(found @ (GateError::Unsafe(_) | GateError::IsDirectory)) => found,
                _ => refused,
            },
            told => told,
        }
    }

    /// Asks what stands at a path, without opening it for reading.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn look(&self, path: &RelativePath) -> Result<FileIdentity, GateError> {
        let opened = open_beneath(self.containment, self.handle.as_fd(), path.as_str(), Purpose::Look, Mounts::Stay)?;
        identity::of_regular_file(opened.as_fd())
    }

    /// Hands everything that stands directly in a directory of the run to `visit`, by its raw name, in no order, until it breaks off.
    ///
    /// # Errors
    /// As [`Self::open`]; [`GateError::NotFound`] for anything that is not a directory.
    pub fn visit_entries(
        &self,
        path: &RelativePath,
        visit: &mut dyn FnMut(&[u8], EntryKind) -> ControlFlow<()>,
    ) -> Result<(), GateError> {
        let opened =
            open_beneath(self.containment, self.handle.as_fd(), path.as_str(), Purpose::Directory, Mounts::Stay)?;
        let readable = rustix::fs::openat(
            &opened,
            ".",
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW,
            Mode::empty(),
        )?;
        listing::visit(readable.as_fd(), visit)
    }

    /// Whether a writer holds the lock on `run.json`: then the run is being made. A run record that cannot be opened is not locked.
    #[must_use]
    pub fn is_being_written(&self) -> bool {
        let Ok(record) = self.open(&layout::path(layout::RUN)) else { return false };
        // A shared lock that is free is taken and given back at once; the writer waits for its own, it does not fail.
        match rustix::fs::flock(record.as_fd(), FlockOperation::NonBlockingLockShared) {
            Err(Errno::WOULDBLOCK) => true,
            Ok(()) | Err(_) => false,
        }
    }
}

#[cfg(test)]
mod tests;
