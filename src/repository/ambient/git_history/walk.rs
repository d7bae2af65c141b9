//! The walk over commits, newest first, and over the files that each of them brought.

use std::collections::{BinaryHeap, HashSet};
use std::time::{Duration, Instant};

use gix::ObjectId;
use gix::objs::tree::EntryKind;
use gix::objs::{CommitRef, Kind, TagRef, TreeRefIter};

use super::super::target_tree::{MAX_DEPTH, printable};
use super::{History, unwinding};

/// A commit or tag object larger than this is not read.
pub(super) const MAX_COMMIT_BYTES: u64 = 4 * 1024 * 1024;
/// A directory listing larger than this is not read; it would have several hundred thousand entries.
const MAX_TREE_BYTES: u64 = 32 * 1024 * 1024;

/// How far a walk goes. Whichever bound is reached first ends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Commits, newest first.
    pub commits: usize,
    /// Time.
    pub time: Duration,
    /// Different files and directories; each costs some 50 bytes of memory.
    pub objects: usize,
    /// A version of a file above this many bytes is told of, but not read.
    pub file_bytes: u64,
    /// Bytes of all files that are read.
    pub total_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            commits: 50_000,
            time: Duration::from_secs(60),
            objects: 3_000_000,
            file_bytes: 24 * 1024 * 1024,
            total_bytes: 64 * 1024 * 1024 * 1024,
        }
    }
}

/// Which bound ended a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// [`Limits::commits`].
    Commits,
    /// [`Limits::time`].
    Time,
    /// [`Limits::objects`].
    Objects,
    /// [`Limits::total_bytes`].
    Bytes,
    /// Decoding an object ended in a panic.
    Damage,
}

impl Stop {
    /// The word for machines.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commits => "commits",
            Self::Time => "time",
            Self::Objects => "objects",
            Self::Bytes => "bytes",
            Self::Damage => "damage",
        }
    }
}

/// How far a walk went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Commits looked at.
    pub commits: usize,
    /// Different versions of files seen.
    pub files: usize,
    /// Bytes of files read.
    pub bytes: u64,
    /// When the oldest and the newest of these commits were made, in seconds since 1970.
    pub dates: Option<(i64, i64)>,
    /// The bound that was reached; none when all of the history was looked at.
    pub stopped: Option<Stop>,
    /// Versions of files that were too large to be read.
    pub unread: usize,
    /// Objects that are missing or damaged, and directories too large or too deep to be read.
    pub unreadable: usize,
}

/// What a walk comes upon.
#[derive(Debug)]
pub enum Piece<'a> {
    /// A version of a file, told of once, with the first path and newest commit that has it.
    File {
        /// The path beneath the target, printable.
        path: &'a str,
        /// The size in bytes.
        size: u64,
        /// The content, unless it is above [`Limits::file_bytes`].
        content: Option<&'a [u8]>,
        /// The commit, in hexadecimal.
        commit: &'a str,
        /// Whether the commit that is checked out has it.
        in_head: bool,
    },
    /// The message of a commit.
    CommitMessage {
        /// The commit, in hexadecimal.
        commit: &'a str,
        /// The message.
        text: &'a [u8],
    },
    /// The message of an annotated tag.
    TagMessage {
        /// The tag's name, printable.
        name: &'a str,
        /// The message.
        text: &'a [u8],
    },
}

/// A commit that waits for its turn: the newest first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Waiting {
    /// What is checked out goes before everything else.
    is_head: bool,
    time: i64,
    id: ObjectId,
}

struct Walk<'a> {
    history: &'a History,
    limits: Limits,
    begin: Instant,
    coverage: Coverage,
    commits: HashSet<ObjectId>,
    objects: HashSet<ObjectId>,
    waiting: BinaryHeap<Waiting>,
    visit: &'a mut dyn FnMut(Piece<'_>),
}

