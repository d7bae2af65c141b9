//! Lines of a TAP stream, each bounded, and what they are.

use std::io::{BufRead, Read};

use super::bounds::PIECE;
use super::decoded::{Declared, Decoded};

/// The lines of a stream. A line is cut after 64 KiB.
pub(super) struct Lines<R> {
    input: Decoded<R>,
    number: u64,
    bytes: Vec<u8>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: Decoded::new(input, Declared::Nowhere), number: 0, bytes: Vec::new() }
    }

    /// The number, from 1, of the line that was given last.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// The next line, without its end.
    pub(super) fn next(&mut self) -> std::io::Result<Option<String>> {
        self.bytes.clear();
        let mut is_begun = false;
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                break;
            }
            is_begun = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let line = available.get(..end.unwrap_or(available.len())).unwrap_or_default();
            let room = PIECE.saturating_sub(self.bytes.len()).min(line.len());
            self.bytes.extend_from_slice(line.get(..room).unwrap_or_default());
            let used = line.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !is_begun {
            return Ok(None);
        }
        self.number += 1;
        // A cut may have come within a letter; lossy takes care of that.
        let text = String::from_utf8_lossy(&self.bytes);
        Ok(Some(text.strip_suffix('\r').unwrap_or(&text).to_owned()))
    }
}

/// The marks behind `#` that change what a point means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Skip,
    Todo,
}

/// A test point as its line has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PointLine {
    pub(super) is_ok: bool,
    pub(super) number: Option<u64>,
    pub(super) description: String,
    pub(super) directive: Option<Directive>,
    pub(super) reason: String,
    /// Whether ` {` ends the line: the subtest stands behind its point.
    pub(super) opens: bool,
}

/// What a line is, its indentation taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line<'a> {
    Version(&'a str),
    Plan { count: u64, reason: &'a str },
    Point(PointLine),
    BailOut(&'a str),
    Comment(&'a str),
    Pragma,
    Closing,
    Unknown,
}

impl<'a> Line<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        let text = text.trim_end();
        if let Some(comment) = text.strip_prefix('#') {
            return Self::Comment(comment.strip_prefix(' ').unwrap_or(comment));
        }
        if let Some(version) = text.strip_prefix("TAP version ") {
            return Self::Version(version.trim());
        }
        if let Some(reason) = text.strip_prefix("Bail out!") {
            return Self::BailOut(reason.trim());
        }
        if text.starts_with("pragma ") {
            return Self::Pragma;
        }
        if text == "}" {
            return Self::Closing;
        }
        plan(text).or_else(|| point(text).map(Self::Point)).unwrap_or(Self::Unknown)
    }
}

fn plan(text: &str) -> Option<Line<'_>> {
    let rest = text.strip_prefix("1..")?;
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (count, rest) = rest.split_at_checked(end)?;
    let rest = rest.trim_start();
    let reason = match rest.strip_prefix('#') {
        Some(comment) => without_word(comment.trim_start(), "skip").unwrap_or(comment).trim(),
        None if rest.is_empty() => "",
        None => return None,
    };
    Some(Line::Plan { count: count.parse().ok()?, reason })
}

/// What stands behind a word, whatever its case and ending (`skip`, `SKIP:`, `Skipped`).
fn without_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let start = text.get(..word.len())?;
    if !start.eq_ignore_ascii_case(word) {
        return None;
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    text.get(end..)
}

