//! What an opened file is: its identity, its mount, its kind.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use super::{GateError, RootIdentity, UnsafeKind};

/// Which file this is and in which state: another file, or a changed one, has another identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FileIdentity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

impl FileIdentity {
    pub(super) fn from_stat(stat: &Stat) -> Self {
        Self {
            device: unsigned(stat.st_dev),
            inode: unsigned(stat.st_ino),
            size: unsigned(stat.st_size),
            modified: (signed(stat.st_mtime), nanoseconds(stat.st_mtime_nsec)),
            changed: (signed(stat.st_ctime), nanoseconds(stat.st_ctime_nsec)),
        }
    }

    /// The size in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// When the contents were last modified: seconds since 1970 and nanoseconds.
    #[must_use]
    pub const fn modified(&self) -> (i64, u32) {
        self.modified
    }

    /// Seconds since 1970 at which the file's contents or attributes last changed.
    #[must_use]
    pub fn last_change_second(&self) -> i64 {
        self.modified.0.max(self.changed.0)
    }

    /// The identity as bytes, to derive opaque tokens from. Never sent as it is: it would tell inode numbers.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 48] {
        let mut bytes = [0; 48];
        let parts = [
            self.device.to_le_bytes(),
            self.inode.to_le_bytes(),
            self.size.to_le_bytes(),
            self.modified.0.to_le_bytes(),
            self.changed.0.to_le_bytes(),
            (u64::from(self.modified.1) << 32 | u64::from(self.changed.1)).to_le_bytes(),
        ];
        for (slot, part) in bytes.chunks_exact_mut(8).zip(parts) {
            slot.copy_from_slice(&part);
        }
        bytes
    }
}

/// The identity of an opened regular file; what is not one is refused by its kind.
pub(super) fn of_regular_file(handle: BorrowedFd<'_>) -> Result<FileIdentity, GateError> {
    let stat = rustix::fs::fstat(handle)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(FileIdentity::from_stat(&stat)),
        FileType::Directory => Err(GateError::IsDirectory),
        FileType::Symlink => Err(GateError::Unsafe(UnsafeKind::Link)),
        _ => Err(GateError::Unsafe(UnsafeKind::Special)),
    }
}

/// Which mount a file is on. A bind mount of the same filesystem has the same device, and one overlay mount shows files of several
/// devices; so the mount's own id alone decides, and the device only where nothing tells the id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MountIdentity {
    /// The mount's id, unique among the mounts of the moment. A handle on a mount keeps its id from being given to another.
    Mount(u64),
    /// The device: it cannot tell a bind mount of the same filesystem.
    Device(u64),
}

#[cfg(target_os = "linux")]
pub(super) fn of_mount(handle: BorrowedFd<'_>) -> Result<MountIdentity, Errno> {
    use rustix::fs::{AtFlags, StatxFlags};
    match rustix::fs::statx(handle, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID) {
        Ok(stat) => {
            let known = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
            if known { Ok(MountIdentity::Mount(stat.stx_mnt_id)) } else { of_mount_without_statx(handle) }
        }
        Err(Errno::NOSYS | Errno::PERM | Errno::ACCESS) => of_mount_without_statx(handle),
        Err(errno) => Err(errno),
    }
}

/// What the process is told of its own descriptors. Systems and filters that refuse `openat2` often have no `statx` that tells mounts
/// either, and the walk is what they are left with.
#[cfg(target_os = "linux")]
fn of_mount_without_statx(handle: BorrowedFd<'_>) -> Result<MountIdentity, Errno> {
    use rustix::fs::{Mode, OFlags};
    use std::os::fd::AsRawFd as _;
    // Names nothing but a descriptor of this process.
    let of_handle = format!("/proc/self/fdinfo/{}", handle.as_raw_fd());
    let told = match rustix::fs::open(of_handle, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()) {
        Ok(file) => std::io::read_to_string(std::fs::File::from(file)).map_err(|_| Errno::IO)?,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::PERM | Errno::ACCESS) => return device_of(handle),
        // Passing trouble must not make one mount look like another.
        Err(errno) => return Err(errno),
    };
    let id = told.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    id.map_or_else(|| device_of(handle), |id| Ok(MountIdentity::Mount(id)))
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of_mount(handle: BorrowedFd<'_>) -> Result<MountIdentity, Errno> {
    device_of(handle)
}

fn device_of(handle: BorrowedFd<'_>) -> Result<MountIdentity, Errno> {
    Ok(MountIdentity::Device(unsigned(rustix::fs::fstat(handle)?.st_dev)))
}

/// Which directory an opened root is.
pub(super) fn of_root(handle: BorrowedFd<'_>) -> Result<RootIdentity, Errno> {
    let stat = rustix::fs::fstat(handle)?;
    Ok(RootIdentity { device: unsigned(stat.st_dev), inode: unsigned(stat.st_ino), is_mount: is_mount_point(handle) })
}

#[cfg(target_os = "linux")]
fn is_mount_point(handle: BorrowedFd<'_>) -> bool {
    use rustix::fs::{AtFlags, StatxAttributes, StatxFlags};
    rustix::fs::statx(handle, "", AtFlags::EMPTY_PATH, StatxFlags::empty())
        .is_ok_and(|stat| stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_point(_handle: BorrowedFd<'_>) -> bool {
    false
}

// The fields of `stat` have other widths on other systems. None of them is negative or too large where it is turned here.

fn unsigned<T: TryInto<u64>>(value: T) -> u64 {
    value.try_into().unwrap_or(0)
}

fn signed<T: TryInto<i64>>(value: T) -> i64 {
    value.try_into().unwrap_or(0)
}

fn nanoseconds<T: TryInto<u32>>(value: T) -> u32 {
    value.try_into().unwrap_or(0)
}
