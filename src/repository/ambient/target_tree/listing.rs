//! Which files count: what the git index tracks, or else a bounded walk.

use std::collections::{BTreeSet, VecDeque};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType};

use super::super::git_history::{NoHistory, Reach, open_vetted};
use super::{
    FileOrigin, Kind, MAX_DEPTH, MAX_FILES, TreeError, TreeFile, open_directory, printable, read_beneath, split,
};

const VCS_DIRECTORIES: [&[u8]; 3] = [b".git", b".hg", b".svn"];
const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// What was listed, in no particular order.
pub(super) struct Listing {
    pub(super) files: Vec<TreeFile>,
    pub(super) origin: FileOrigin,
    pub(super) truncated: bool,
    pub(super) notes: Vec<String>,
}

/// Lists the files of the directory at `path`, which `root` is the handle of.
pub(super) fn list(path: &Path, root: &OwnedFd) -> Result<Listing, TreeError> {
    let mut lister = Lister { root, files: Vec::new(), truncated: false, notes: Vec::new() };
    let origin = match tracked_paths(path)? {
        Tracked::Paths(paths) => {
            lister.add_tracked(paths);
            FileOrigin::GitIndex
        }
        Tracked::None(note) => {
            lister.notes.extend(note);
            lister.walk();
            FileOrigin::Walk
        }
    };
    let Lister { files, truncated, notes, .. } = lister;
    Ok(Listing { files, origin, truncated, notes })
}

enum Tracked {
    Paths(BTreeSet<Vec<u8>>),
    None(Option<String>),
}

/// The paths in the git index, when the directory is the top of a checkout that has one.
fn tracked_paths(path: &Path) -> Result<Tracked, TreeError> {
    let (repository, located) = match open_vetted(path, Reach::Here) {
        Ok(opened) => opened,
        Err(NoHistory::NotGit) => return Ok(Tracked::None(None)),
        Err(_) => {
            let note = "There is a .git entry but no repository that can be read; it was left alone and the directory was walked.";
            return Ok(Tracked::None(Some(note.to_owned())));
        }
    };
    if located.bare {
        return Err(TreeError::BareRepository);
    }
    let index_path = repository.index_path();
    let regular = rustix::fs::lstat(&index_path).is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_file());
    if !regular {
        let note = "The checkout has no git index yet; the directory was walked, ignored files included.";
        return Ok(Tracked::None(Some(note.to_owned())));
    }
    let Ok(index) = repository.open_index() else {
        let note = "The git index could not be read; the directory was walked, ignored files included.";
        return Ok(Tracked::None(Some(note.to_owned())));
    };
    let paths: BTreeSet<Vec<u8>> = index
        .entries()
        .iter()
        .filter(|entry| entry.mode != gix::index::entry::Mode::COMMIT && entry.mode != gix::index::entry::Mode::DIR)
        .map(|entry| entry.path(&index).to_vec())
        .collect();
    if paths.is_empty() {
        let note = "Nothing is tracked in git yet; the directory was walked, ignored files included.";
        return Ok(Tracked::None(Some(note.to_owned())));
    }
    Ok(Tracked::Paths(paths))
}

struct Lister<'a> {
    root: &'a OwnedFd,
    files: Vec<TreeFile>,
    truncated: bool,
    notes: Vec<String>,
}

