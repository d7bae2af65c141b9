//! Files that the operator names: profiles, extension manifests, credential files. Their paths are taken as they are, links included.
//!
//! Nothing that a request or a document names is opened here; that is [`super::root`]'s affair.

pub mod git_history;
mod new_directory;
mod operator;
mod run_copy;
mod socket;
pub mod target_tree;

use std::io::Read as _;
use std::path::{Path, PathBuf};

pub use new_directory::NewDirectory;
pub(super) use operator::rename_new;
pub use operator::{
    OutputFile, append_to, create_directories, directory_within, is_directory, is_program, is_there, land_within,
    remove_own_file, resolved_within, write_atomically,
};

pub use run_copy::{PartialFile, RunCopy};
pub use socket::SocketFile;

use super::layout;

/// Why a file or directory that the operator named could not be read. `Display` names it and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum AmbientError {
    /// It could not be opened or read.
    #[error("{} cannot be read: {}", path.display(), reason(source))]
    Unreadable {
        /// The path as named.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It could not be created or written.
    #[error("{} cannot be written: {}", path.display(), reason_of_writing(source))]
    Unwritable {
        /// The path as named.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// It is a directory, or a special file.
    #[error("{} is not a regular file; name a file", path.display())]
    NotAFile {
        /// The path as named.
        path: PathBuf,
    },
    /// It is larger than such a file ever is.
    #[error("{} is larger than {limit} bytes; is it the right file?", path.display())]
    TooLarge {
        /// The path as named.
        path: PathBuf,
        /// The cap in bytes.
        limit: u64,
    },
    /// It is not UTF-8 text.
    #[error("{} is not UTF-8 text (byte {at})", path.display())]
    NotText {
        /// The path as named.
        path: PathBuf,
        /// The first bad byte's offset.
        at: usize,
    },
}

impl AmbientError {
    /// The sentence with another name for the path, for whoever must not see it.
    #[must_use]
    pub fn told_of(&self, name: &str) -> String {
        let (Self::Unreadable { path, .. }
        | Self::Unwritable { path, .. }
        | Self::NotAFile { path }
        | Self::TooLarge { path, .. }
        | Self::NotText { path, .. }) = self;
        // Every sentence begins with the path.
        let whole = self.to_string();
        let rest = whole.strip_prefix(&path.display().to_string()).unwrap_or_default();
        format!("{name}{rest}")
    }

    /// Whether something stands already where a new file is wanted.
    #[must_use]
    pub fn is_already_there(&self) -> bool {
        matches!(self, Self::Unwritable { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists)
    }
}

fn reason_of_writing(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "its directory does not exist".to_owned(),
        _ => reason(error),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file or directory".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::AlreadyExists => "it exists already".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        std::io::ErrorKind::NotADirectory => "something in its path is not a directory".to_owned(),
        std::io::ErrorKind::ReadOnlyFilesystem => "the filesystem is read-only".to_owned(),
        std::io::ErrorKind::StorageFull => "the disk is full".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads a whole file of at most `limit` bytes. Never blocks on a FIFO.
///
/// # Errors
/// When it is missing, unreadable, not a regular file, or larger.
pub fn read_bytes(path: &Path, limit: u64) -> Result<Vec<u8>, AmbientError> {
    read_bytes_and_mode(path, limit).map(|(bytes, _)| bytes)
}

/// As [`read_bytes`], with the permission bits of the file that was read.
fn read_bytes_and_mode(path: &Path, limit: u64) -> Result<(Vec<u8>, u32), AmbientError> {
    use std::os::unix::fs::PermissionsExt as _;
    let unreadable = |source| AmbientError::Unreadable { path: path.to_owned(), source };
    let file = open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(AmbientError::NotAFile { path: path.to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        Ok((bytes, metadata.permissions().mode() & 0o7777))
    } else {
        Err(AmbientError::TooLarge { path: path.to_owned(), limit })
    }
}

/// Reads a whole text file of at most `limit` bytes; a byte order mark at the start is dropped.
///
/// # Errors
/// As [`read_bytes`], and when it is not UTF-8.
pub fn read_text(path: &Path, limit: u64) -> Result<String, AmbientError> {
    read_text_and_mode(path, limit).map(|(text, _)| text)
}

/// As [`read_text`], with the permission bits of the file that was read: who else may read and write it.
///
/// # Errors
/// As [`read_text`].
pub fn read_text_and_mode(path: &Path, limit: u64) -> Result<(String, u32), AmbientError> {
    let (bytes, mode) = read_bytes_and_mode(path, limit)?;
    let text = String::from_utf8(bytes)
        .map_err(|error| AmbientError::NotText { path: path.to_owned(), at: error.utf8_error().valid_up_to() })?;
    Ok((text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned), mode))
}

#[expect(clippy::disallowed_methods, reason = "this room opens what the operator names")]
fn open(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    std::fs::OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// The directories in a directory, by name in order. Names that start with `.` are passed over.
///
/// # Errors
/// When it cannot be listed.
#[expect(clippy::disallowed_methods, reason = "this room lists what the operator names")]
pub fn subdirectories(path: &Path) -> Result<Vec<PathBuf>, AmbientError> {
    let unreadable = |source| AmbientError::Unreadable { path: path.to_owned(), source };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !hidden && entry.path().is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a directory is there and has nothing in it, but for hidden names and the `lost+found` of a new volume.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this room lists what the operator names")]
pub fn is_empty_directory(path: &Path) -> bool {
    let is_nothing = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| layout::is_passed_over(entry.file_name().as_encoded_bytes()))
    };
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.all(is_nothing))
}

/// The absolute path without links and `..` of something that exists; of anything else the absolute path as written.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "an operator's path is shown and handed on, not opened after a check")]
pub fn resolved(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// The commit that is checked out in the git work tree that `path` lies in; `None` when it lies in none of its owner's, when nothing is
/// committed yet, and when the repository cannot be opened safely.
#[must_use]
pub fn head_commit(path: &Path) -> Option<String> {
    let (repository, _) = git_history::open_vetted(path, git_history::Reach::Above).ok()?;
    // Not peeled: what HEAD names is wanted, whether or not this clone has the object.
    let id = repository.head().ok()?.id()?;
    Some(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_read_and_one_byte_more_is_not() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        std::fs::write(&path, "\u{feff}abc").expect("written");
        assert_eq!(read_text(&path, 6).expect("read"), "abc");
        assert!(matches!(read_text(&path, 5), Err(AmbientError::TooLarge { .. })));
    }

    #[test]
    fn a_fifo_and_a_directory_are_refused_without_waiting() {
        let directory = tempfile::tempdir().expect("a directory");
        let fifo = directory.path().join("fifo");
        let mode = rustix::fs::Mode::RUSR;
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("a FIFO");
        for path in [fifo.as_path(), directory.path()] {
            assert!(matches!(read_bytes(path, 10), Err(AmbientError::NotAFile { .. })), "{path:?}");
        }
    }

    #[test]
    fn what_is_in_no_git_work_tree_has_no_commit() {
        let directory = tempfile::tempdir().expect("a directory");
        assert_eq!(head_commit(directory.path()), None);
    }
}
