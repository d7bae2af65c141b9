//! Looking up positions by a text, in eight bytes a position.

use std::hash::{BuildHasher, RandomState};

/// The part of a slot that holds the hash.
const HASH: u64 = 0xffff_ffff_0000_0000;

/// The positions of texts, ordered by half of the text's hash: a slot is that half and then the position. The hash has a secret key, so
/// that nobody can make many texts share it; whoever looks a text up compares the texts themselves.
#[derive(Debug, Default)]
pub(super) struct Lookup {
    keys: RandomState,
    slots: Vec<u64>,
}

impl Lookup {
    /// The texts in the order of their positions.
    pub(super) fn new<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> Self {
        let keys = RandomState::new();
        let mut slots = Vec::with_capacity(texts.len());
        slots.extend((0_u32..).zip(texts).map(|(position, text)| keys.hash_one(text) & HASH | u64::from(position)));
        slots.sort_unstable();
        Self { keys, slots }
    }

    /// Positions that may be those of a text, ascending.
    pub(super) fn find(&self, text: &str) -> impl Iterator<Item = u32> {
        let hash = self.keys.hash_one(text) & HASH;
        let begin = self.slots.partition_point(|slot| *slot < hash);
        self.slots.iter().skip(begin).take_while(move |slot| **slot & HASH == hash).filter_map(position)
    }

    /// Groups of two or more positions that may be those of one text.
    pub(super) fn shared(&self) -> impl Iterator<Item = impl Iterator<Item = u32>> {
        let groups = self.slots.chunk_by(|left, right| left & HASH == right & HASH);
        groups.filter(|group| group.len() > 1).map(|group| group.iter().filter_map(position))
    }
}

fn position(slot: &u64) -> Option<u32> {
    u32::try_from(slot & !HASH).ok()
}
