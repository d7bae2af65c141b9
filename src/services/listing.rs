//! Pages that fit into a message.

use std::collections::BTreeMap;
use std::sync::Arc;

use prost::Message;

/// What a page may hold in items, in bytes: the rest of a message is left to its other fields.
const PAGE_BYTES: usize = super::MAX_MESSAGE_BYTES - (256 << 10);

/// Cuts a page that would outgrow its message. Keeps at least one item, and returns how many are kept.
pub(super) fn fitting<M: Message>(items: &mut Vec<M>) -> usize {
    let mut room = PageRoom::new();
    let kept = items.iter().take_while(|item| room.admits(*item)).count();
    items.truncate(kept);
    kept
}

/// The room that a page has left.
pub(super) struct PageRoom {
    left: usize,
    is_empty: bool,
}

impl PageRoom {
    pub(super) const fn new() -> Self {
        Self { left: PAGE_BYTES, is_empty: true }
    }

    /// Takes the room of one more item, if there is enough. The first item always has room.
    pub(super) fn admits(&mut self, item: &impl Message) -> bool {
        let size = item.encoded_len() + 8;
        if size > self.left && !self.is_empty {
            return false;
        }
        self.left = self.left.saturating_sub(size);
        self.is_empty = false;
        true
    }
}

/// What the counts by word may hold, in bytes.
const COUNT_BYTES: usize = 128 << 10;

/// Counts by word, as far as they fit: words come from files and may be of any length and number. The largest counts stay, of equal ones
/// the shorter word.
pub(super) fn fitting_counts(counts: &BTreeMap<Arc<str>, u64>) -> BTreeMap<String, i64> {
    let mut largest_first: Vec<_> = counts.iter().collect();
    largest_first.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), word.len()));
    let mut room = COUNT_BYTES;
    let mut fits = |word: &str| {
        let left = room.checked_sub(word.len() + 24);
        room = left.unwrap_or(room);
        left.is_some()
    };
    let fitting = largest_first.into_iter().filter(|(word, _)| fits(word));
    fitting.map(|(word, count)| (word.to_string(), i64::try_from(*count).unwrap_or(i64::MAX))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pb;

    #[test]
    fn counts_of_endless_words_are_left_out_and_the_largest_stay() {
        let mut counts: BTreeMap<Arc<str>, u64> =
            BTreeMap::from([("completed".into(), 7), ("x".repeat(1 << 20).into(), 9)]);
        counts.extend((0..20_000).map(|number: u32| (format!("word-{number}").into(), 1)));
        let kept = fitting_counts(&counts);
        assert_eq!(kept.get("completed"), Some(&7));
        assert!(kept.len() > 1000 && kept.keys().map(|word| word.len() + 24).sum::<usize>() <= COUNT_BYTES);
    }

    #[test]
    fn a_page_ends_early_rather_than_outgrow_its_message_and_is_never_empty() {
        let large = pb::Problem { message: "x".repeat(1 << 20), ..Default::default() };
        let mut items = vec![large; 5];
        assert_eq!(fitting(&mut items), 2);
        let mut huge = vec![pb::Problem { message: "x".repeat(4 << 20), ..Default::default() }];
        assert_eq!(fitting(&mut huge), 1);
    }
}
