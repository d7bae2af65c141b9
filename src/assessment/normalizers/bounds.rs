//! How long what is kept of a report may be, and the functions that cut it.

use std::io::BufRead;

use crate::model::printable;

/// The most items of one step.
pub(super) const ITEMS: usize = 100_000;
/// The most of them that passed, so that what comes late and fails still has a place.
pub(super) const PASSES: usize = ITEMS / 2;
/// The most bytes of text in all items of one step.
pub(super) const TEXT_BYTES: usize = 32 * 1024 * 1024;
/// The most characters of a name.
pub(super) const NAME: usize = 500;
/// The most characters of a first line.
pub(super) const LINE: usize = 300;
/// The most bytes of a body.
pub(super) const BODY: usize = 2 * 1024;
/// The most names in a list of what is not shown.
pub(super) const NAMES: usize = 20;
/// The most bytes of one piece of text that a parser is given.
pub(super) const PIECE: usize = 64 * 1024;

/// The text without control characters other than line breaks and tabs, cut after `limit` bytes.
pub(super) fn body(text: &str, limit: usize) -> String {
    let mut kept = String::with_capacity(text.len().min(limit));
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if kept.len() + letter.len_utf8() > limit {
            kept.push('…');
            break;
        }
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' | '\t' => kept.push(letter),
            '\r' => kept.push('\n'),
            letter if letter.is_control() => kept.push('\u{fffd}'),
            letter => kept.push(letter),
        }
    }
    kept
}

/// The first line that is not blank, cut and fit for a terminal.
pub(super) fn first_line(text: &str) -> Option<String> {
    text.lines().map(str::trim).find(|line| !line.is_empty()).map(|line| printable(line, LINE))
}

/// The first of these lines that says something, with the next where it ends in a colon.
pub(super) fn headline<'a>(lines: impl Iterator<Item = &'a str>, says: impl Fn(&str) -> bool) -> Option<String> {
    let mut lines = lines.map(str::trim).filter(|line| !line.is_empty()).skip_while(|line| !says(line));
    let first = lines.next()?;
    let next = lines.next().filter(|_| first.ends_with(':'));
    Some(printable(&next.map_or_else(|| first.to_owned(), |next| format!("{first} {next}")), LINE))
}

/// A name as it is shown and matched.
pub(super) fn name(text: &str) -> String {
    printable(text.trim(), NAME)
}

/// Appends to `kept` what fits within `limit` bytes.
pub(super) fn append(kept: &mut String, text: &str, limit: usize) {
    let room = limit.saturating_sub(kept.len());
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    kept.push_str(text.get(..end.unwrap_or(0)).unwrap_or_default());
}

/// A number of bytes or items, wide enough for any.
pub(super) fn wide(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// What reading is for a reader that has a buffer of its own.
pub(super) fn read_buffered(reader: &mut impl BufRead, into: &mut [u8]) -> std::io::Result<usize> {
    let available = reader.fill_buf()?;
    let count = available.len().min(into.len());
    if let (Some(into), Some(from)) = (into.get_mut(..count), available.get(..count)) {
        into.copy_from_slice(from);
    }
    reader.consume(count);
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_keeps_its_lines_and_loses_its_control_characters() {
        assert_eq!(body("a\r\n\tb\u{1b}[31m\rc\0", 80), "a\n\tb\u{fffd}[31m\nc\u{fffd}");
        assert_eq!(body("grüße", 4), "grü…");
    }

    #[test]
    fn the_first_line_is_the_first_that_says_something() {
        assert_eq!(first_line("\n  \n  said \u{202e} \nmore").as_deref(), Some("said \\u{202e}"));
        assert_eq!(first_line(" \n"), None);
        assert_eq!(headline("x\n \na:\n\n b\nc".lines(), |line| line != "x").as_deref(), Some("a: b"));
    }

    #[test]
    fn appending_never_cuts_a_letter() {
        let mut kept = "ab".to_owned();
        append(&mut kept, "üü", 5);
        assert_eq!(kept, "abü");
    }
}
