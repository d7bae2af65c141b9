//! Pages that fit into a message.

use prost::Message;

/// What a page may hold in items, in bytes: the rest of a message is left to its other fields.
const PAGE_BYTES: usize = super::MAX_MESSAGE_BYTES - (256 << 10);

/// Cuts a page that would outgrow its message. Keeps at least one item, and returns how many are kept.
pub(super) fn fitting<M: Message>(items: &mut Vec<M>) -> usize {
    let mut room = PAGE_BYTES;
    let mut kept = 0;
    for item in items.iter() {
        let size = item.encoded_len() + 8;
        if kept > 0 && size > room {
            break;
        }
        room = room.saturating_sub(size);
        kept += 1;
    }
    items.truncate(kept);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::pb;

    #[test]
    fn a_page_ends_early_rather_than_outgrow_its_message_and_is_never_empty() {
        let large = pb::Problem { message: "x".repeat(1 << 20), ..Default::default() };
        let mut items = vec![large; 5];
        assert_eq!(fitting(&mut items), 2);
        let mut huge = vec![pb::Problem { message: "x".repeat(4 << 20), ..Default::default() }];
        assert_eq!(fitting(&mut huge), 1);
    }
}
