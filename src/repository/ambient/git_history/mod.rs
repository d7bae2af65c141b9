//! The history of the repository that a target lies in: every commit and every version of every file, within bounds.
//!
//! The repository may be hostile. It is opened without its configuration, so that no hook, filter, helper or other program that it names ever
//! runs, and whoever owns it; `locate` has looked at everything that git would open before. Replacement references and the commit graph,
//! which can hide commits, are not used. How large an object is, is asked before it is decoded, and no allocation for one may exceed
//! [`MAX_ALLOCATION_BYTES`]. Trees are walked without recursion, each only once.

mod locate;
mod tags;
mod walk;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use gix::ObjectId;
use gix::objs::{CommitRef, Find as _, Kind, TagRef};

pub(super) use locate::{Located, Reach};
pub use tags::{Tag, TagForm};
pub use walk::{Coverage, Limits, Piece, Stop};

/// Decoding one object never takes more memory than this: about three times the largest object that is decoded.
pub const MAX_ALLOCATION_BYTES: u64 = 96 * 1024 * 1024;
/// At most so many references are followed.
pub const MAX_REFERENCES: usize = 50_000;
/// The references whose commits count, besides `HEAD`.
pub const REFERENCE_PREFIXES: [&str; 3] = ["refs/heads/", "refs/remotes/", "refs/tags/"];

/// Tags of tags are followed this far.
const MAX_TAG_HOPS: usize = 8;

/// Why there is no history to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHistory {
    /// The target lies in no git work tree of its owner.
    NotGit,
    /// Nothing is committed yet.
    NoCommits,
    /// The target lies in a work tree, but the commit checked out there does not hold it.
    NotTracked,
    /// The clone was cut at a depth.
    Shallow,
    /// Its git directory or its objects are another user's.
    Borrowed,
    /// It has more files in its git directory than are looked through.
    TooLarge,
    /// It cannot be read.
    Unreadable,
}

impl NoHistory {
    /// The word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotGit => "not-a-git-work-tree",
            Self::NoCommits => "no-commits",
            Self::NotTracked => "not-in-head",
            Self::Shallow => "shallow-clone",
            Self::Borrowed => "borrowed-objects",
            Self::TooLarge => "too-many-files",
            Self::Unreadable => "unreadable-repository",
        }
    }

    /// A sentence that says what to do.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotGit => {
                "The target is no git work tree, so there is no history: assess a clone to have it looked at."
            }
            Self::NoCommits => "Nothing is committed in this repository yet.",
            Self::NotTracked => {
                "The target lies in a git work tree whose commit does not hold it (an ignored directory, or a submodule that is not checked \
                 out), so it has no history there."
            }
            Self::Shallow => {
                "The clone is shallow, so most of the history is not here: fetch it with `git fetch --unshallow --tags` (in CI, check out with \
                 the full depth)."
            }
            Self::Borrowed => {
                "The git directory or its objects belong to another user than the work tree, which is not followed: give both to one user, \
                 or assess a clone made without `--shared` and `--reference`."
            }
            Self::TooLarge => {
                "The git directory holds more files than are looked through: run `git gc` and assess again."
            }
            Self::Unreadable => {
                "The git repository cannot be read (damaged, in a format that is not known, or with special files in its git directory): see \
                 what `git fsck` says."
            }
        }
    }
}

/// An opened repository, and where the target lies in it.
#[derive(Debug)]
pub struct History {
    repository: gix::Repository,
    prefix: Vec<u8>,
    head: ObjectId,
    tips: Vec<ObjectId>,
    tags: Vec<(String, ObjectId)>,
    references_left_out: usize,
    partial: bool,
}

/// What an object name leads to.
struct Found {
    kind: Kind,
    size: u64,
}

impl History {
    /// Opens the repository of the work tree that `path` lies in, for the part of its history beneath `path`.
    ///
    /// # Errors
    /// When there is no history, or none that can be read whole.
    pub fn open(path: &Path) -> Result<Self, NoHistory> {
        unwinding(|| Self::open_inner(path)).unwrap_or(Err(NoHistory::Unreadable))
    }