impl History {
    /// Tells `visit` of every version of every file beneath the target, and of every message.
    pub fn walk(&self, limits: Limits, visit: &mut dyn FnMut(Piece<'_>)) -> Coverage {
        let mut walk = Walk {
            history: self,
            limits,
            begin: Instant::now(),
            coverage: Coverage::default(),
            commits: HashSet::new(),
            objects: HashSet::new(),
            waiting: BinaryHeap::new(),
            visit,
        };
        match unwinding(|| walk.run()) {
            Some(Err(stop)) => walk.coverage.stopped = Some(stop),
            Some(Ok(())) => {}
            None => walk.coverage.stopped = Some(Stop::Damage),
        }
        walk.coverage
    }

    /// The directory of the target beneath a commit's directory; `None` where the commit does not have it.
    pub(super) fn subtree(&self, tree: ObjectId) -> Result<Option<ObjectId>, ()> {
        let mut tree = tree;
        let mut buffer = Vec::new();
        for name in self.prefix.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            let (_, data) = self.read(tree, MAX_TREE_BYTES, &mut buffer).ok_or(())?;
            let mut entries = TreeRefIter::from_bytes(data, self.repository.object_hash()).flatten();
            match entries.find(|entry| entry.filename == name) {
                Some(entry) if entry.mode.is_tree() => tree = entry.oid.to_owned(),
                _ => return Ok(None),
            }
        }
        Ok(Some(tree))
    }
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Stop> {
        self.read_tags()?;
        self.enqueue(self.history.head, true);
        for tip in &self.history.tips {
            self.check_time()?;
            match self.history.commit_of(*tip) {
                Some(commit) => self.enqueue(commit, false),
                None if self.history.header(*tip).is_none() => self.damage(),
                // A reference to what is no commit.
                None => {}
            }
        }
        let mut cut = None;
        while let Some(next) = self.waiting.pop() {
            if self.coverage.commits >= self.limits.commits {
                cut = Some(Stop::Commits);
                break;
            }
            self.check_time()?;
            self.commit(&next)?;
        }
        cut.map_or(Ok(()), Err)
    }

    fn check_time(&self) -> Result<(), Stop> {
        if self.begin.elapsed() >= self.limits.time { Err(Stop::Time) } else { Ok(()) }
    }

    fn enqueue(&mut self, id: ObjectId, is_head: bool) {
        if !self.commits.insert(id) {
            return;
        }
        let hash = self.history.repository.object_hash();
        let mut buffer = Vec::new();
        let time = self
            .history
            .read(id, MAX_COMMIT_BYTES, &mut buffer)
            .filter(|(kind, _)| *kind == Kind::Commit)
            .and_then(|(_, data)| Some(CommitRef::from_bytes(data, hash).ok()?.committer().ok()?.seconds()));
        match time {
            Some(time) => self.waiting.push(Waiting { is_head, time, id }),
            None => self.damage(),
        }
    }

    fn damage(&mut self) {
        self.coverage.unreadable = self.coverage.unreadable.saturating_add(1);
    }

    fn read_tags(&mut self) -> Result<(), Stop> {
        // Messages are of the whole repository, not of a directory in it.
        if !self.history.prefix.is_empty() {
            return Ok(());
        }
        let mut buffer = Vec::new();
        for (name, id) in &self.history.tags {
            self.check_time()?;
            let Some((Kind::Tag, data)) = self.history.read(*id, MAX_COMMIT_BYTES, &mut buffer) else { continue };
            if let Ok(tag) = TagRef::from_bytes(data, self.history.repository.object_hash()) {
                (self.visit)(Piece::TagMessage { name, text: tag.message });
            }
        }
        Ok(())
    }

