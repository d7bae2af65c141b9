//! Confinement by the kernel: `openat2`.

use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::{Mounts, Purpose};

/// How often an open is tried again when the kernel says that the tree moved under it (`EAGAIN`) or a signal came.
const ATTEMPTS: usize = 64;

/// Opens `path` beneath `base`. Fails closed: when the kernel keeps asking for another try, the error is handed on.
pub(super) fn open(base: BorrowedFd<'_>, path: &str, purpose: Purpose, mounts: Mounts) -> Result<OwnedFd, Errno> {
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    if mounts == Mounts::Stay {
        resolve |= ResolveFlags::NO_XDEV;
    }
    let mut last = Errno::AGAIN;
    for _ in 0..ATTEMPTS {
        match rustix::fs::openat2(base, path, purpose.flags(), Mode::empty(), resolve) {
            Err(errno @ (Errno::AGAIN | Errno::INTR)) => last = errno,
            answer => return answer,
        }
    }
    Err(last)
}

/// Asks whether the system has `openat2` and lets this process use it.
pub(super) fn probe() -> Result<(), Errno> {
    let resolve =
        ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let here = rustix::fs::open("/", flags, Mode::empty())?;
    rustix::fs::openat2(&here, ".", flags, Mode::empty(), resolve).map(drop)
}
