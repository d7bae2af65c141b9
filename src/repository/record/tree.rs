//! Walking the run directory that is being made: what runners left, its digests, its flushing, and the removal of working files.

use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::descent::Descent;
use super::{DIRECTORY, FOUND_FILE, RecordError, RunRecord, flush};
use crate::model::{RelativePath, printable};

/// So many files and directories are flushed one by one. A flush waits for the disk each time, so that many of them take minutes.
const ONE_BY_ONE: usize = 300;

/// A regular file beneath the run directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedFile {
    /// Its path in the run directory.
    pub path: RelativePath,
    /// Its size as it was hashed.
    pub size_bytes: u64,
    /// Its SHA-256, bare lower-case hex.
    pub sha256: String,
}

/// Why something that a runner left is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IrregularKind {
    /// A symbolic link, wherever it points.
    Link,
    /// A FIFO, a socket or a device.
    Special,
    /// A mount point.
    Mount,
    /// A name that no path of a run may have: not UTF-8, a backslash, or too long.
    Name,
    /// A file or directory that may not be read.
    Unreadable,
}

/// Something that a runner left and that is no output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Irregular {
    /// Its path in the run directory, made printable.
    pub path: String,
    /// Why it is not listed.
    pub kind: IrregularKind,
}

/// What a walk found, in path order within each directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Walk {
    /// The regular files.
    pub files: Vec<RecordedFile>,
    /// Everything else but directories.
    pub irregular: Vec<Irregular>,
}

impl IrregularKind {
    /// What to call it in a sentence.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Link => "a symbolic link",
            Self::Special => "a special file",
            Self::Mount => "a mount point",
            Self::Name => "a file whose name no path of a run may have",
            Self::Unreadable => "a file that cannot be read",
        }
    }
}

/// One entry of a directory, with the type that it has itself.
pub(super) struct Entry {
    pub(super) name: CString,
    pub(super) kind: FileType,
    device: u64,
}

impl RunRecord {
    /// Hashes every regular file beneath a directory of the run. Nothing is followed; a directory that is not there is empty.
    ///
    /// # Errors
    /// When the disk fails; what merely may not be read is [`Irregular`].
    pub fn walk(&self, below: &RelativePath) -> Result<Walk, RecordError> {
        let mut walk = Walk::default();
        let mut chunk = vec![0_u8; 128 * 1024];
        let mut descent = Descent::new(self, below);
        while let Some((path, opened)) = descent.next() {
            let directory = match opened {
                Ok(directory) => directory,
                Err(Errno::NOENT) => continue,
                Err(Errno::ACCESS | Errno::PERM) => {
                    walk.irregular.push(irregular(path.as_str(), IrregularKind::Unreadable));
                    continue;
                }
                Err(Errno::LOOP | Errno::NOTDIR) => {
                    walk.irregular.push(irregular(path.as_str(), IrregularKind::Link));
                    continue;
                }
                Err(source) => return Err(failed("listed", &path, source)),
            };
            let own_device = rustix::fs::fstat(&*directory).map_err(|error| failed("listed", &path, error))?.st_dev;
            let listed = match entries(&*directory) {
                // It may be opened and not searched.
                Err(Errno::ACCESS | Errno::PERM) => {
                    walk.irregular.push(irregular(path.as_str(), IrregularKind::Unreadable));
                    continue;
                }
                listed => listed.map_err(|error| failed("listed", &path, error))?,
            };
            let mut below = Vec::new();
            for entry in listed {
                let Some(child) = entry.name.to_str().ok().and_then(|name| path.join(name).ok()) else {
                    let shown = format!("{path}/{}", entry.name.to_bytes().escape_ascii());
                    walk.irregular.push(irregular(&shown, IrregularKind::Name));
                    continue;
                };
                match entry.kind {
                    _ if entry.device != own_device => {
                        walk.irregular.push(irregular(child.as_str(), IrregularKind::Mount));
                    }
                    FileType::Directory => below.push(child),
                    FileType::RegularFile => match hash(&*directory, &entry, &child, &mut chunk)? {
                        Ok(file) => walk.files.push(file),
                        Err(kind) => walk.irregular.push(irregular(child.as_str(), kind)),
                    },
                    FileType::Symlink => walk.irregular.push(irregular(child.as_str(), IrregularKind::Link)),
                    _ => walk.irregular.push(irregular(child.as_str(), IrregularKind::Special)),
                }
            }
            descent.then(&directory, below);
        }
        Ok(walk)
    }

    /// Flushes every regular file and every directory of the run, children before parents; many of them at once, with their filesystem.
    pub(super) fn flush_all(&self) -> Result<(), RecordError> {
        let mut directories: Vec<Option<RelativePath>> = vec![None];
        let (mut next, mut files) = (0, 0);
        while let Some(path) = directories.get(next).cloned() {
            next += 1;
            for entry in self.flushable(path.as_ref())?.map(|(_, entries)| entries).unwrap_or_default() {
                match entry.kind {
                    FileType::RegularFile => files += 1,
                    FileType::Directory => {
                        let child = entry.name.to_str().ok().and_then(|name| match &path {
                            Some(path) => path.join(name).ok(),
                            None => name.parse().ok(),
                        });
                        directories.extend(child.map(Some));
                    }
                    _ => {}
                }
            }
            if files + directories.len() > ONE_BY_ONE && self.flush_filesystem()? {
                return Ok(());
            }
        }
        for path in directories.iter().rev() {
            let shown = path.as_ref().map_or(".", RelativePath::as_str);
            let Some((directory, listed)) = self.flushable(path.as_ref())? else { continue };
            for entry in listed.iter().filter(|entry| entry.kind == FileType::RegularFile) {
                match rustix::fs::openat(&directory, &entry.name, FOUND_FILE, Mode::empty()) {
                    Ok(file) => flush(&file, shown)?,
                    Err(error) if is_no_output(error) => {}
                    Err(error) => return Err(unflushed(shown, error)),
                }
            }
            flush(&directory, shown)?;
        }
        Ok(())
    }

