//! A copy of a run in a directory that the operator names, made file by file, so that it can be broken off and taken up again.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

use super::{AmbientError, create_directories, rename_new};
use crate::model::RelativePath;

/// Where files stand until they are whole. No output of a run bears this name.
const ASIDE: &str = ".pull";

const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// The copy. Everything in it is opened beneath its own directory, one component at a time and never through a link: the paths come from
/// a server.
#[derive(Debug)]
pub struct RunCopy {
    directory: OwnedFd,
    path: PathBuf,
}

/// A file of the copy that is not whole yet. Dropped, it stays for the next try.
#[derive(Debug)]
pub struct PartialFile<'a> {
    copy: &'a RunCopy,
    file: File,
    aside: String,
    target: RelativePath,
    length: u64,
    digest: Sha256,
}

impl RunCopy {
    /// Opens the directory; it is created when it does not exist.
    ///
    /// # Errors
    /// What the system says, with the path as the operator named it.
    pub fn open(path: &Path) -> Result<Self, AmbientError> {
        let unwritable = |source: std::io::Error| AmbientError::Unwritable { path: path.to_owned(), source };
        create_directories(path).map_err(|error| match error {
            error if error.is_already_there() => unwritable(std::io::ErrorKind::NotADirectory.into()),
            other => other,
        })?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = rustix::fs::open(path, flags, Mode::empty()).map_err(|errno| unwritable(errno.into()))?;
        Ok(Self { directory, path: path.to_owned() })
    }

    /// The size and SHA-256 of a file that stands in the copy already; `None` when nothing stands there.
    ///
    /// # Errors
    /// When something else than a regular file stands there, or it cannot be read.
    pub fn standing(&self, path: &RelativePath) -> Result<Option<(u64, String)>, AmbientError> {
        let unreadable = |source: Errno| AmbientError::Unreadable { path: self.shown(path), source: source.into() };
        let Some(directory) = self.directory_of(path, false).map_err(|error| self.refused(path, error))? else {
            return Ok(None);
        };
        let kind = match rustix::fs::statat(&directory, path.file_name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if kind != FileType::RegularFile {
            return Err(AmbientError::NotAFile { path: self.shown(path) });
        }
        let flags = FILE | OFlags::RDONLY;
        let file = rustix::fs::openat(&directory, path.file_name(), flags, Mode::empty()).map_err(unreadable)?;
        let mut file = File::from(file);
        let (length, digest) =
            digest_of(&mut file).map_err(|source| AmbientError::Unreadable { path: self.shown(path), source })?;
        Ok(Some((length, hex(digest))))
    }

    /// Begins a file, or takes it up where an earlier try left it. `state` tells one state of the file from another: what was written of
    /// another state is not gone on with.
    ///
    /// # Errors
    /// What the system says.
    pub fn begin(&self, path: &RelativePath, state: &str) -> Result<PartialFile<'_>, AmbientError> {
        let failed = |source: std::io::Error| AmbientError::Unwritable { path: self.shown(path), source };
        let aside = hex(Sha256::new().chain_update(path.as_str()).chain_update([0]).chain_update(state));
        let directory = self.aside().map_err(|errno| failed(errno.into()))?;
        let flags = FILE | OFlags::RDWR | OFlags::CREATE;
        let file = rustix::fs::openat(&directory, &aside, flags, Mode::from_raw_mode(0o666));
        let mut file = File::from(file.map_err(|errno| failed(errno.into()))?);
        // Reading to the end leaves the position there, where writing goes on.
        let (length, digest) = digest_of(&mut file).map_err(failed)?;
        Ok(PartialFile { copy: self, file, aside, target: path.clone(), length, digest })
    }

