//! Looking up the positions of runs by their ids and directories, in eight bytes a position.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use super::entry::RunEntry;

/// The part of a slot that holds the hash.
const HASH: u64 = 0xffff_ffff_0000_0000;

/// Positions of runs by run id and by directory. A slot is half of a text's hash and then the position; slots are in order. The hash has a
/// secret key, so that nobody can make many texts share it; whoever looks a text up compares the texts themselves.
#[derive(Debug, Default)]
pub(super) struct Lookups {
    keys: RandomState,
    run_ids: Vec<u64>,
    /// `None` when each directory bears the name of its run: then they are the same.
    directories: Option<Vec<u64>>,
}

impl Lookups {
    /// The runs in the order of their positions.
    pub(super) fn new(runs: &[Arc<RunEntry>]) -> Self {
        let keys = RandomState::new();
        let slot = |position: u32, text: &str| keys.hash_one(text) & HASH | u64::from(position);
        let mut is_same = true;
        let mut run_ids: Vec<u64> = Vec::with_capacity(runs.len());
        run_ids.extend((0_u32..).zip(runs).map(|(position, run)| {
            is_same &= run.run_id.as_str() == run.directory.as_str();
            slot(position, run.run_id.as_str())
        }));
        run_ids.sort_unstable();
        let directories = (!is_same).then(|| {
            let mut slots: Vec<u64> = Vec::with_capacity(runs.len());
            slots.extend((0_u32..).zip(runs).map(|(position, run)| slot(position, run.directory.as_str())));
            slots.sort_unstable();
            slots
        });
        Self { keys, run_ids, directories }
    }

    /// Positions that may be those of a run id, ascending.
    pub(super) fn with_run_id(&self, run_id: &str) -> impl Iterator<Item = u32> {
        find(&self.run_ids, self.keys.hash_one(run_id) & HASH)
    }

    /// Positions that may be that of a directory, ascending.
    pub(super) fn in_directory(&self, directory: &str) -> impl Iterator<Item = u32> {
        find(self.directories.as_ref().unwrap_or(&self.run_ids), self.keys.hash_one(directory) & HASH)
    }

    /// Groups of two or more positions that may be those of one run id.
    pub(super) fn shared_run_ids(&self) -> impl Iterator<Item = impl Iterator<Item = u32>> {
        let groups = self.run_ids.chunk_by(|left, right| left & HASH == right & HASH);
        groups.filter(|group| group.len() > 1).map(|group| group.iter().filter_map(position))
    }
}

fn find(slots: &[u64], hash: u64) -> impl Iterator<Item = u32> {
    let begin = slots.partition_point(|slot| *slot < hash);
    slots.iter().skip(begin).take_while(move |slot| **slot & HASH == hash).filter_map(position)
}

fn position(slot: &u64) -> Option<u32> {
    u32::try_from(slot & !HASH).ok()
}