    fn commit(&mut self, next: &Waiting) -> Result<(), Stop> {
        let mut buffer = Vec::new();
        let Some((_, data)) = self.history.read(next.id, MAX_COMMIT_BYTES, &mut buffer) else {
            self.damage();
            return Ok(());
        };
        let Ok(commit) = CommitRef::from_bytes(data, self.history.repository.object_hash()) else {
            self.damage();
            return Ok(());
        };
        self.coverage.commits = self.coverage.commits.saturating_add(1);
        let (oldest, newest) = self.coverage.dates.unwrap_or((next.time, next.time));
        self.coverage.dates = Some((oldest.min(next.time), newest.max(next.time)));
        let name = next.id.to_string();
        if self.history.prefix.is_empty() {
            (self.visit)(Piece::CommitMessage { commit: &name, text: commit.message });
        }
        for parent in commit.parents() {
            // What waits is bounded too: beyond the bound no commit would get its turn.
            if self.commits.len() <= self.limits.commits.saturating_add(super::MAX_REFERENCES) {
                self.check_time()?;
                self.enqueue(parent, false);
            }
        }
        match self.history.subtree(commit.tree()) {
            Ok(Some(tree)) => self.tree(tree, &name, next.is_head),
            Ok(None) => Ok(()),
            Err(()) => {
                self.damage();
                Ok(())
            }
        }
    }

    /// Walks a directory; what was seen before is passed over, whatever its name is now.
    fn tree(&mut self, root: ObjectId, commit: &str, in_head: bool) -> Result<(), Stop> {
        let mut waiting = vec![(root, Vec::new(), 0_usize)];
        let (mut buffer, mut content) = (Vec::new(), Vec::new());
        while let Some((id, path, depth)) = waiting.pop() {
            if !self.is_new(id)? {
                continue;
            }
            self.check_time()?;
            let data = self.history.read(id, MAX_TREE_BYTES, &mut buffer).filter(|(kind, _)| *kind == Kind::Tree);
            let Some((_, data)) = data.filter(|_| depth < MAX_DEPTH) else {
                self.damage();
                continue;
            };
            for entry in TreeRefIter::from_bytes(data, self.history.repository.object_hash()) {
                let Ok(entry) = entry else {
                    self.damage();
                    break;
                };
                let id = entry.oid.to_owned();
                let path = || -> Vec<u8> {
                    let slash: &[u8] = if path.is_empty() { b"" } else { b"/" };
                    [path.as_slice(), slash, entry.filename].concat()
                };
                match entry.mode.kind() {
                    EntryKind::Tree if !self.objects.contains(&id) => {
                        waiting.push((id, path(), depth.saturating_add(1)));
                    }
                    EntryKind::Blob | EntryKind::BlobExecutable => {
                        if self.is_new(id)? {
                            self.check_time()?;
                            self.file(id, &path(), commit, in_head, &mut content)?;
                        }
                    }
                    // Links and submodules hold no content of their own.
                    EntryKind::Tree | EntryKind::Link | EntryKind::Commit => {}
                }
            }
        }
        Ok(())
    }

    fn is_new(&mut self, id: ObjectId) -> Result<bool, Stop> {
        if self.objects.len() >= self.limits.objects {
            return Err(Stop::Objects);
        }
        Ok(self.objects.insert(id))
    }

    fn file(
        &mut self,
        id: ObjectId,
        path: &[u8],
        commit: &str,
        in_head: bool,
        buffer: &mut Vec<u8>,
    ) -> Result<(), Stop> {
        let Some(found) = self.history.header(id).filter(|found| found.kind == Kind::Blob) else {
            self.damage();
            return Ok(());
        };
        let path = printable(path);
        let size = found.size;
        self.coverage.files = self.coverage.files.saturating_add(1);
        if size > self.limits.file_bytes {
            self.coverage.unread = self.coverage.unread.saturating_add(1);
            (self.visit)(Piece::File { path: &path, size, content: None, commit, in_head });
            return Ok(());
        }
        if self.coverage.bytes.saturating_add(size) > self.limits.total_bytes {
            return Err(Stop::Bytes);
        }
        match self.history.read(id, self.limits.file_bytes, buffer) {
            Some((Kind::Blob, content)) => {
                self.coverage.bytes = self.coverage.bytes.saturating_add(size);
                (self.visit)(Piece::File { path: &path, size, content: Some(content), commit, in_head });
            }
            _ => self.damage(),
        }
        Ok(())
    }
}
