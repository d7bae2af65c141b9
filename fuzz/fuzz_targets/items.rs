//! Normalized documents: any bytes are read to their end or refused; reading taken up anywhere is total, and taken up where an item ended gives
//! the items after it. What has words is an item, with the same words.
#![no_main]

use std::ops::ControlFlow;

use guide_board::model::{EvidenceItem, FindingItem};
use guide_board::repository::decode::{Item, ItemKind, ItemWords, ItemsError, RawItem, read_items, resume_items};
use libfuzzer_sys::fuzz_target;

type Items = Vec<(String, u64)>;

fn collect(
    read: impl FnOnce(&mut dyn FnMut(RawItem<'_>) -> ControlFlow<()>) -> Result<(), ItemsError>,
) -> (Items, Result<(), ItemsError>) {
    let mut items = Items::new();
    let outcome = read(&mut |item| {
        items.push((item.text.to_owned(), item.end));
        ControlFlow::Continue(())
    });
    (items, outcome)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (anywhere, bytes) = input;
    let rest = |end: u64| usize::try_from(end).ok().and_then(|end| bytes.get(end..)).unwrap_or_default();
    let resumed = |end: u64| collect(|visit| resume_items(rest(end), end, visit));
    let _ = resumed(u64::from(anywhere));
    let (items, outcome) = collect(|visit| read_items(bytes, "findings", visit));
    for (place, (text, end)) in items.iter().enumerate() {
        let words = ItemWords::read(ItemKind::Finding, text);
        let finding = FindingItem::decode(text);
        assert_eq!(words.is_some(), finding.is_some());
        assert_eq!(words.is_some(), EvidenceItem::decode(text).is_some());
        if let (Some(words), Some(finding)) = (words, finding) {
            assert_eq!((&*words.severity, &*words.disposition), (&*finding.severity, &*finding.disposition));
            assert_eq!((&*words.result, &*words.check_id), (&*finding.classification, &*finding.check_id));
        }
        if outcome.is_ok() && place < 16 {
            let (after, outcome) = resumed(*end);
            assert!(outcome.is_ok());
            assert_eq!(Some(after.as_slice()), items.get(place + 1..));
        }
    }
});
