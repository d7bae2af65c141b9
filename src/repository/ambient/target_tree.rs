//! The tree under assessment: which files count, and bounded reads that never leave it.
//!
//! Every file is opened component by component beneath the handle of the tree's root, never through a
//! symbolic link and never blocking, and what it is is asked of the opened file.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags};

use super::git_history::{History, NoHistory};

mod listing;

/// At most so many files are listed.
pub const MAX_FILES: usize = 200_000;
/// Paths with more components than this are left out.
pub const MAX_DEPTH: usize = 64;
/// A text document is read up to this many bytes.
pub const MAX_TEXT_BYTES: usize = 1024 * 1024;

const MAX_LINK_HOPS: usize = 16;
/// Why a target could not be opened at all.
#[derive(Debug)]
pub enum TreeError {
    /// The path cannot be opened as a directory; the cause says why.
    NotADirectory(io::Error),
    /// A bare git repository holds no work tree: check it out first.
    BareRepository,
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotADirectory(_) => "the target cannot be opened as a directory",
            Self::BareRepository => "the target is a bare git repository: assess a checkout of it",
        })
    }
}

impl Error for TreeError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NotADirectory(cause) => Some(cause),
            Self::BareRepository => None,
        }
    }
}

/// How the files were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileOrigin {
    /// The files that the git index tracks and that stand in the work tree.
    GitIndex,
    /// A bounded walk of the directory, without version-control directories.
    Walk,
}

impl FileOrigin {
    /// The word used in the runner's metadata.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::GitIndex => "git-index",
            Self::Walk => "walk",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Regular,
    Symlink(Option<String>),
    Special,
}

/// One listed file. `path` is relative, `/`-separated and printable: bytes that are not UTF-8 appear as `\xNN`.
#[derive(Debug, Clone)]
pub struct TreeFile {
    path: String,
    raw: Vec<u8>,
    size: u64,
    kind: Kind,
}

impl TreeFile {
    /// The path relative to the tree.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The last component of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }

    /// The path without its last component; empty at the root.
    pub fn directory(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(directory, _)| directory)
    }

    /// The size in bytes when the tree was listed.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether the entry is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        matches!(self.kind, Kind::Symlink(_))
    }

    /// Whether the entry is a regular file.
    pub fn is_regular(&self) -> bool {
        self.kind == Kind::Regular
    }
}

/// The beginning of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHead {
    /// The bytes, at most as many as were asked for.
    pub bytes: Vec<u8>,
    /// Whether the file goes on after them.
    pub truncated: bool,
}

/// A directory and the files in it that count.
///
/// Invariants: `files` is sorted by path and holds at most [`MAX_FILES`] entries of at most [`MAX_DEPTH`] components;
/// nothing outside the root is ever opened for a check.
#[derive(Debug)]
pub struct TargetTree {
    path: PathBuf,
    root: OwnedFd,
    files: Vec<TreeFile>,
    origin: FileOrigin,
    truncated: bool,
    notes: Vec<String>,
}

impl TargetTree {
    /// Opens the directory the operator named and lists its files; the path itself may be a symbolic link.
    pub fn open(path: &Path) -> Result<Self, TreeError> {
        let root =
            rustix::fs::open(path, DIRECTORY, Mode::empty()).map_err(|cause| TreeError::NotADirectory(cause.into()))?;
        let mut listing = listing::list(path, &root)?;
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self {
            path: path.to_owned(),
            root,
            files: listing.files,
            origin: listing.origin,
            truncated: listing.truncated,
            notes: listing.notes,
        })
    }

    /// The files, sorted by path.
    pub fn files(&self) -> &[TreeFile] {
        &self.files
    }

    /// How the files were found.
    pub fn origin(&self) -> FileOrigin {
        self.origin
    }

    /// Whether a bound of the listing was reached or a directory could not be read, so that files are missing from it.
    pub fn truncated(&self) -> bool {
        self.truncated
    }

    /// What a reader of the result should know about the listing, as sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The history of the repository that the tree lies in, as far as it concerns the tree.
    ///
    /// # Errors
    /// When there is none, or none that can be read whole.
    pub fn history(&self) -> Result<History, NoHistory> {
        History::open(&self.path)
    }

    /// The entry with exactly this path.
    pub fn get(&self, path: &str) -> Option<&TreeFile> {
        let at = self.files.binary_search_by(|file| file.path.as_str().cmp(path)).ok()?;
        self.files.get(at)
    }

    /// The regular file that an entry stands for: itself, or the listed file that its link leads to.
    pub fn resolve<'a>(&'a self, file: &'a TreeFile) -> Option<&'a TreeFile> {
        let mut current = file;
        for _ in 0..MAX_LINK_HOPS {
            match &current.kind {
                Kind::Regular => return Some(current),
                Kind::Symlink(Some(target)) => current = self.get(target)?,
                Kind::Symlink(None) | Kind::Special => return None,
            }
        }
        None
    }

    /// The first `limit` bytes of the file that the entry stands for.
    pub fn read_head(&self, file: &TreeFile, limit: usize) -> io::Result<FileHead> {
        let file = self.resolve(file).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        read_beneath(&self.root, &file.raw, limit)
    }
}

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const BENEATH_DIRECTORY: OFlags = DIRECTORY.union(OFlags::NOFOLLOW);
const BENEATH_FILE: OFlags =
    OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

fn open_directory(root: &OwnedFd, path: &[u8]) -> io::Result<OwnedFd> {
    let mut handle = rustix::fs::openat(root, ".", DIRECTORY, Mode::empty())?;
    for component in path.split(|byte| *byte == b'/').filter(|component| !component.is_empty()) {
        if component == b".." {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        handle = rustix::fs::openat(&handle, component, BENEATH_DIRECTORY, Mode::empty())?;
    }
    Ok(handle)
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = path.rsplitn(2, |byte| *byte == b'/');
    let name = halves.next().unwrap_or_default();
    (halves.next().unwrap_or_default(), name)
}

fn read_beneath(root: &OwnedFd, path: &[u8], limit: usize) -> io::Result<FileHead> {
    let (directory, name) = split(path);
    let parent = open_directory(root, directory)?;
    let handle = rustix::fs::openat(&parent, name, BENEATH_FILE, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut bytes = Vec::new();
    let ask = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    File::from(handle).take(ask).read_to_end(&mut bytes)?;
    let truncated = bytes.len() > limit;
    bytes.truncate(limit);
    Ok(FileHead { bytes, truncated })
}

pub(super) fn printable(raw: &[u8]) -> String {
    let mut text = String::new();
    for chunk in raw.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_escaped() {
        assert_eq!(printable(b"a\xff/b"), "a\\xff/b");
    }
}