impl Lister<'_> {
    /// Lists tracked paths that stand in the work tree, the shallow ones first where a bound cuts.
    fn add_tracked(&mut self, paths: BTreeSet<Vec<u8>>) {
        let total = paths.len();
        let mut paths: Vec<Vec<u8>> = paths.into_iter().filter(|path| depth(path) <= MAX_DEPTH).collect();
        if paths.len() > MAX_FILES {
            paths.sort_by_key(|path| depth(path));
            paths.truncate(MAX_FILES);
        }
        self.truncated = paths.len() < total;
        let mut parent: Option<(Vec<u8>, OwnedFd)> = None;
        for path in paths {
            let (directory, name) = split(&path);
            if parent.as_ref().is_none_or(|(known, _)| known != directory) {
                parent = open_directory(self.root, directory).ok().map(|handle| (directory.to_vec(), handle));
            }
            if let Some((_, handle)) = &parent {
                self.files.extend(entry(handle, name, path.clone()));
            }
        }
    }

    /// Breadth first, so that what platforms look at (the root and its children) comes before any bound.
    fn walk(&mut self) {
        let mut queue = VecDeque::from([Vec::new()]);
        let mut directories = 0_usize;
        let mut caches = 0_usize;
        while let Some(directory) = queue.pop_front() {
            directories = directories.saturating_add(1);
            if directories > MAX_FILES {
                self.truncated = true;
                break;
            }
            let Ok(handle) = open_directory(self.root, &directory) else {
                self.truncated = true;
                self.notes.push(format!("The directory {} could not be read.", printable(&directory)));
                continue;
            };
            let mut names = Vec::new();
            for found in rustix::fs::Dir::read_from(&handle).into_iter().flatten().flatten() {
                if names.len() > MAX_FILES {
                    self.truncated = true;
                    break;
                }
                names.push(found.file_name().to_bytes().to_vec());
            }
            names.sort();
            if !directory.is_empty() && is_tagged_cache(&handle, &names) {
                caches = caches.saturating_add(1);
                continue;
            }
            for name in names {
                if name == b"." || name == b".." || VCS_DIRECTORIES.contains(&name.as_slice()) {
                    continue;
                }
                let path = if directory.is_empty() {
                    name.clone()
                } else {
                    [directory.as_slice(), b"/", name.as_slice()].concat()
                };
                let is_directory = rustix::fs::statat(&handle, name.as_slice(), AtFlags::SYMLINK_NOFOLLOW)
                    .is_ok_and(|found| FileType::from_raw_mode(found.st_mode).is_dir());
                if depth(&path) > MAX_DEPTH || (!is_directory && self.files.len() >= MAX_FILES) {
                    self.truncated = true;
                } else if is_directory {
                    queue.push_back(path);
                } else {
                    self.files.extend(entry(&handle, &name, path));
                }
            }
        }
        if caches > 0 {
            self.notes.push(format!("Cache directories marked by CACHEDIR.TAG were passed over: {caches}."));
        }
    }
}

fn depth(path: &[u8]) -> usize {
    path.split(|byte| *byte == b'/').count()
}

fn entry(parent: &OwnedFd, name: &[u8], raw: Vec<u8>) -> Option<TreeFile> {
    let found = rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let kind = match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile => Kind::Regular,
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(parent, name, Vec::new()).ok()?;
            Kind::Symlink(link_target(split(&raw).0, target.to_bytes()))
        }
        FileType::Directory => return None,
        _ => Kind::Special,
    };
    Some(TreeFile { path: printable(&raw), raw, size: u64::try_from(found.st_size).unwrap_or(0), kind })
}

/// The tree path that a link names, worked out on the names alone; none when it leaves the tree.
fn link_target(directory: &[u8], target: &[u8]) -> Option<String> {
    if target.starts_with(b"/") {
        return None;
    }
    let mut parts: Vec<&[u8]> = directory.split(|byte| *byte == b'/').filter(|part| !part.is_empty()).collect();
    for part in target.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(printable(&parts.join(b"/".as_slice())))
}

fn is_tagged_cache(handle: &OwnedFd, names: &[Vec<u8>]) -> bool {
    names.iter().any(|name| name == CACHE_TAG)
        && read_beneath(handle, CACHE_TAG, CACHE_SIGNATURE.len()).is_ok_and(|head| head.bytes == CACHE_SIGNATURE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_link_is_followed_by_name_only_while_it_stays_inside() {
        assert_eq!(link_target(b"docs", b"../README.md"), Some("README.md".into()));
        assert_eq!(link_target(b"", b"./a/./b"), Some("a/b".into()));
        assert_eq!(link_target(b"", b"../README.md"), None);
        assert_eq!(link_target(b"a", b"../../x/README.md"), None);
        assert_eq!(link_target(b"", b"/etc/passwd"), None);
    }

    proptest! {
        #[test]
        fn no_link_leads_above_the_tree(
            directory in "[a-c/]{0,12}",
            target in proptest::collection::vec(any::<u8>(), 0..24),
        ) {
            if let Some(path) = link_target(directory.as_bytes(), &target) {
                prop_assert!(!path.starts_with('/') && !path.split('/').any(|part| part == ".."));
            }
        }
    }
}
