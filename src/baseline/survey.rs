//! What several checks need and is costly to read: the contents of the tracked files, and one walk over the history. Each is read when the
//! first check asks for it, and only once.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::time::Instant;

use crate::repository::ambient::git_history::{Coverage, History, Limits, NoHistory, Piece, Tag};
use crate::repository::ambient::target_tree::{MAX_TEXT_BYTES, TargetTree};

use super::checks::large_files::WARN_BYTES;
use super::checks::magic::{HEAD_BYTES, artifact_kind};
use super::checks::specimens::{extension, is_machine_written};
use super::secrets::{Keeper, Search, Sighting, is_text, search};

/// At most so many paths or secrets of one kind are kept; those beyond are counted.
const MAX_KEPT: usize = 10_000;

/// Where a likely secret was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The path, or what else held it.
    pub site: Site,
    /// The commit that has it, in hexadecimal; absent in the tree.
    pub commit: Option<String>,
    /// What was seen.
    pub sighting: Sighting,
}

/// What held a likely secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// A file, by its path.
    File(String),
    /// The message of the commit.
    CommitMessage,
    /// The message of the tag of this name.
    TagMessage(String),
}

/// What the tracked files hold.
#[derive(Debug, Default)]
pub struct Tracked {
    /// Likely secrets, by path and line.
    pub places: Vec<Place>,
    /// Likely secrets beyond the bound.
    pub left_out: usize,
    /// Files looked at.
    pub files: usize,
    /// Texts longer than what is looked at.
    pub cut: usize,
    /// Texts with more places to look at than are looked at.
    pub crowded: usize,
    /// Files that could not be read.
    pub unreadable: usize,
    /// Files not looked at because the time was over.
    pub not_reached: usize,
}

/// The versions of one file that were worth keeping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// How many there were.
    pub count: usize,
    /// The size of the largest, in bytes.
    pub largest: u64,
    /// The newest commit that has one of them, in hexadecimal.
    pub commit: String,
    /// What kind of artifact it is; empty for files that are only large.
    pub kind: &'static str,
}

/// What the walk over the history came upon. What the checked-out commit holds is counted and no more: other checks tell of it.
#[derive(Debug, Default)]
pub struct Past {
    /// How far the walk went.
    pub coverage: Coverage,
    /// References that were not followed.
    pub references_left_out: usize,
    /// Whether the clone may leave objects at its remote.
    pub partial: bool,
    /// Large files that are gone, by path.
    pub large: HashMap<String, Versions>,
    /// Compiled artifacts that are gone, by path.
    pub binaries: HashMap<String, Versions>,
    /// Large files in the checked-out commit.
    pub large_in_head: usize,
    /// Compiled artifacts in the checked-out commit.
    pub binaries_in_head: usize,
    /// Likely secrets, each once, with its newest place.
    pub places: Vec<Place>,
    /// Likely secrets and paths beyond the bounds.
    pub left_out: usize,
    /// Versions of texts longer than what is looked at.
    pub cut: usize,
    /// Texts with more places to look at than are looked at.
    pub crowded: usize,
}

/// A tree under assessment, and what was read of it.
pub struct Survey<'a> {
    tree: &'a TargetTree,
    limits: Limits,
    keeper: Keeper,
    history: OnceCell<Result<History, NoHistory>>,
    tracked: OnceCell<Tracked>,
    past: OnceCell<Result<Past, NoHistory>>,
}

impl<'a> Survey<'a> {
    /// A survey of the tree that has not read anything yet.
    ///
    /// # Errors
    /// When the operating system gives no random numbers.
    pub fn new(tree: &'a TargetTree, limits: Limits) -> Result<Self, getrandom::Error> {
        Ok(Self {
            tree,
            limits,
            keeper: Keeper::new()?,
            history: OnceCell::new(),
            tracked: OnceCell::new(),
            past: OnceCell::new(),
        })
    }