fn point(text: &str) -> Option<PointLine> {
    let (is_ok, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    if !rest.is_empty() && !rest.starts_with([' ', '\t']) {
        return None;
    }
    let rest = rest.trim_start();
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, behind) = rest.split_at_checked(end)?;
    let is_number = !digits.is_empty() && (behind.is_empty() || behind.starts_with(char::is_whitespace));
    let (number, rest) = if is_number { (digits.parse().ok(), behind.trim_start()) } else { (None, rest) };
    let rest = match rest.strip_prefix('-') {
        Some(behind) if behind.is_empty() || behind.starts_with(char::is_whitespace) => behind.trim_start(),
        _ => rest,
    };
    let (rest, opens) = match rest.strip_suffix('{') {
        Some(before) if before.is_empty() || before.ends_with(' ') => (before.trim_end(), true),
        _ => (rest, false),
    };
    let mut point = PointLine { is_ok, number, opens, ..PointLine::default() };
    let (mut description, mut rest) = (String::new(), rest);
    while let Some(place) = rest.find(['\\', '#']) {
        let (before, mark) = rest.split_at_checked(place)?;
        description.push_str(before);
        let behind = mark.get(1..)?;
        if mark.starts_with('\\') {
            let escaped = behind.chars().next().filter(|letter| matches!(letter, '#' | '\\'));
            description.push(escaped.unwrap_or('\\'));
            rest = behind.get(escaped.map_or(0, char::len_utf8)..)?;
            continue;
        }
        // A mark needs room before it: `C#` is a language.
        let has_room = description.is_empty() || description.ends_with(char::is_whitespace);
        let words = behind.trim_start();
        let directive = [("skip", Directive::Skip), ("todo", Directive::Todo)]
            .into_iter()
            .find_map(|(word, directive)| without_word(words, word).map(|reason| (directive, reason)));
        match directive.filter(|_| has_room) {
            Some((directive, reason)) => {
                point.directive = Some(directive);
                reason.trim().clone_into(&mut point.reason);
                rest = "";
            }
            // How long it took is no part of a name.
            None if has_room && words.starts_with("time=") => rest = without_word(words, "time").unwrap_or_default(),
            None => {
                description.push('#');
                rest = behind;
            }
        }
    }
    description.push_str(rest);
    description.trim().clone_into(&mut point.description);
    Some(point)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(text: &str) -> PointLine {
        match Line::read(text) {
            Line::Point(point) => point,
            other => panic!("{text:?} is {other:?}"),
        }
    }

    #[test]
    fn a_point_is_read_in_all_its_shapes() {
        let named = |text: &str| {
            let point = point(text);
            (point.is_ok, point.number, point.description)
        };
        assert_eq!(named("ok"), (true, None, String::new()));
        assert_eq!(named("not ok 2"), (false, Some(2), String::new()));
        assert_eq!(named("ok 3 - a"), (true, Some(3), "a".to_owned()));
        assert_eq!(named("ok 3 a - b"), (true, Some(3), "a - b".to_owned()));
        assert_eq!(named("ok - a"), (true, None, "a".to_owned()));
        assert_eq!(named("ok 3rd time"), (true, None, "3rd time".to_owned()));
        assert_eq!(named(r"ok 1 - a \# b \\ c \d C# #3"), (true, Some(1), r"a # b \ c \d C# #3".to_owned()));
        assert_eq!(named("ok 1 - a # time=3.5ms"), (true, Some(1), "a".to_owned()));
        assert_eq!(named("ok 99999999999999999999 - a"), (true, None, "a".to_owned()));
        for other in ["okay", "not okay", "OK 1", "ok: 1", "not  ok 1"] {
            assert_eq!(Line::read(other), Line::Unknown, "{other}");
        }
    }

    #[test]
    fn a_directive_is_read_in_any_case_and_not_when_escaped() {
        let directed = |text: &str| {
            let point = point(text);
            (point.description, point.directive, point.reason)
        };
        let of = |name: &str, directive, reason: &str| (name.to_owned(), directive, reason.to_owned());
        assert_eq!(directed("ok 1 # skip no net"), of("", Some(Directive::Skip), "no net"));
        assert_eq!(directed("ok 1 - a # SKIPPED: no net"), of("a", Some(Directive::Skip), "no net"));
        assert_eq!(directed("not ok 1 - a #todo"), of("a", Some(Directive::Todo), ""));
        assert_eq!(directed(r"ok 1 - a \# skip b"), of("a # skip b", None, ""));
        assert_eq!(directed(r"ok 1 - a \\# TODO b"), of(r"a \# TODO b", None, ""));
        assert!(point("ok 1 - a # time=5ms {").opens && point("ok 1 {").opens && !point("ok 1 - a{").opens);
    }

    #[test]
    fn plans_and_the_rest_are_told_apart() {
        assert_eq!(Line::read("1..7"), Line::Plan { count: 7, reason: "" });
        assert_eq!(Line::read("1..0 # SKIP not here"), Line::Plan { count: 0, reason: "not here" });
        assert_eq!(Line::read("1..0 # not here"), Line::Plan { count: 0, reason: "not here" });
        assert_eq!(Line::read("1..x"), Line::Unknown);
        assert_eq!(Line::read("Bail out! why"), Line::BailOut("why"));
        assert_eq!(Line::read("TAP version 14"), Line::Version("14"));
        assert_eq!(Line::read("# Subtest: a"), Line::Comment("Subtest: a"));
        assert_eq!(Line::read("pragma +strict"), Line::Pragma);
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_one_comes_whole() {
        let text = format!("ok 1 - {}\r\nok 2", "ü".repeat(PIECE));
        let mut lines = Lines::new(text.as_bytes());
        assert!(lines.next().expect("read").expect("a line").len() <= PIECE + 3);
        assert_eq!(lines.next().expect("read").as_deref(), Some("ok 2"));
        assert_eq!((lines.next().expect("read"), lines.number()), (None, 2));
    }

    proptest! {
        #[test]
        fn any_line_is_something(text in r"(not ok|ok|1\.\.|#)?[ \\#a-z0-9ü{}\-:]{0,40}") {
            let _ = Line::read(&text);
        }
    }
}
