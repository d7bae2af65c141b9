//! Confinement by a walk: one component after the other, none of them followed, all on one mount.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::identity::{self, MountIdentity};
use super::{Mounts, Purpose};

/// Opens `path` beneath `base`. `path` is a [`crate::model::RelativePath`] or a directory name, so it has no `..` to climb with; each
/// component is opened from the handle of the one before, so nothing renamed meanwhile leads outside.
pub(super) fn open(base: BorrowedFd<'_>, path: &str, purpose: Purpose, mounts: Mounts) -> Result<OwnedFd, Errno> {
    let home = match mounts {
        Mounts::Stay => Some(identity::of_mount(base)?),
        Mounts::Cross => None,
    };
    let mut held: Option<OwnedFd> = None;
    let mut components = path.split('/').peekable();
    while let Some(component) = components.next() {
        let from = held.as_ref().map_or(base, |handle| handle.as_fd());
        let step = if components.peek().is_some() { Purpose::Directory } else { purpose };
        let opened = match open_component(from, component, step) {
            // What is no directory may be one that no step should have come to: openat2 says so first.
            Err(Errno::NOTDIR) => return Err(why_no_directory(from, component, home)),
            answer => answer?,
        };
        if let Some(home) = home {
            stay_on(home, opened.as_fd())?;
        }
        held = Some(opened);
    }
    held.ok_or(Errno::NOENT)
}

fn open_component(from: BorrowedFd<'_>, component: &str, purpose: Purpose) -> Result<OwnedFd, Errno> {
    let opened = loop {
        match rustix::fs::openat(from, component, purpose.flags() | OFlags::NOFOLLOW, Mode::empty()) {
            Err(Errno::INTR) => {}
            answer => break answer,
        }
    };
    match opened {
        // `O_PATH | O_NOFOLLOW` opens the link itself instead of refusing it.
        Ok(handle) if purpose == Purpose::Look && is_opened_link(handle.as_fd())? => Err(Errno::LOOP),
        Ok(handle) => Ok(handle),
        // Some systems say this of a link.
        Err(Errno::MLINK) => Err(Errno::LOOP),
        Err(errno) => Err(errno),
    }
}

/// A link that was asked to be a directory is `ENOTDIR` here and `ELOOP` to openat2, a mounted file `EXDEV`.
fn why_no_directory(from: BorrowedFd<'_>, component: &str, home: Option<MountIdentity>) -> Errno {
    match open_component(from, component, Purpose::Look) {
        Err(Errno::LOOP) => Errno::LOOP,
        Ok(found) => home.and_then(|home| stay_on(home, found.as_fd()).err()).unwrap_or(Errno::NOTDIR),
        Err(_) => Errno::NOTDIR,
    }
}

/// Whether a name is a link. Used only to word a refusal.
pub(super) fn is_link(from: BorrowedFd<'_>, name: &str) -> bool {
    rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
}

fn is_opened_link(handle: BorrowedFd<'_>) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(handle)?.st_mode) == FileType::Symlink)
}

fn stay_on(home: MountIdentity, opened: BorrowedFd<'_>) -> Result<(), Errno> {
    if identity::of_mount(opened)? == home { Ok(()) } else { Err(Errno::XDEV) }
}
