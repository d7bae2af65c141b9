//! Where the git directory of a target is, and whether it may be opened: everything git would open is a regular file or a directory,
//! and all of it belongs to the owner of the work tree.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, OFlags};

use super::NoHistory;
use crate::repository::ambient::{read_bytes, resolved};

/// A directory this far beneath the top of its work tree is still found.
const MAX_LEVELS: usize = 64;
/// A git directory with more entries than this is not vetted, and so not read.
const MAX_ENTRIES: usize = 2_000_000;
/// Directories of references nest at most so deep.
const MAX_REF_DEPTH: usize = 32;
/// `objects/pack/multi-pack-index.d` is as deep as object directories go.
const OBJECT_DEPTH: usize = 2;
/// Object directories that borrow from each other, all together.
const MAX_ALTERNATES: usize = 16;
/// Pointer files (`.git`, `commondir`, `alternates`) are read up to this many bytes.
const MAX_POINTER_BYTES: u64 = 64 * 1024;

const FILES: [&str; 7] = ["HEAD", "config", "config.worktree", "commondir", "packed-refs", "shallow", "objects/info"];

/// Whether directories above are looked at, too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Reach {
    /// The directory alone.
    Here,
    /// Those above it, too, while they belong to the same user.
    Above,
}

/// The repository that a directory lies in.
#[derive(Debug, Default)]
pub(in super::super) struct Located {
    /// The top of the work tree, or the bare repository.
    pub(super) top: PathBuf,
    /// The directory's path beneath the top, `/`-separated; empty at the top.
    pub(super) prefix: Vec<u8>,
    /// Whether it is a bare repository.
    pub(in super::super) bare: bool,
    /// Whether the clone was cut at a depth.
    pub(super) shallow: bool,
    /// Whether the clone may leave objects at its remote.
    pub(super) partial: bool,
    /// Whether it borrows objects from another user's repository.
    pub(super) borrowed: bool,
}

/// Finds the repository of a directory: the directory itself, or one above that the same user owns.
pub(super) fn locate(path: &Path, reach: Reach) -> Result<Located, NoHistory> {
    let start = resolved(path);
    let owner = owner(&start).ok_or(NoHistory::NotGit)?;
    let levels = if reach == Reach::Above { MAX_LEVELS } else { 1 };
    for (level, top) in start.ancestors().take(levels).enumerate() {
        let dot_git = top.join(".git");
        let (git_dir, bare) = match rustix::fs::lstat(&dot_git) {
            Ok(found) if level > 0 && found.st_uid != owner => return Err(NoHistory::NotGit),
            Ok(_) => (git_dir(&dot_git)?, false),
            Err(_) if level == 0 && is_bare(top) => (top.to_owned(), true),
            Err(_) => continue,
        };
        let prefix = start.strip_prefix(top).unwrap_or(Path::new("")).as_os_str().as_bytes().to_vec();
        let located = Located { top: top.to_owned(), prefix, bare, ..Located::default() };
        let mut vetting = Vetting { budget: MAX_ENTRIES, user: owner, located };
        vetting.git_dir(&git_dir)?;
        return Ok(vetting.located);
    }
    Err(NoHistory::NotGit)
}

fn is_bare(directory: &Path) -> bool {
    let has = |name: &str| kind(&directory.join(name));
    has("HEAD").is_some() && has("objects") == Some(FileType::Directory) && has("refs") == Some(FileType::Directory)
}

/// `.git` itself, or the directory that it names in a linked work tree or a submodule.
fn git_dir(dot_git: &Path) -> Result<PathBuf, NoHistory> {
    match kind(dot_git) {
        Some(FileType::Directory) => Ok(dot_git.to_owned()),
        Some(FileType::RegularFile) => {
            let named = pointer(dot_git)?;
            let named = named.strip_prefix(b"gitdir:").ok_or(NoHistory::Unreadable)?.trim_ascii();
            let base = dot_git.parent().unwrap_or(Path::new("."));
            Ok(base.join(Path::new(std::ffi::OsStr::from_bytes(named))))
        }
        _ => Err(NoHistory::Unreadable),
    }
}

/// The look at everything that git would open. It refuses what cannot be opened without waiting, and notes what is cut short or lies with
/// another user.
struct Vetting {
    budget: usize,
    /// The owner of the work tree. Whoever may write there may lead `.git` anywhere, so what it leads to has to be theirs.
    user: u32,
    located: Located,
}

