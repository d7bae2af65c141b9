//! Operator paths that a service works with: where profiles may stand, the port file, output files.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};
use rustix::io::Errno;

use super::{AmbientError, resolved};
use crate::model::RelativePath;

/// The file that a request's relative name means, if it lands in one of the allowed directories: resolved from `root`, links followed, since
/// operators mount profiles through links. `None` when there is no such file or it lands elsewhere; which of the two is not told.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "profiles are trusted like code: whoever may write beneath these directories may run programs"
)]
pub fn land_within(root: &Path, name: &RelativePath, allowed: &[PathBuf]) -> Option<PathBuf> {
    let landed = std::fs::canonicalize(root.join(name.as_str())).ok()?;
    let is_allowed = allowed.iter().any(|directory| {
        std::fs::canonicalize(directory).is_ok_and(|directory| landed.starts_with(&directory) && landed != directory)
    });
    (is_allowed && landed.is_file()).then_some(landed)
}

/// The directory that a request's relative name means, if it is one of the allowed ones or lands in one. `None` as with [`land_within`].
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "extensions are trusted like code: whoever may write beneath these directories may run programs"
)]
pub fn directory_within(root: &Path, name: &RelativePath, allowed: &[PathBuf]) -> Option<PathBuf> {
    let landed = std::fs::canonicalize(root.join(name.as_str())).ok()?;
    let is_allowed = allowed
        .iter()
        .any(|directory| std::fs::canonicalize(directory).is_ok_and(|directory| landed.starts_with(&directory)));
    (is_allowed && landed.is_dir()).then_some(landed)
}

/// What a relative name beneath an operator's directory leads to, links followed, if that stands beneath the directory too. `None` when there
/// is nothing or it leads elsewhere; which of the two is not told.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "extensions are trusted like code; this says whether one stays in its directory"
)]
pub fn resolved_within(directory: &Path, name: &RelativePath) -> Option<PathBuf> {
    let landed = std::fs::canonicalize(directory.join(name.as_str())).ok()?;
    landed.starts_with(std::fs::canonicalize(directory).ok()?).then_some(landed)
}

/// Writes a small file so that a reader sees all of it or nothing: written aside, then renamed into place. An older one is replaced.
///
/// # Errors
/// What the system says, with the path as the operator named it.
#[expect(clippy::disallowed_methods, reason = "the operator names this file")]
pub fn write_atomically(path: &Path, contents: &str) -> Result<(), AmbientError> {
    let unwritable = |source| AmbientError::Unwritable { path: path.to_owned(), source };
    let mut aside = path.as_os_str().to_owned();
    aside.push(format!(".{}.tmp", std::process::id()));
    let aside = PathBuf::from(aside);
    let written = OpenOptions::new().write(true).create_new(true).open(&aside).and_then(|mut file| {
        file.write_all(contents.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&aside, path)
    });
    written.map_err(|source| {
        let _ = std::fs::remove_file(&aside);
        unwritable(source)
    })
}

/// A file that the operator names for a result: written aside, and put in its place when it is whole. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    aside: PathBuf,
    path: PathBuf,
    replace: bool,
}

impl OutputFile {
    /// Begins to write. A file that exists is refused unless `replace` is set; what is not a regular file is never replaced.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    #[expect(clippy::disallowed_methods, reason = "the operator names this file")]
    pub fn create(path: &Path, replace: bool) -> Result<Self, AmbientError> {
        let unwritable = |source| AmbientError::Unwritable { path: path.to_owned(), source };
        match std::fs::symlink_metadata(path) {
            Ok(_) if !replace => return Err(unwritable(std::io::ErrorKind::AlreadyExists.into())),
            // A rename over a device or a link would put a file in the place of it.
            Ok(there) if !there.is_file() => return Err(AmbientError::NotAFile { path: path.to_owned() }),
            _ => {}
        }
        let mut aside = path.as_os_str().to_owned();
        aside.push(format!(".{}.part", std::process::id()));
        let aside = PathBuf::from(aside);
        let file = OpenOptions::new().write(true).create_new(true).open(&aside).map_err(unwritable)?;
        Ok(Self { file, aside, path: path.to_owned(), replace })
    }

    /// Puts the whole file in its place. Without `replace`, one that appeared meanwhile is still not overwritten.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    #[expect(clippy::disallowed_methods, reason = "the operator names this file")]
    pub fn finish(self) -> Result<(), AmbientError> {
        let placed = self.file.sync_all().and_then(|()| {
            if self.replace {
                std::fs::rename(&self.aside, &self.path)
            } else {
                Ok(rename_new((CWD, &self.aside), (CWD, &self.path))?)
            }
        });
        placed.map_err(|source| AmbientError::Unwritable { path: self.path.clone(), source })
    }
}

/// Renames without replacing, each name beneath a directory. Where the filesystem cannot do that in one step, a look comes first.
pub(in crate::repository) fn rename_new(
    (from_directory, from): (impl AsFd, &Path),
    (to_directory, to): (impl AsFd, &Path),
) -> Result<(), Errno> {
    let (from_directory, to_directory) = (from_directory.as_fd(), to_directory.as_fd());
    #[cfg(any(target_os = "linux", target_vendor = "apple"))]
    match rustix::fs::renameat_with(from_directory, from, to_directory, to, rustix::fs::RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {}
        renamed => return renamed,
    }
    match rustix::fs::statat(to_directory, to, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => rustix::fs::renameat(from_directory, from, to_directory, to),
        Err(error) => Err(error),
    }
}