    /// The files that stand in some directories of the copy and that `is_known` does not know, at most `limit`. Nothing is followed.
    ///
    /// # Errors
    /// What the system says.
    pub fn unknown_files(
        &self,
        directories: &[&str],
        limit: usize,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>, AmbientError> {
        let unreadable =
            |path: &str, errno: Errno| AmbientError::Unreadable { path: self.path.join(path), source: errno.into() };
        let mut found = Vec::new();
        let mut waiting: Vec<String> = directories.iter().map(|name| (*name).to_owned()).collect();
        while let Some(below) = waiting.pop() {
            let opened = self.below(below.split('/'), false).map_err(|errno| unreadable(&below, errno))?;
            let Some(handle) = opened else { continue };
            for entry in rustix::fs::Dir::read_from(&handle).map_err(|errno| unreadable(&below, errno))? {
                let entry = entry.map_err(|errno| unreadable(&below, errno))?;
                let name = entry.file_name().to_string_lossy();
                if matches!(&*name, "." | "..") {
                    continue;
                }
                let path = format!("{below}/{name}");
                let kind = rustix::fs::statat(&handle, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW);
                let kind = kind.map(|stat| FileType::from_raw_mode(stat.st_mode));
                if kind.is_ok_and(|kind| kind == FileType::Directory) {
                    waiting.push(path);
                } else if !is_known(&path) {
                    found.push(path);
                    if found.len() >= limit {
                        return Ok(found);
                    }
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Ends the copy: takes the leavings of broken-off tries away and flushes the directory.
    ///
    /// # Errors
    /// What the system says.
    pub fn finish(&self) -> Result<(), AmbientError> {
        let ended = || {
            match rustix::fs::openat(&self.directory, ASIDE, DIRECTORY, Mode::empty()) {
                Ok(aside) => {
                    for entry in rustix::fs::Dir::read_from(&aside)? {
                        let entry = entry?;
                        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
                            rustix::fs::unlinkat(&aside, entry.file_name(), AtFlags::empty())?;
                        }
                    }
                    rustix::fs::unlinkat(&self.directory, ASIDE, AtFlags::REMOVEDIR)?;
                }
                Err(Errno::NOENT) => {}
                Err(error) => return Err(error),
            }
            rustix::fs::fsync(&self.directory)
        };
        ended().map_err(|source| AmbientError::Unwritable { path: self.path.join(ASIDE), source: source.into() })
    }

    fn shown(&self, path: &RelativePath) -> PathBuf {
        self.path.join(path.as_str())
    }

    fn refused(&self, path: &RelativePath, errno: Errno) -> AmbientError {
        match errno {
            // A link or a file where a directory should be, or a directory where the file should be.
            Errno::LOOP | Errno::NOTDIR | Errno::ISDIR => AmbientError::NotAFile { path: self.shown(path) },
            _ => AmbientError::Unwritable { path: self.shown(path), source: errno.into() },
        }
    }

    fn aside(&self) -> Result<OwnedFd, Errno> {
        open_or_make(&self.directory, ASIDE)
    }

    /// Opens the directory that a file stands in; `None` when it is not there and not to be made.
    fn directory_of(&self, path: &RelativePath, make: bool) -> Result<Option<OwnedFd>, Errno> {
        self.below(path.parent().iter().flat_map(RelativePath::components), make)
    }

    /// Opens a directory of the copy, one component after the other; `None` when it is not there and not to be made.
    fn below<'a>(&self, components: impl Iterator<Item = &'a str>, make: bool) -> Result<Option<OwnedFd>, Errno> {
        let mut at = rustix::fs::openat(&self.directory, ".", DIRECTORY, Mode::empty())?;
        for component in components {
            let next = if make {
                open_or_make(&at, component)
            } else {
                rustix::fs::openat(&at, component, DIRECTORY, Mode::empty())
            };
            at = match next {
                Err(Errno::NOENT) if !make => return Ok(None),
                next => next?,
            };
        }
        Ok(Some(at))
    }
}

impl PartialFile<'_> {
    /// How many bytes there are.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), AmbientError> {
        self.file.write_all(bytes).map_err(|source| self.failed(source))?;
        self.digest.update(bytes);
        self.length = self.length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        Ok(())
    }

    /// The SHA-256 of all bytes so far, bare lower-case hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(self.digest.clone())
    }

    /// Puts the whole file in its place. A file that stands there is only replaced when `replace` is set.
    ///
    /// # Errors
    /// What the system says.
    pub fn place(self, replace: bool) -> Result<(), AmbientError> {
        self.file.sync_all().map_err(|source| self.failed(source))?;
        self.rename(replace).map_err(|errno| self.copy.refused(&self.target, errno))
    }

    /// Throws the bytes away.
    ///
    /// # Errors
    /// What the system says.
    pub fn discard(self) -> Result<(), AmbientError> {
        let removed = self.copy.aside().and_then(|aside| rustix::fs::unlinkat(&aside, &self.aside, AtFlags::empty()));
        removed.map_err(|errno| self.failed(errno.into()))
    }

    fn rename(&self, replace: bool) -> Result<(), Errno> {
        let above = self.copy.directory_of(&self.target, true)?.ok_or(Errno::NOENT)?;
        let (aside, name) = (self.copy.aside()?, self.target.file_name());
        if replace {
            rustix::fs::renameat(&aside, &self.aside, &above, name)?;
        } else {
            rename_new((&aside, Path::new(&self.aside)), (&above, Path::new(name)))?;
        }
        rustix::fs::fsync(&above)
    }

    fn failed(&self, source: std::io::Error) -> AmbientError {
        AmbientError::Unwritable { path: self.copy.shown(&self.target), source }
    }
}

