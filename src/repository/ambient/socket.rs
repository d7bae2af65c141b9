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
        // Bound aside, so that nobody connects before the mode is set.
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}", std::process::id()));
        let aside = PathBuf::from(aside);
        let bound = UnixListener::bind(&aside).and_then(|listener| {
            std::fs::set_permissions(&aside, std::fs::Permissions::from_mode(mode))?;
            let there = std::fs::symlink_metadata(&aside)?;
            std::fs::rename(&aside, path)?;
            Ok((listener, Self { path: path.to_owned(), identity: (there.dev(), there.ino()) }))
        });
        bound.map_err(|source| {
            remove_own_file(&aside);
            unwritable(source)
        })
    }
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