    /// The tree.
    #[must_use]
    pub fn tree(&self) -> &'a TargetTree {
        self.tree
    }

    /// How far the walk over the history may go; its time holds for the contents of the files, too.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The salt of this run, and the secrets it came upon.
    #[must_use]
    pub fn keeper(&self) -> &Keeper {
        &self.keeper
    }

    /// The tags of the repository.
    ///
    /// # Errors
    /// When there is no history.
    pub fn tags(&self) -> Result<Vec<Tag>, NoHistory> {
        self.history().map(History::tags)
    }

    /// How many references of the repository were not followed, so that tags may be missing.
    pub fn references_left_out(&self) -> usize {
        self.history().map_or(0, History::references_left_out)
    }

    fn history(&self) -> Result<&History, NoHistory> {
        self.history.get_or_init(|| self.tree.history()).as_ref().map_err(|reason| *reason)
    }

    /// The contents of the files.
    pub fn tracked(&self) -> &Tracked {
        self.tracked.get_or_init(|| self.read_tracked())
    }

    /// The history.
    ///
    /// # Errors
    /// When there is none.
    pub fn past(&self) -> Result<&Past, NoHistory> {
        let walked = self.past.get_or_init(|| self.history().map(|history| self.read_past(history)));
        walked.as_ref().map_err(|reason| *reason)
    }

    fn read_tracked(&self) -> Tracked {
        let mut tracked = Tracked::default();
        let begin = Instant::now();
        for file in self.tree.files().iter().filter(|file| file.is_regular()) {
            if begin.elapsed() >= self.limits.time {
                tracked.not_reached = tracked.not_reached.saturating_add(1);
                continue;
            }
            let Ok(head) = self.tree.read_head(file, MAX_TEXT_BYTES) else {
                tracked.unreadable = tracked.unreadable.saturating_add(1);
                continue;
            };
            tracked.files = tracked.files.saturating_add(1);
            tracked.cut = tracked.cut.saturating_add(usize::from(head.truncated && is_text(&head.bytes)));
            let Search { hits, is_whole } = search(&head.bytes, !is_machine_written(file.path()));
            tracked.crowded = tracked.crowded.saturating_add(usize::from(!is_whole));
            for hit in hits {
                let sighting = self.keeper.sight(&hit);
                if tracked.places.len() < MAX_KEPT {
                    tracked.places.push(Place { site: Site::File(file.path().to_owned()), commit: None, sighting });
                } else {
                    tracked.left_out = tracked.left_out.saturating_add(1);
                }
            }
        }
        tracked
    }

    fn read_past(&self, history: &History) -> Past {
        let mut past = Past {
            references_left_out: history.references_left_out(),
            partial: history.is_partial(),
            ..Past::default()
        };
        let mut seen = HashSet::new();
        past.coverage = history.walk(self.limits, &mut |piece| self.look(&mut past, &mut seen, piece));
        past
    }

    fn look(&self, past: &mut Past, seen: &mut HashSet<(String, &'static str)>, piece: Piece<'_>) {
        let (text, site, commit, assignments) = match piece {
            Piece::File { path, size, content, commit, in_head } => {
                if size > WARN_BYTES {
                    keep(
                        &mut past.large,
                        &mut past.large_in_head,
                        &mut past.left_out,
                        (path, size, commit, ""),
                        in_head,
                    );
                }
                let Some(content) = content else { return };
                let head = content.get(..HEAD_BYTES).unwrap_or(content);
                if let Some(kind) = artifact_kind(head, &extension(path)) {
                    let found = (path, size, commit, kind);
                    keep(&mut past.binaries, &mut past.binaries_in_head, &mut past.left_out, found, in_head);
                    return;
                }
                let text = content.get(..MAX_TEXT_BYTES).unwrap_or(content);
                past.cut = past.cut.saturating_add(usize::from(text.len() < content.len() && is_text(text)));
                (text, Site::File(path.to_owned()), Some(commit), !is_machine_written(path))
            }
            Piece::CommitMessage { commit, text } => (text, Site::CommitMessage, Some(commit), true),
            Piece::TagMessage { name, text } => (text, Site::TagMessage(name.to_owned()), None, true),
        };
        let Search { hits, is_whole } = search(text, assignments);
        past.crowded = past.crowded.saturating_add(usize::from(!is_whole));
        for hit in hits {
            let sighting = self.keeper.sight(&hit);
            if !seen.insert((sighting.hash.clone(), sighting.rule)) {
                continue;
            }
            if past.places.len() < MAX_KEPT {
                past.places.push(Place { site: site.clone(), commit: commit.map(str::to_owned), sighting });
            } else {
                past.left_out = past.left_out.saturating_add(1);
            }
        }
    }
}

fn keep(
    kept: &mut HashMap<String, Versions>,
    count_in_head: &mut usize,
    left_out: &mut usize,
    (path, size, commit, kind): (&str, u64, &str, &'static str),
    in_head: bool,
) {
    if in_head {
        *count_in_head = count_in_head.saturating_add(1);
    } else if let Some(versions) = kept.get_mut(path) {
        versions.count = versions.count.saturating_add(1);
        versions.largest = versions.largest.max(size);
    } else if kept.len() < MAX_KEPT {
        kept.insert(path.to_owned(), Versions { count: 1, largest: size, commit: commit.to_owned(), kind });
    } else {
        *left_out = left_out.saturating_add(1);
    }
}
