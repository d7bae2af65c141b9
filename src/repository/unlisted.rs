//! The walk for files that a manifest does not name. Its memory is bounded however many names a directory has, and its order is that of the
//! names: of one directory first the files, then what stands in its directories.
//!
//! A directory of few names is listed once. A larger one is listed again and again, each time keeping the next names in order as far
//! as there is room for them.

use std::collections::BinaryHeap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::ControlFlow;

use super::error::Error;
use super::layout;
use super::manifest::{ManifestRow, RowState};
use super::retained::{FoundFile, LocatedRun};
use super::root::{EntryKind, GateError};
use super::scan::escape_bytes;
use crate::model::RelativePath;

/// How many names the walk looks at, at the most.
const MAX_WALKED: u64 = 1_000_000;
/// How many names it reads from directories, at the most: those of a large directory are read several times.
const MAX_READ: u64 = 64 * MAX_WALKED;
/// How deep it goes, at the most.
const MAX_DEPTH: usize = 64;
/// How many paths of a manifest it tells from others, at the most.
pub(super) const MAX_LISTED: u64 = 2 * MAX_WALKED;
/// What a name weighs beside its bytes.
pub(super) const NAME_OVERHEAD: usize = 64;

/// Room for names that are held at once, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Those of a directory that is listed once. Held at every level on the way down.
    pub(super) whole: usize,
    /// Those of files.
    pub(super) files: usize,
    /// Those of directories at the first level; half of it at the next, since all levels on the way down are held.
    pub(super) directories: usize,
}

/// The room of a call.
pub(super) const ROOM: Room = Room { whole: 64 << 10, files: 12 << 20, directories: 2 << 20 };

/// The paths of a manifest as keyed 64-bit hashes: 8 bytes each, so that a million of them stay small. Two of a million paths collide
/// with a chance of one in ten million; then an unlisted file is left out.
#[derive(Debug)]
pub(super) struct ListedPaths {
    keys: RandomState,
    hashes: Vec<u64>,
}

impl ListedPaths {
    /// Room for the paths of a manifest of so many entries; `None` when they are too many.
    pub(super) fn with_room_for(entries: u64) -> Option<Self> {
        let room = usize::try_from(entries).ok().filter(|_| entries <= MAX_LISTED)?;
        Some(Self { keys: RandomState::new(), hashes: Vec::with_capacity(room) })
    }

    pub(super) fn add(&mut self, path: &str) {
        self.hashes.push(self.keys.hash_one(path));
    }

    fn has(&self, path: &str) -> bool {
        self.hashes.binary_search(&self.keys.hash_one(path)).is_ok()
    }
}

/// Hands every file of a run's output directories that is not listed to `visit`. Returns whether the walk stopped at a bound.
///
/// # Errors
/// Passing trouble of the system.
pub(super) fn visit_unlisted(
    located: &LocatedRun,
    listed: ListedPaths,
    visit: &mut dyn FnMut(ManifestRow) -> ControlFlow<()>,
) -> Result<bool, Error> {
    visit_within(ROOM, located, listed, visit)
}

/// As [`visit_unlisted`], with this room.
pub(super) fn visit_within(
    room: Room,
    located: &LocatedRun,
    mut listed: ListedPaths,
    visit: &mut dyn FnMut(ManifestRow) -> ControlFlow<()>,
) -> Result<bool, Error> {
    listed.hashes.sort_unstable();
    let mut walk = Walk { room, located, listed, visit, walked: 0, read: 0, is_truncated: false };
    for name in layout::OUTPUT_DIRECTORIES {
        if walk.directory(&layout::path(name), 1)?.is_break() {
            break;
        }
    }
    Ok(walk.is_truncated)
}

struct Walk<'a> {
    room: Room,
    located: &'a LocatedRun,
    listed: ListedPaths,
    visit: &'a mut dyn FnMut(ManifestRow) -> ControlFlow<()>,
    walked: u64,
    read: u64,
    is_truncated: bool,
}

/// Which names of a directory are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// All, if there is room for all of them.
    Whole,
    /// What is told.
    Files,
    /// The directories that are entered.
    Directories,
}