fn open_or_make(above: &OwnedFd, name: &str) -> Result<OwnedFd, Errno> {
    match rustix::fs::openat(above, name, DIRECTORY, Mode::empty()) {
        Err(Errno::NOENT) => {
            match rustix::fs::mkdirat(above, name, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            rustix::fs::openat(above, name, DIRECTORY, Mode::empty())
        }
        opened => opened,
    }
}

/// The length and digest of what follows in a file.
fn digest_of(file: &mut File) -> std::io::Result<(u64, Sha256)> {
    let mut digest = Sha256::new();
    let mut length = 0_u64;
    let mut piece = vec![0; 128 << 10];
    loop {
        let count = match file.read(&mut piece) {
            Ok(0) => return Ok((length, digest)),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        digest.update(piece.get(..count).unwrap_or_default());
        length = length.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
    }
}

fn hex(digest: Sha256) -> String {
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().expect("a path")
    }

    #[test]
    fn a_broken_off_file_is_taken_up_where_it_was_left_and_only_in_its_state() {
        let home = tempfile::tempdir().expect("a directory");
        let copy = RunCopy::open(&home.path().join("a/b")).expect("opens");
        let file = path("artifacts/ext/log.txt");
        copy.begin(&file, "one").expect("begins").write(b"hel").expect("written");
        assert_eq!(copy.begin(&file, "two").expect("begins").length(), 0);
        let mut again = copy.begin(&file, "one").expect("begins");
        assert_eq!(again.length(), 3);
        again.write(b"lo").expect("written");
        let digest = again.sha256();
        again.place(false).expect("placed");
        assert_eq!(copy.standing(&file).expect("looked"), Some((5, digest)));
        copy.finish().expect("finished");
        assert_eq!(std::fs::read(home.path().join("a/b/artifacts/ext/log.txt")).expect("read"), b"hello");
        assert!(!home.path().join("a/b/.pull").exists());
    }

    #[test]
    fn a_file_that_stands_there_is_replaced_only_when_asked_to() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::write(home.path().join("run.json"), "mine").expect("written");
        let copy = RunCopy::open(home.path()).expect("opens");
        let file = path("run.json");
        let mut begun = copy.begin(&file, "s").expect("begins");
        begun.write(b"theirs").expect("written");
        assert!(begun.place(false).expect_err("refused").is_already_there());
        assert_eq!(std::fs::read(home.path().join("run.json")).expect("read"), b"mine");
        let again = copy.begin(&file, "s").expect("begins");
        assert_eq!(again.length(), 6, "what was fetched is kept for the next try");
        again.place(true).expect("placed");
        assert_eq!(std::fs::read(home.path().join("run.json")).expect("read"), b"theirs");
    }

    #[test]
    fn files_that_are_not_known_are_found_at_any_depth() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::create_dir_all(home.path().join("artifacts/a/b")).expect("created");
        for file in ["artifacts/known", "artifacts/a/b/other", "artifacts/a/more", "elsewhere"] {
            std::fs::write(home.path().join(file), "x").expect("written");
        }
        let copy = RunCopy::open(home.path()).expect("opens");
        let unknown = |limit| copy.unknown_files(&["artifacts", "reports"], limit, |path| path == "artifacts/known");
        assert_eq!(unknown(9).expect("listed"), ["artifacts/a/b/other", "artifacts/a/more"]);
        assert_eq!(unknown(1).expect("listed").len(), 1);
    }

    #[test]
    fn no_link_is_followed_to_a_place_outside() {
        let home = tempfile::tempdir().expect("a directory");
        let (outside, inside) = (home.path().join("outside"), home.path().join("copy"));
        std::fs::create_dir_all(&outside).expect("created");
        std::fs::create_dir_all(&inside).expect("created");
        std::fs::write(outside.join("f"), "kept").expect("written");
        std::os::unix::fs::symlink(&outside, inside.join("artifacts")).expect("linked");
        std::os::unix::fs::symlink(outside.join("f"), inside.join("run.json")).expect("linked");
        let copy = RunCopy::open(&inside).expect("opens");
        assert!(copy.standing(&path("artifacts/f")).is_err() && copy.standing(&path("run.json")).is_err());
        for target in ["artifacts/f", "artifacts/new"] {
            let mut begun = copy.begin(&path(target), "s").expect("begins");
            begun.write(b"x").expect("written");
            assert!(matches!(begun.place(true), Err(AmbientError::NotAFile { .. })), "{target}");
        }
        assert!(copy.unknown_files(&["artifacts"], 9, |_| true).is_err());
        assert_eq!(std::fs::read(outside.join("f")).expect("read"), b"kept");
        assert_eq!(std::fs::read_dir(&outside).expect("listed").count(), 1);
    }
}
