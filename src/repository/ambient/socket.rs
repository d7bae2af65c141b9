//! A Unix socket that an operator names for a service.

use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::{AmbientError, remove_own_file};

/// A socket in the filesystem that this process listens on. Dropped, it is removed, unless something else has taken its place.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl SocketFile {
    /// Listens on a socket that only those may connect to whom `mode` lets write. One that a process left behind when it died is replaced; one
    /// that somebody listens on, and anything that is no socket, is not.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    #[expect(clippy::disallowed_methods, reason = "the operator names this socket")]
    pub fn bind(path: &Path, mode: u32) -> Result<(UnixListener, Self), AmbientError> {
        let unwritable = |source| AmbientError::Unwritable { path: path.to_owned(), source };
        match std::fs::symlink_metadata(path) {
            Ok(there) if !there.file_type().is_socket() => {
                return Err(unwritable(std::io::ErrorKind::AlreadyExists.into()));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => return Err(unwritable(std::io::ErrorKind::AddrInUse.into())),
            _ => {}
        }
        // Bound aside, so that nobody connects before the mode is set; by a name that nobody can take before.
        let random = getrandom::u32().map_err(|error| unwritable(std::io::Error::other(error)))?;
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{random:08x}"));
        let aside = PathBuf::from(aside);
        let listener = UnixListener::bind(&aside).map_err(unwritable)?;
        let named = set_mode(&aside, mode).and_then(|identity| {
            std::fs::rename(&aside, path)?;
            Ok(Self { path: path.to_owned(), identity })
        });
        match named {
            Ok(file) => Ok((listener, file)),
            Err(source) => {
                remove_own_file(&aside);
                Err(unwritable(source))
            }
        }
    }
}

/// Sets the mode of a socket, and of nothing else: in a directory that others may write, a link may have taken its place. Returns which file it
/// is.
#[cfg(target_os = "linux")]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<(u64, u64)> {
    use rustix::fs::{FileType, Mode, OFlags};
    use std::os::fd::AsRawFd as _;
    let found = rustix::fs::open(path, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())?;
    let there = rustix::fs::fstat(&found)?;
    let is_own = there.st_uid == rustix::process::geteuid().as_raw();
    if FileType::from_raw_mode(there.st_mode) != FileType::Socket || !is_own {
        return Err(std::io::Error::other("something else has taken the place of the socket"));
    }
    // A descriptor of this kind has no other way to its mode.
    let by_descriptor = format!("/proc/self/fd/{}", found.as_raw_fd());
    std::fs::set_permissions(by_descriptor, std::fs::Permissions::from_mode(mode))?;
    Ok((there.st_dev, there.st_ino))
}

/// The same where the system has a call for it.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::disallowed_methods, reason = "only looked at")]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<(u64, u64)> {
    let there = std::fs::symlink_metadata(path)?;
    if !there.file_type().is_socket() {
        return Err(std::io::Error::other("something else has taken the place of the socket"));
    }
    let mode = rustix::fs::Mode::from_bits_truncate(mode.try_into().unwrap_or(0o600));
    rustix::fs::chmodat(rustix::fs::CWD, path, mode, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?;
    Ok((there.dev(), there.ino()))
}

impl Drop for SocketFile {
    #[expect(clippy::disallowed_methods, reason = "only a socket that this process made is removed")]
    fn drop(&mut self) {
        let is_own =
            std::fs::symlink_metadata(&self.path).is_ok_and(|there| (there.dev(), there.ino()) == self.identity);
        if is_own {
            remove_own_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::symlink_metadata(path).expect("there").permissions().mode() & 0o777
    }

    #[test]
    fn a_socket_is_its_owners_alone_and_goes_with_its_server() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("s");
        let (listener, file) = SocketFile::bind(&path, 0o600).expect("bound");
        assert_eq!(mode(&path), 0o600);
        UnixStream::connect(&path).expect("connected");
        assert!(SocketFile::bind(&path, 0o600).is_err(), "somebody listens there");
        drop((listener, file));
        assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 0);
    }

    #[test]
    fn a_link_in_the_place_of_the_socket_leaves_what_it_leads_to_as_it_is() {
        let home = tempfile::tempdir().expect("a directory");
        let (file, link) = (home.path().join("file"), home.path().join("link"));
        std::fs::write(&file, "words").expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("set");
        std::os::unix::fs::symlink(&file, &link).expect("linked");
        assert!(set_mode(&link, 0o666).is_err() && set_mode(&file, 0o666).is_err());
        assert_eq!(mode(&file), 0o600);
    }

    #[test]
    fn what_others_left_beside_the_socket_stays_and_is_in_nobodys_way() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("s");
        // As a server of the same process id left it that was killed between binding and renaming.
        let left = home.path().join(format!("s.{}", std::process::id()));
        std::fs::write(&left, "").expect("written");
        let (_listener, _file) = SocketFile::bind(&path, 0o600).expect("bound");
        assert!(left.exists());
    }

    #[test]
    fn a_socket_left_behind_is_replaced_and_anything_else_is_not() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("s");
        drop(UnixListener::bind(&path).expect("bound"));
        let (_listener, file) = SocketFile::bind(&path, 0o660).expect("bound over what was left");
        assert_eq!(mode(&path), 0o660);
        // Another server took the name over: its socket stays.
        std::fs::remove_file(&path).expect("removed");
        let other = UnixListener::bind(&path).expect("bound");
        drop(file);
        assert!(path.exists());
        drop(other);
        let taken = home.path().join("file");
        std::fs::write(&taken, "words").expect("written");
        assert!(SocketFile::bind(&taken, 0o600).is_err());
        assert_eq!(std::fs::read_to_string(&taken).expect("read"), "words");
    }
}
