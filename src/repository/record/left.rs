//! What runners left in the run directory, read while the run is made. Nothing is followed.

use std::io::Read;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, FileType, Mode, Stat};
use rustix::io::Errno;

use super::descent::Descent;
use super::tree::entries;
use super::{DIRECTORY, FOUND_FILE, RecordError, RunRecord};
use crate::model::RelativePath;

/// What was found where a runner may have left a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// Nothing.
    Nothing,
    /// A regular file with these bytes.
    Bytes(Vec<u8>),
    /// A regular file beyond the cap.
    TooLarge,
    /// A link, a directory or a special file; it was not followed.
    Irregular,
}

/// A regular file that a runner left, and the state that it was in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LeftFile {
    /// Its path in the run directory.
    pub path: RelativePath,
    /// Device, inode, size, and the times of the last change of content and of the inode. What is written again has another one.
    state: State,
}

/// See [`LeftFile`].
type State = [i128; 7];

/// A regular file that a runner left, opened.
#[derive(Debug)]
pub struct LeftReader(OwnedFd);

impl Read for LeftReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut *buffer))?)
    }
}

impl RunRecord {
    /// Reads a file that a runner may have left, at most `limit` bytes of it.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read_left(&self, path: &RelativePath, limit: usize) -> Result<Left, RecordError> {
        let file = match self.open(path) {
            Ok(Some(file)) => file,
            Ok(None) | Err(Errno::LOOP | Errno::NOTDIR | Errno::NXIO) => return Ok(Left::Irregular),
            Err(Errno::NOENT) => return Ok(Left::Nothing),
            Err(error) => return Err(unread(path, error)),
        };
        let mut bytes = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        let read = file.take(most).read_to_end(&mut bytes);
        read.map_err(|error| unread(path, Errno::from_io_error(&error).unwrap_or(Errno::IO)))?;
        Ok(if bytes.len() > limit { Left::TooLarge } else { Left::Bytes(bytes) })
    }

    /// Opens a regular file that a runner left; `None` when there is none there by now.
    ///
    /// # Errors
    /// When it is there and cannot be opened.
    pub fn open_left(&self, path: &RelativePath) -> Result<Option<LeftReader>, RecordError> {
        match self.open(path) {
            Ok(file) => Ok(file),
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::ACCESS | Errno::PERM) => Ok(None),
            Err(error) => Err(unread(path, error)),
        }
    }

    /// Every regular file beneath a directory of the run, with its state, in path order within each directory. What cannot be listed, and names
    /// that no path of a run may have, are left out: the walk over the artifacts tells of them.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn left_beneath(&self, below: &RelativePath) -> Result<Vec<LeftFile>, RecordError> {
        let mut found = Vec::new();
        let mut descent = Descent::new(self, below);
        while let Some((path, opened)) = descent.next() {
            let failed = |source| RecordError::Failed { operation: "listed", path: path.to_string(), source };
            let directory = match opened {
                Ok(directory) => directory,
                Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::ACCESS | Errno::PERM) => continue,
                Err(error) => return Err(failed(error)),
            };
            let mut below = Vec::new();
            let listed = match entries(&*directory) {
                Err(Errno::ACCESS | Errno::PERM) => continue,
                listed => listed.map_err(failed)?,
            };
            for entry in listed {
                let Some(child) = entry.name.to_str().ok().and_then(|name| path.join(name).ok()) else { continue };
                match entry.kind {
                    FileType::Directory => below.push(child),
                    FileType::RegularFile => {
                        let stat = rustix::fs::statat(&*directory, &entry.name, AtFlags::SYMLINK_NOFOLLOW);
                        let Ok(stat) = stat else { continue };
                        found.push(LeftFile { path: child, state: state(&stat) });
                    }
                    _ => {}
                }
            }
            descent.then(&directory, below);
        }
        found.sort_by(|one, other| one.path.cmp(&other.path));
        Ok(found)
    }

    /// Opens a regular file; `Ok(None)` when something else stands there.
    fn open(&self, path: &RelativePath) -> Result<Option<LeftReader>, Errno> {
        let mut at = rustix::io::fcntl_dupfd_cloexec(&self.directory, 3)?;
        if let Some(above) = path.parent() {
            for component in above.components() {
                at = rustix::fs::openat(&at, component, DIRECTORY, Mode::empty())?;
            }
        }
        let file = rustix::fs::openat(&at, path.file_name(), FOUND_FILE, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        Ok((kind == FileType::RegularFile).then_some(LeftReader(file)))
    }
}

fn state(stat: &Stat) -> State {
    let number = |value: i128| value;
    [
        number(stat.st_dev.into()),
        number(stat.st_ino.into()),
        number(stat.st_size.into()),
        number(stat.st_mtime.into()),
        number(stat.st_mtime_nsec.into()),
        number(stat.st_ctime.into()),
        number(stat.st_ctime_nsec.into()),
    ]
}

fn unread(path: &RelativePath, source: Errno) -> RecordError {
    RecordError::Failed { operation: "read", path: path.to_string(), source }
}