impl std::io::Write for OutputFile {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        // After a rename it is gone already.
        remove_own_file(&self.aside);
    }
}

/// Opens a log to write at its end; it is created when there is none.
///
/// # Errors
/// What the system says, with the path as the operator named it.
#[expect(clippy::disallowed_methods, reason = "the operator names this file")]
pub fn append_to(path: &Path) -> Result<File, AmbientError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|source| AmbientError::Unwritable { path: path.to_owned(), source })
}

/// Creates a directory and those above it; ones that exist are fine.
///
/// # Errors
/// What the system says, with the path as the operator named it.
#[expect(clippy::disallowed_methods, reason = "the operator names this directory")]
pub fn create_directories(path: &Path) -> Result<(), AmbientError> {
    std::fs::create_dir_all(path).map_err(|source| AmbientError::Unwritable { path: path.to_owned(), source })
}

/// Removes a file that this process wrote; one that is gone is fine.
#[expect(clippy::disallowed_methods, reason = "only files that this process wrote")]
pub fn remove_own_file(path: &Path) {
    let _ = std::fs::remove_file(path);
}

/// Whether a path leads to anything. For saying early what is missing, never before opening.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "words a message; nothing is opened after it")]
pub fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Whether the system would start that program for this user: the file at a path with a slash, meant from `from`, or of any other name the first
/// such file in a directory of `path`, as PATH lists them. For saying early what is missing: starting it is what tells.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "words a message; nothing is opened after it")]
pub fn is_program(program: &OsStr, from: &Path, path: &OsStr) -> bool {
    let can_start = |file: &Path| {
        let may = rustix::fs::accessat(CWD, file, Access::EXEC_OK, AtFlags::EACCESS);
        may.is_ok() && std::fs::metadata(file).is_ok_and(|found| found.is_file())
    };
    if program.as_encoded_bytes().contains(&b'/') {
        return can_start(&from.join(program));
    }
    // An empty element is the working directory.
    !program.is_empty() && std::env::split_paths(path).any(|directory| can_start(&from.join(directory).join(program)))
}

/// Whether a path leads to a directory. For choosing a default and wording a message, never before opening.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "words a message; nothing is opened after it")]
pub fn is_directory(path: &Path) -> bool {
    resolved(path).is_dir()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lands_only_in_an_allowed_directory_also_through_links() {
        let home = tempfile::tempdir().expect("a directory");
        let (root, outside) = (home.path().join("root"), home.path().join("outside"));
        std::fs::create_dir_all(root.join("profiles/..data")).expect("created");
        std::fs::create_dir_all(&outside).expect("created");
        std::fs::write(root.join("profiles/..data/t.json"), "{}").expect("written");
        std::fs::write(root.join("other.json"), "{}").expect("written");
        std::fs::write(outside.join("x.json"), "{}").expect("written");
        std::os::unix::fs::symlink("..data/t.json", root.join("profiles/t.json")).expect("linked");
        std::os::unix::fs::symlink(outside.join("x.json"), root.join("profiles/x.json")).expect("linked");
        let allowed = [root.join("profiles")];
        let lands = |name: &str| land_within(&root, &name.parse().expect("a path"), &allowed).is_some();
        assert!(lands("profiles/t.json"));
        let is_directory = |name: &str| directory_within(&root, &name.parse().expect("a path"), &allowed).is_some();
        std::os::unix::fs::symlink(&outside, root.join("profiles/out")).expect("linked");
        assert!(is_directory("profiles") && is_directory("profiles/..data"));
        assert!(!is_directory("profiles/t.json") && !is_directory("profiles/out") && !is_directory("none"));
        assert!(
            !lands("profiles/x.json") && !lands("other.json") && !lands("profiles") && !lands("profiles/none.json")
        );
    }

    #[test]
    fn an_atomic_write_replaces_and_leaves_nothing_aside() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("port");
        write_atomically(&path, "1\n").expect("written");
        write_atomically(&path, "2\n").expect("written");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "2\n");
        assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 1);
    }

    #[test]
    fn an_existing_file_is_not_overwritten_unasked_and_a_partial_one_not_left() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("out");
        drop(OutputFile::create(&path, false).expect("begun"));
        assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 0);
        let mut file = OutputFile::create(&path, false).expect("begun");
        file.write_all(b"first").expect("written");
        file.finish().expect("in place");
        assert!(OutputFile::create(&path, false).is_err_and(|error| error.is_already_there()));
        assert!(matches!(OutputFile::create(Path::new("/dev/null"), true), Err(AmbientError::NotAFile { .. })));
        let mut file = OutputFile::create(&path, true).expect("begun");
        file.write_all(b"second").expect("written");
        file.finish().expect("in place");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), "second");
        assert_eq!(std::fs::read_dir(home.path()).expect("listed").count(), 1);
    }
}
