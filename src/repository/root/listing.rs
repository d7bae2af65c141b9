//! What stands in an opened directory.

use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::GateError;

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEntry {
    /// The name, raw: it need not be UTF-8.
    pub name: Vec<u8>,
    /// What it is, not followed.
    pub kind: EntryKind,
}

/// What a directory entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// Anything else: FIFO, socket, device.
    Special,
}

/// Lists a directory that was opened for reading. `.` and `..` are left out.
pub(super) fn entries(handle: BorrowedFd<'_>) -> Result<Vec<ListedEntry>, GateError> {
    let mut listed = Vec::new();
    for entry in Dir::read_from(handle)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let mut file_type = entry.file_type();
        if file_type == FileType::Unknown {
            // Some filesystems leave the kind out of the listing. A name that is gone by now is left out too.
            match rustix::fs::statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => file_type = FileType::from_raw_mode(stat.st_mode),
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno.into()),
            }
        }
        let kind = match file_type {
            FileType::RegularFile => EntryKind::File,
            FileType::Directory => EntryKind::Directory,
            FileType::Symlink => EntryKind::Link,
            _ => EntryKind::Special,
        };
        listed.push(ListedEntry { name: name.to_bytes().to_vec(), kind });
    }
    Ok(listed)
}