/// The next names of a directory, in order.
#[derive(Debug)]
struct Names {
    sorted: Vec<(Vec<u8>, EntryKind)>,
    /// Whether there are no more after them.
    is_all: bool,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &RelativePath, depth: usize) -> Result<ControlFlow<()>, Error> {
        let whole = match self.names(directory, Wanted::Whole, None, self.room.whole) {
            Ok(whole) => whole,
            Err(error) => return self.no_directory(directory, error),
        };
        if whole.is_all {
            let (entered, told): (Vec<_>, Vec<_>) =
                whole.sorted.into_iter().partition(|(name, kind)| is_entered(directory, name, *kind));
            if self.files(directory, &told).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            drop(told);
            return self.directories(directory, &entered, depth);
        }
        let halvings = u32::try_from(depth.saturating_sub(1)).unwrap_or(u32::MAX);
        let of_directories = self.room.directories.checked_shr(halvings).unwrap_or(0).max(self.room.whole);
        for (wanted, room) in [(Wanted::Files, self.room.files), (Wanted::Directories, of_directories)] {
            let mut after: Option<Vec<u8>> = None;
            loop {
                let names = match self.names(directory, wanted, after.as_deref(), room) {
                    Ok(names) => names,
                    Err(error) => return self.no_directory(directory, error),
                };
                let flow = match wanted {
                    Wanted::Directories => self.directories(directory, &names.sorted, depth)?,
                    Wanted::Whole | Wanted::Files => self.files(directory, &names.sorted),
                };
                if flow.is_break() {
                    return Ok(flow);
                }
                after = names.sorted.into_iter().next_back().map(|(name, _)| name);
                if names.is_all || after.is_none() {
                    break;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// What is not listed: not there; a file in the place of a directory, which then has no files; or something that is told and not entered.
    fn no_directory(&mut self, directory: &RelativePath, error: GateError) -> Result<ControlFlow<()>, Error> {
        match error {
            GateError::NotFound => Ok(ControlFlow::Continue(())),
            GateError::Unsafe(_) | GateError::IsDirectory | GateError::Denied(_) => {
                if self.listed.has(directory.as_str()) {
                    return Ok(ControlFlow::Continue(()));
                }
                Ok((self.visit)(unlisted_row(directory.to_string(), FoundFile::from_look(Err(error)).into())))
            }
            GateError::Trouble(_) => Err(Error::of_path(directory.as_str(), error)),
        }
    }

    /// The first names after `after`, as many as there is room for.
    fn names(
        &mut self,
        directory: &RelativePath,
        wanted: Wanted,
        after: Option<&[u8]>,
        room: usize,
    ) -> Result<Names, GateError> {
        let mut kept: BinaryHeap<(Vec<u8>, EntryKind)> = BinaryHeap::new();
        let (mut bytes, mut is_all) = (0_usize, true);
        let (read, is_truncated) = (&mut self.read, &mut self.is_truncated);
        self.located.handle.visit_entries(directory, &mut |name, kind| {
            *read += 1;
            if *read > MAX_READ {
                *is_truncated = true;
                return ControlFlow::Break(());
            }
            let is_wanted = match wanted {
                Wanted::Whole => true,
                Wanted::Files => !is_entered(directory, name, kind),
                Wanted::Directories => is_entered(directory, name, kind),
            };
            let is_beyond = || !is_all && kept.peek().is_some_and(|(last, _)| name > last.as_slice());
            if !is_wanted || after.is_some_and(|after| name <= after) || is_beyond() {
                return ControlFlow::Continue(());
            }
            kept.push((name.to_vec(), kind));
            bytes += name.len() + NAME_OVERHEAD;
            while bytes > room && kept.len() > 1 {
                let Some((name, _)) = kept.pop() else { break };
                bytes = bytes.saturating_sub(name.len() + NAME_OVERHEAD);
                is_all = false;
            }
            if is_all || wanted != Wanted::Whole { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(Names { sorted: kept.into_sorted_vec(), is_all })
    }

    /// Counts a name, and stops at the bound.
    fn count(&mut self) -> ControlFlow<()> {
        self.walked += 1;
        if self.walked > MAX_WALKED || self.read > MAX_READ {
            self.is_truncated = true;
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn directories(
        &mut self,
        directory: &RelativePath,
        names: &[(Vec<u8>, EntryKind)],
        depth: usize,
    ) -> Result<ControlFlow<()>, Error> {
        for (name, _) in names {
            if self.count().is_break() {
                return Ok(ControlFlow::Break(()));
            }
            let Some(path) = addressable(directory, name) else { continue };
            if depth >= MAX_DEPTH {
                self.is_truncated = true;
            } else if self.directory(&path, depth + 1)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn files(&mut self, directory: &RelativePath, names: &[(Vec<u8>, EntryKind)]) -> ControlFlow<()> {
        for (name, _) in names {
            self.count()?;
            let row = match addressable(directory, name) {
                Some(path) if self.listed.has(path.as_str()) => continue,
                Some(path) => match FoundFile::from_look(self.located.look_at_output(&path)) {
                    // Gone since the listing.
                    FoundFile::Missing => continue,
                    found => unlisted_row(path.to_string(), found.into()),
                },
                None => {
                    let shown_path = format!("{directory}/{}", escape_bytes(name));
                    unlisted_row(shown_path, (RowState::Unaddressable, None))
                }
            };
            (self.visit)(row)?;
        }
        ControlFlow::Continue(())
    }
}

/// The path of a name that a request can spell.
fn addressable(directory: &RelativePath, name: &[u8]) -> Option<RelativePath> {
    std::str::from_utf8(name).ok().and_then(|name| directory.join(name).ok())
}

/// Whether something is a directory to go into; one that no request can spell is told instead.
fn is_entered(directory: &RelativePath, name: &[u8], kind: EntryKind) -> bool {
    kind == EntryKind::Directory && addressable(directory, name).is_some()
}

fn unlisted_row(shown_path: String, (state, size_bytes): (RowState, Option<u64>)) -> ManifestRow {
    ManifestRow {
        media_type: layout::media_type(&shown_path).to_owned(),
        shown_path,
        size_bytes,
        sha256: None,
        extension_id: None,
        evidence_refs: Vec::new(),
        state,
        unlisted: true,
    }
}

impl From<FoundFile> for (RowState, Option<u64>) {
    fn from(found: FoundFile) -> Self {
        match found {
            FoundFile::Present(identity) => (RowState::Present, Some(identity.size())),
            FoundFile::Missing => (RowState::Missing, None),
            FoundFile::NotRegular | FoundFile::UnsafePath => (RowState::NotRegular, None),
            FoundFile::Unreadable => (RowState::Unreadable, None),
        }
    }
}
