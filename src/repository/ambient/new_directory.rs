//! A directory that the operator names and that is to be made with what stands in it, all of it or none.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;

use super::{AmbientError, create_directories, rename_new};

/// The directory, made aside and put in its place when it is whole. Dropped before that, it leaves nothing.
#[derive(Debug)]
pub struct NewDirectory {
    aside: PathBuf,
    path: PathBuf,
}

impl NewDirectory {
    /// Begins the directory; those above it are made. One that exists is refused.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    #[expect(clippy::disallowed_methods, reason = "the operator names this directory")]
    pub fn begin(path: &Path) -> Result<Self, AmbientError> {
        let unwritable = |source| AmbientError::Unwritable { path: path.to_owned(), source };
        if std::fs::symlink_metadata(path).is_ok() {
            return Err(unwritable(std::io::ErrorKind::AlreadyExists.into()));
        }
        let name = path.file_name().ok_or_else(|| unwritable(std::io::ErrorKind::InvalidInput.into()))?;
        let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        create_directories(above)?;
        // Names that start with a dot are passed over when extensions are looked for.
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.part", std::process::id()));
        let aside = above.join(hidden);
        std::fs::create_dir(&aside).map_err(unwritable)?;
        Ok(Self { aside, path: path.to_owned() })
    }

    /// Writes a file into it.
    ///
    /// # Errors
    /// What the system says, with the path that the file would have.
    #[expect(clippy::disallowed_methods, reason = "the operator names this directory")]
    pub fn put(&self, name: &str, contents: &str) -> Result<(), AmbientError> {
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(self.aside.join(name))
            .and_then(|mut file| file.write_all(contents.as_bytes()));
        written.map_err(|source| AmbientError::Unwritable { path: self.path.join(name), source })
    }

    /// Puts the whole directory in its place. What appeared there meanwhile is not replaced.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    pub fn finish(self) -> Result<(), AmbientError> {
        rename_new((CWD, &self.aside), (CWD, &self.path))
            .map_err(|errno| AmbientError::Unwritable { path: self.path.clone(), source: errno.into() })
    }
}

impl Drop for NewDirectory {
    #[expect(clippy::disallowed_methods, reason = "only what this process wrote")]
    fn drop(&mut self) {
        // After a rename it is gone already.
        let _ = std::fs::remove_dir_all(&self.aside);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_stands_whole_or_not_at_all_and_replaces_nothing() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("above/new");
        let names = || std::fs::read_dir(home.path().join("above")).map_or(0, Iterator::count);
        let begun = NewDirectory::begin(&path).expect("begun");
        begun.put("a", "text").expect("written");
        drop(begun);
        assert_eq!(names(), 0);
        let (one, other) = (NewDirectory::begin(&path).expect("begun"), NewDirectory::begin(&path));
        assert!(other.is_err_and(|error| error.is_already_there()));
        one.put("a", "text").expect("written");
        assert!(one.put("a", "other").is_err_and(|error| error.is_already_there()));
        one.finish().expect("in place");
        assert_eq!(std::fs::read_to_string(path.join("a")).expect("read"), "text");
        assert!(NewDirectory::begin(&path).is_err_and(|error| error.is_already_there()));
        assert_eq!(names(), 1);
    }
}