    fn open_inner(path: &Path) -> Result<Self, NoHistory> {
        let (mut repository, located) = open_vetted(path, Reach::Above)?;
        if located.shallow {
            return Err(NoHistory::Shallow);
        }
        if located.borrowed {
            return Err(NoHistory::Borrowed);
        }
        repository.objects.refresh_never();
        repository.objects.ignore_replacements = true;
        let head = repository.head().map_err(|_| NoHistory::Unreadable)?;
        let head = head.id().map(gix::Id::detach);
        let mut history = Self {
            head: head.unwrap_or_else(|| repository.object_hash().null()),
            repository,
            prefix: located.prefix,
            tips: Vec::new(),
            tags: Vec::new(),
            references_left_out: 0,
            partial: located.partial,
        };
        history.read_references()?;
        let first = head.or_else(|| history.tips.first().copied()).ok_or(NoHistory::NoCommits)?;
        let commit = history.commit_of(first).ok_or(NoHistory::Unreadable)?;
        history.head = commit;
        history.tips.insert(0, commit);
        match history.subtree(history.tree_of(commit).ok_or(NoHistory::Unreadable)?) {
            Ok(Some(_)) => Ok(history),
            Ok(None) => Err(NoHistory::NotTracked),
            Err(()) => Err(NoHistory::Unreadable),
        }
    }

    /// How many references beyond [`MAX_REFERENCES`] were left out.
    #[must_use]
    pub fn references_left_out(&self) -> usize {
        self.references_left_out
    }

    /// Whether the clone may leave objects at its remote, so that a missing one is no damage.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    fn read_references(&mut self) -> Result<(), NoHistory> {
        let platform = self.repository.references().map_err(|_| NoHistory::Unreadable)?;
        for prefix in REFERENCE_PREFIXES {
            // One reference that cannot be read is as good as none.
            for reference in platform.prefixed(prefix).map_err(|_| NoHistory::Unreadable)?.flatten() {
                let Some(id) = reference.target().try_id().map(ToOwned::to_owned) else { continue };
                if self.tips.len() >= MAX_REFERENCES {
                    self.references_left_out = self.references_left_out.saturating_add(1);
                    continue;
                }
                self.tips.push(id);
                if let Some(name) = reference.name().as_bstr().strip_prefix(b"refs/tags/") {
                    self.tags.push((super::target_tree::printable(name), id));
                }
            }
        }
        Ok(())
    }

    /// The kind and size of an object, without decoding it.
    fn header(&self, id: ObjectId) -> Option<Found> {
        let header = self.repository.find_header(id).ok()?;
        Some(Found { kind: header.kind(), size: header.size() })
    }

    /// Decodes an object of at most `limit` bytes.
    fn read<'a>(&self, id: ObjectId, limit: u64, buffer: &'a mut Vec<u8>) -> Option<(Kind, &'a [u8])> {
        if self.header(id)?.size > limit {
            return None;
        }
        let data = self.repository.objects.try_find(&id, buffer).ok()??;
        Some((data.kind, data.data))
    }

    /// The commit that an object leads to, through annotated tags.
    fn commit_of(&self, mut id: ObjectId) -> Option<ObjectId> {
        let mut buffer = Vec::new();
        for _ in 0..MAX_TAG_HOPS {
            match self.read(id, walk::MAX_COMMIT_BYTES, &mut buffer)? {
                (Kind::Commit, _) => return Some(id),
                (Kind::Tag, data) => id = TagRef::from_bytes(data, self.repository.object_hash()).ok()?.target(),
                _ => return None,
            }
        }
        None
    }

    fn tree_of(&self, commit: ObjectId) -> Option<ObjectId> {
        let mut buffer = Vec::new();
        let (_, data) = self.read(commit, walk::MAX_COMMIT_BYTES, &mut buffer)?;
        Some(CommitRef::from_bytes(data, self.repository.object_hash()).ok()?.tree())
    }
}

/// Opens the repository of a directory, after everything that git would open was looked at.
///
/// It is opened without its configuration, so that no program that it names is run, and whoever owns it.
pub(super) fn open_vetted(path: &Path, reach: Reach) -> Result<(gix::Repository, Located), NoHistory> {
    let located = locate::locate(path, reach)?;
    let options = gix::open::Options::isolated().with(gix::sec::Trust::Reduced).config_overrides([
        format!("gitoxide.objects.allocLimit={MAX_ALLOCATION_BYTES}"),
        "core.deltaBaseCacheLimit=64m".to_owned(),
        "core.useReplaceRefs=false".to_owned(),
    ]);
    let repository = unwinding(|| gix::open_opts(&located.top, options)).and_then(Result::ok);
    Ok((repository.ok_or(NoHistory::Unreadable)?, located))
}

/// Runs what decodes foreign objects. A panic in there, which only a damaged or hostile repository could bring about, is as good as an error.
fn unwinding<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
