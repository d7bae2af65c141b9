//! The outline of a YAML document: which keys and list items stand under which, by indentation alone.
//!
//! Enough to tell a pipeline from an empty shell without expanding anchors or building values, so a hostile file costs
//! no more than its length. Text inside block scalars is skipped; flow collections stay the text of their key.

/// One key or list item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The column it starts in.
    pub indent: usize,
    /// The key; none for a list item.
    pub key: Option<String>,
    /// What follows a key on its line, without a comment; empty for a list item.
    pub value: String,
    /// The line, counted from 1.
    pub line: u64,
}

impl Entry {
    /// Whether it is a list item.
    pub fn is_item(&self) -> bool {
        self.key.is_none()
    }
}

/// The outline of the text.
pub fn outline(text: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut scalar: Option<usize> = None;
    for (line, content) in (1_u64..).zip(text.lines()) {
        let trimmed = content.trim();
        let indent = content.len().saturating_sub(content.trim_start().len());
        if trimmed.is_empty() {
            continue;
        }
        if scalar.is_some_and(|parent| indent > parent) {
            continue;
        }
        scalar = None;
        if trimmed.starts_with('#') || trimmed.starts_with("---") || trimmed == "..." || trimmed.starts_with('%') {
            continue;
        }
        scalar = push_line(&mut entries, trimmed, indent, line);
    }
    entries
}

/// Adds what one line holds; gives the indentation beyond which a block scalar goes on.
fn push_line(entries: &mut Vec<Entry>, text: &str, indent: usize, line: u64) -> Option<usize> {
    let mut rest = without_comment(text);
    let mut column = indent;
    while let Some(after) = item(rest) {
        let inner = after.trim_start();
        entries.push(Entry { indent: column, key: None, value: String::new(), line });
        if is_block_scalar(inner) {
            return Some(column);
        }
        column = column.saturating_add(rest.len().saturating_sub(inner.len()));
        rest = inner;
    }
    let (key, value) = key_value(rest)?;
    entries.push(Entry { indent: column, key: Some(key.to_owned()), value: value.to_owned(), line });
    is_block_scalar(value).then_some(column)
}

fn item(text: &str) -> Option<&str> {
    let rest = text.strip_prefix('-')?;
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some(rest)
}

fn key_value(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(['{', '[', '|', '>']) {
        return None;
    }
    if let Some(quote) = text.chars().next().filter(|first| ['"', '\''].contains(first)) {
        let (key, rest) = text.strip_prefix(quote)?.split_once(quote)?;
        return rest.trim_start().strip_prefix(':').map(|value| (key, value.trim()));
    }
    match text.split_once(": ") {
        Some((key, value)) => Some((key.trim(), value.trim())),
        None => text.strip_suffix(':').map(|key| (key.trim(), "")),
    }
}

fn is_block_scalar(value: &str) -> bool {
    let value =
        value.rsplit_once(' ').map_or(value, |(tag, last)| if tag.starts_with(['!', '&']) { last } else { value });
    value.starts_with(['|', '>']) && value.chars().skip(1).all(|letter| "+-0123456789".contains(letter))
}

fn without_comment(text: &str) -> &str {
    text.split_once(" #")
        .map_or(text, |(before, _)| if before.matches(['"', '\'']).count().is_multiple_of(2) { before } else { text })
        .trim_end()
}

/// What stands under the entry at this position.
pub fn block(entries: &[Entry], at: usize) -> &[Entry] {
    let Some(parent) = entries.get(at) else {
        return &[];
    };
    let rest = entries.get(at.saturating_add(1)..).unwrap_or_default();
    let end = rest
        .iter()
        .position(|entry| {
            let hangs = entry.is_item() && !parent.is_item() && entry.indent == parent.indent;
            entry.indent <= parent.indent && !hangs
        })
        .unwrap_or(rest.len());
    rest.get(..end).unwrap_or_default()
}

/// The keys directly in a block, each with its position.
pub fn children(block: &[Entry]) -> impl Iterator<Item = (usize, &Entry)> {
    let least = block.iter().map(|entry| entry.indent).min();
    block.iter().enumerate().filter(move |(_, entry)| Some(entry.indent) == least && !entry.is_item())
}

/// The position of a key directly in a block.
pub fn child(block: &[Entry], key: &str) -> Option<usize> {
    children(block).find(|(_, entry)| entry.key.as_deref() == Some(key)).map(|(at, _)| at)
}

/// Whether a key directly in a block holds anything: a value, or entries under it.
pub fn is_filled(entries: &[Entry], key: &str) -> bool {
    child(entries, key).is_some_and(|at| entries.get(at).is_some_and(has_value) || !block(entries, at).is_empty())
}

/// Whether the entry has a value on its line that is not an empty one.
pub fn has_value(entry: &Entry) -> bool {
    !["", "[]", "{}", "null", "~", "\"\"", "''"].contains(&entry.value.as_str()) && !entry.value.starts_with('&')
}

/// Whether a key stands anywhere in the entries with something in it.
pub fn is_filled_anywhere(entries: &[Entry], accept: impl Fn(&str) -> bool) -> bool {
    entries.iter().enumerate().any(|(at, entry)| {
        entry.key.as_deref().is_some_and(&accept) && (has_value(entry) || !block(entries, at).is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_list_may_stand_at_the_column_of_its_key() {
        let entries = outline("steps:\n- run: a\n- run: b\nother: 1\n");
        assert_eq!(block(&entries, 0).len(), 4);
        assert!(is_filled(&entries, "steps"));
    }

    #[test]
    fn text_in_a_block_scalar_is_no_key() {
        let entries = outline("run: |\n  jobs:\n    a:\n\n  steps:\nnext: 1\n");
        let keys: Vec<_> = entries.iter().filter_map(|entry| entry.key.as_deref()).collect();
        assert_eq!(keys, ["run", "next"]);
    }

    #[test]
    fn quoted_keys_and_comments_are_read() {
        let entries = outline("\"on\": push # why\n# jobs:\n");
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].key.as_deref(), entries[0].value.as_str()), (Some("on"), "push"));
    }

    #[test]
    fn an_empty_collection_is_not_filled() {
        assert!(!is_filled(&outline("steps: []\n"), "steps"));
        assert!(!is_filled(&outline("steps:\nname: x\n"), "steps"));
    }

    proptest! {
        #[test]
        fn any_text_has_an_outline(text in "[-a: |>#\"'\\[{&\n\t]{0,200}|\\PC{0,100}") {
            let entries = outline(&text);
            for at in 0..entries.len() {
                prop_assert!(block(&entries, at).len() < entries.len());
            }
        }
    }
}