    /// A directory that is to be flushed and what stands in it; `None` when it is no output.
    fn flushable(&self, path: Option<&RelativePath>) -> Result<Option<(OwnedFd, Vec<Entry>)>, RecordError> {
        let shown = path.map_or(".", RelativePath::as_str);
        let opened = self.open_directory(path).and_then(|directory| Ok((entries(&directory)?, directory)));
        match opened {
            Ok((listed, directory)) => Ok(Some((directory, listed))),
            Err(error) if is_no_output(error) => Ok(None),
            Err(error) => Err(unflushed(shown, error)),
        }
    }

    /// Flushes the filesystem that the run is on. False when the system cannot.
    #[cfg(target_os = "linux")]
    fn flush_filesystem(&self) -> Result<bool, RecordError> {
        match rustix::fs::syncfs(&self.directory) {
            Ok(()) => Ok(true),
            // Sandboxes refuse what they do not know.
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => Ok(false),
            Err(error) => Err(unflushed(".", error)),
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn flush_filesystem(&self) -> Result<bool, RecordError> {
        Ok(false)
    }

    /// Removes a directory of working files and all that is in it. Nothing is followed; what stands elsewhere is never touched.
    ///
    /// # Errors
    /// When something in it cannot be removed.
    pub fn remove_working_files(&self, path: &RelativePath) -> Result<(), RecordError> {
        let mut directories = vec![path.clone()];
        let mut next = 0;
        while let Some(path) = directories.get(next).cloned() {
            next += 1;
            let directory = match self.open_directory(Some(&path)) {
                Ok(directory) => directory,
                Err(Errno::NOENT) => return Ok(()),
                Err(Errno::LOOP | Errno::NOTDIR) => return self.unlink(&path, AtFlags::empty()),
                Err(source) => return Err(failed("removed", &path, source)),
            };
            for entry in entries(&directory).map_err(|error| failed("removed", &path, error))? {
                match entry.name.to_str().ok().and_then(|name| path.join(name).ok()) {
                    Some(child) if entry.kind == FileType::Directory => directories.push(child),
                    _ => rustix::fs::unlinkat(&directory, &entry.name, AtFlags::empty())
                        .map_err(|error| failed("removed", &path, error))?,
                }
            }
        }
        directories.iter().rev().try_for_each(|path| self.unlink(path, AtFlags::REMOVEDIR))
    }

    fn unlink(&self, path: &RelativePath, flags: AtFlags) -> Result<(), RecordError> {
        let above = self.open_directory(path.parent().as_ref()).map_err(|error| failed("removed", path, error))?;
        rustix::fs::unlinkat(&above, path.file_name(), flags).map_err(|error| failed("removed", path, error))
    }

    /// Opens a directory of the run, or the run directory itself, one component at a time. Only the current one is held, so that a tree as
    /// deep as a path can be costs one descriptor.
    pub(super) fn open_directory(&self, path: Option<&RelativePath>) -> Result<OwnedFd, Errno> {
        let mut at = rustix::fs::openat(&self.directory, ".", DIRECTORY, Mode::empty())?;
        for component in path.iter().flat_map(|path| path.components()) {
            at = rustix::fs::openat(&at, component, DIRECTORY, Mode::empty())?;
        }
        Ok(at)
    }
}

pub(super) fn entries(directory: impl AsFd) -> Result<Vec<Entry>, Errno> {
    let mut found = Vec::new();
    for entry in Dir::read_from(&directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        let stat = rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        found.push(Entry { name: name.to_owned(), kind, device: stat.st_dev });
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// Hashes one file. The type that counts is that of the opened file.
fn hash(
    directory: impl AsFd,
    entry: &Entry,
    path: &RelativePath,
    chunk: &mut [u8],
) -> Result<Result<RecordedFile, IrregularKind>, RecordError> {
    let file = match rustix::fs::openat(directory, &entry.name, FOUND_FILE, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ACCESS | Errno::PERM) => return Ok(Err(IrregularKind::Unreadable)),
        Err(Errno::LOOP) => return Ok(Err(IrregularKind::Link)),
        Err(source) => return Err(failed("read", path, source)),
    };
    let stat = rustix::fs::fstat(&file).map_err(|error| failed("read", path, error))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Ok(Err(IrregularKind::Special));
    }
    let mut digest = Sha256::new();
    let mut size_bytes: u64 = 0;
    loop {
        let count = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut *chunk))
            .map_err(|error| failed("read", path, error))?;
        if count == 0 {
            break;
        }
        digest.update(chunk.get(..count).unwrap_or_default());
        size_bytes = size_bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
    let sha256 = data_encoding::HEXLOWER.encode(&digest.finalize());
    Ok(Ok(RecordedFile { path: path.clone(), size_bytes, sha256 }))
}

fn irregular(path: &str, kind: IrregularKind) -> Irregular {
    Irregular { path: printable(path, 400), kind }
}

/// Whether what could not be opened is no output, as the walk says too: not permitted, a link by now, or gone.
fn is_no_output(error: Errno) -> bool {
    matches!(error, Errno::ACCESS | Errno::PERM | Errno::LOOP | Errno::NOTDIR | Errno::NOENT | Errno::NXIO)
}

fn unflushed(path: &str, source: Errno) -> RecordError {
    RecordError::Failed { operation: "flushed", path: path.to_owned(), source }
}

fn failed(operation: &'static str, path: &RelativePath, source: Errno) -> RecordError {
    RecordError::Failed { operation, path: path.to_string(), source }
}