impl Vetting {
    /// Vets the directories of a repository.
    fn git_dir(&mut self, git_dir: &Path) -> Result<(), NoHistory> {
        self.is_of_user(git_dir)?;
        self.is_link_of_user(&git_dir.join("commondir"))?;
        let common = match pointer(&git_dir.join("commondir")) {
            Ok(named) => git_dir.join(Path::new(std::ffi::OsStr::from_bytes(named.trim_ascii()))),
            Err(_) => git_dir.to_owned(),
        };
        self.is_of_user(&common)?;
        for directory in [git_dir, common.as_path()] {
            FILES.iter().chain(&["refs", "index"]).try_for_each(|name| self.is_link_of_user(&directory.join(name)))?;
            if !FILES.iter().all(|name| is_openable(&directory.join(name))) {
                return Err(NoHistory::Unreadable);
            }
            self.directory(&directory.join("refs"), MAX_REF_DEPTH)?;
        }
        self.located.shallow = rustix::fs::stat(common.join("shallow")).is_ok_and(|found| found.st_size > 0);
        self.objects(&common.join("objects"))
    }

    /// Vets an object directory and those it borrows from.
    fn objects(&mut self, objects: &Path) -> Result<(), NoHistory> {
        self.is_of_user(objects)?;
        let mut waiting = vec![objects.to_owned()];
        let mut seen = Vec::new();
        while let Some(directory) = waiting.pop() {
            let directory = resolved(&directory);
            if seen.contains(&directory) {
                continue;
            }
            if seen.len() > MAX_ALTERNATES {
                return Err(NoHistory::Unreadable);
            }
            if owner(&directory) == Some(self.user) {
                self.directory(&directory, OBJECT_DEPTH)?;
            } else {
                self.located.borrowed = true;
            }
            // Git reads this file of every one of them, whether or not an object is asked for.
            let alternates = directory.join("info/alternates");
            if kind(&alternates).is_some() {
                let named = read_bytes(&alternates, MAX_POINTER_BYTES).map_err(|_| NoHistory::Unreadable)?;
                let named = gix::odb::alternate::parse(&named).map_err(|_| NoHistory::Unreadable)?;
                // As git does it: relative to the first object directory.
                waiting.extend(named.into_iter().map(|path| objects.join(path)));
            }
            seen.push(directory);
        }
        Ok(())
    }

    /// Refuses what another user owns, where it is named as a part of the repository.
    fn is_of_user(&self, path: &Path) -> Result<(), NoHistory> {
        match owner(path) {
            Some(owner) if owner == self.user => Ok(()),
            Some(_) => Err(NoHistory::Borrowed),
            None => Err(NoHistory::Unreadable),
        }
    }

    /// Refuses a link to what another user owns. A file that stands there itself may be anybody's: root repacks, too.
    fn is_link_of_user(&self, path: &Path) -> Result<(), NoHistory> {
        let link = rustix::fs::lstat(path).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_symlink());
        if link && owner(path).is_some_and(|owner| owner != self.user) { Err(NoHistory::Borrowed) } else { Ok(()) }
    }

    /// Looks at every entry of a directory and of those beneath it. Nothing is opened but directories.
    fn directory(&mut self, directory: &Path, depth: usize) -> Result<(), NoHistory> {
        let mut waiting = vec![(directory.to_owned(), depth)];
        while let Some((directory, depth)) = waiting.pop() {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            let handle = match rustix::fs::openat(CWD, &directory, flags, Mode::empty()) {
                Ok(handle) => handle,
                Err(rustix::io::Errno::NOENT) => continue,
                Err(_) => return Err(NoHistory::Unreadable),
            };
            for entry in rustix::fs::Dir::read_from(&handle).into_iter().flatten() {
                let entry = entry.map_err(|_| NoHistory::Unreadable)?;
                let name = entry.file_name().to_bytes();
                if name == b"." || name == b".." {
                    continue;
                }
                self.budget = self.budget.checked_sub(1).ok_or(NoHistory::TooLarge)?;
                self.located.partial |= name.ends_with(b".promisor");
                let path = || directory.join(std::ffi::OsStr::from_bytes(name));
                let kind = match entry.file_type() {
                    // A link, or a file system that does not say. A link that leads nowhere cannot be opened at all.
                    FileType::Symlink | FileType::Unknown => {
                        let kind = kind(&path()).unwrap_or(FileType::RegularFile);
                        if kind.is_file() || kind.is_dir() {
                            self.is_link_of_user(&path())?;
                        }
                        kind
                    }
                    kind => kind,
                };
                match kind {
                    FileType::RegularFile => {}
                    FileType::Directory if depth > 0 => waiting.push((path(), depth.saturating_sub(1))),
                    FileType::Directory => {}
                    _ => return Err(NoHistory::Unreadable),
                }
            }
        }
        Ok(())
    }
}

fn pointer(path: &Path) -> Result<Vec<u8>, NoHistory> {
    read_bytes(path, MAX_POINTER_BYTES).map_err(|_| NoHistory::Unreadable)
}

fn kind(path: &Path) -> Option<FileType> {
    rustix::fs::stat(path).ok().map(|found| FileType::from_raw_mode(found.st_mode))
}

fn is_openable(path: &Path) -> bool {
    kind(path).is_none_or(|kind| kind.is_file() || kind.is_dir())
}

fn owner(path: &Path) -> Option<u32> {
    rustix::fs::stat(path).ok().map(|found| found.st_uid)
}
