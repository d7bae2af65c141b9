//! What stands in an opened directory.

use std::ffi::CStr;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;

use super::GateError;

/// How much of a listing is asked of the kernel at a time, in bytes.
#[cfg(target_os = "linux")]
const BUFFER_BYTES: usize = 64 << 10;

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

/// Names in a directory, in one allocation.
#[derive(Debug, Default)]
pub struct Names {
    bytes: Vec<u8>,
    /// Where each name ends, and what it is.
    ends: Vec<(usize, EntryKind)>,
}

impl Names {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// At most `count` names from a place on.
    pub fn range(&self, begin: usize, count: usize) -> impl Iterator<Item = (&[u8], EntryKind)> {
        let before = begin.checked_sub(1).and_then(|before| self.ends.get(before)).map_or(0, |(end, _)| *end);
        self.ends.iter().skip(begin).take(count).scan(before, |from, (end, kind)| {
            let name = self.bytes.get(*from..*end)?;
            *from = *end;
            Some((name, *kind))
        })
    }

    fn push(&mut self, name: &[u8], kind: EntryKind) {
        self.bytes.extend_from_slice(name);
        self.ends.push((self.bytes.len(), kind));
    }
}

/// Lists a directory that was opened for reading, in no order. `.` and `..` are left out.
pub(super) fn entries(handle: BorrowedFd<'_>) -> Result<Vec<ListedEntry>, GateError> {
    let mut listed = Vec::new();
    visit(handle, &mut |name, kind| {
        listed.push(ListedEntry { name: name.to_vec(), kind });
        ControlFlow::Continue(())
    })?;
    Ok(listed)
}

/// As [`entries`], the names alone and only those wanted.
pub(super) fn names(handle: BorrowedFd<'_>, is_wanted: impl Fn(&[u8], EntryKind) -> bool) -> Result<Names, GateError> {
    let mut names = Names::default();
    visit(handle, &mut |name, kind| {
        if is_wanted(name, kind) {
            names.push(name, kind);
        }
        ControlFlow::Continue(())
    })?;
    Ok(names)
}

/// As [`entries`], one after the other, until `each` breaks off: a directory may have more names than fit into memory.
#[cfg(target_os = "linux")]
pub(super) fn visit(
    handle: BorrowedFd<'_>,
    each: &mut dyn FnMut(&[u8], EntryKind) -> ControlFlow<()>,
) -> Result<(), GateError> {
    use rustix::fs::{Mode, OFlags, RawDir};
    // A description of its own: the position in the listing is not shared with other readers of the handle.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let readable = rustix::fs::openat(handle, c".", flags, Mode::empty())?;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    let mut entries = RawDir::new(readable, buffer.spare_capacity_mut());
    while let Some(entry) = entries.next() {
        let entry = entry?;
        if take(handle, entry.file_name(), entry.file_type(), each)?.is_break() {
            break;
        }
    }
    Ok(())
}

/// As [`entries`], one after the other, until `each` breaks off: a directory may have more names than fit into memory.
#[cfg(not(target_os = "linux"))]
pub(super) fn visit(
    handle: BorrowedFd<'_>,
    each: &mut dyn FnMut(&[u8], EntryKind) -> ControlFlow<()>,
) -> Result<(), GateError> {
    for entry in rustix::fs::Dir::read_from(handle)? {
        let entry = entry?;
        if take(handle, entry.file_name(), entry.file_type(), each)?.is_break() {
            break;
        }
    }
    Ok(())
}

fn take(
    handle: BorrowedFd<'_>,
    name: &CStr,
    mut file_type: FileType,
    each: &mut dyn FnMut(&[u8], EntryKind) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, GateError> {
    if matches!(name.to_bytes(), b"." | b"..") {
        return Ok(ControlFlow::Continue(()));
    }
    if file_type == FileType::Unknown {
        // Some filesystems leave the kind out of the listing. A name that is gone by now is left out too.
        match rustix::fs::statat(handle, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => file_type = FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => return Ok(ControlFlow::Continue(())),
            Err(errno) => return Err(errno.into()),
        }
    }
    let kind = match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        _ => EntryKind::Special,
    };
    Ok(each(name.to_bytes(), kind))
}
