//! The header `Range`: one part of a file. What is malformed, in another unit or of several parts asks for the whole, as RFC 9110 allows.

use http::HeaderMap;
use http::header::RANGE;

/// What a request wants of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// All of it.
    Whole,
    /// From the first to the last byte, both included, within the file.
    Part {
        /// The first byte's place, from 0.
        first: u64,
        /// The last byte's place.
        last: u64,
    },
    /// Nothing that the file has.
    Unsatisfiable,
}

/// What the headers ask of a file of this size.
pub(super) fn of(headers: &HeaderMap, size: u64) -> Range {
    let mut values = headers.get_all(RANGE).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok().and_then(|value| parse(value, size)).unwrap_or(Range::Whole),
        _ => Range::Whole,
    }
}

fn parse(value: &str, size: u64) -> Option<Range> {
    let (unit, range) = value.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = range.trim().split_once('-')?;
    let (first, last) = match (number(first)?, number(last)?) {
        (None, None) => return None,
        (None, Some(0)) => return Some(Range::Unsatisfiable),
        (None, Some(length)) => (size.saturating_sub(length), None),
        (Some(first), last) => (first, last),
    };
    if last.is_some_and(|last| last < first) {
        return None;
    }
    let end = size.saturating_sub(1);
    if size == 0 || first > end {
        return Some(Range::Unsatisfiable);
    }
    Some(Range::Part { first, last: last.map_or(end, |last| last.min(end)) })
}

/// Digits, or nothing; `None` for anything else. A number that is too large is as large as can be.
fn number(text: &str) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| Some(text.parse().unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(value: &str, size: u64) -> Range {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, value.parse().expect("a value"));
        of(&headers, size)
    }

    #[test]
    fn one_range_is_a_part_cut_to_the_size() {
        for (value, first, last) in [
            ("bytes=0-0", 0, 0),
            ("bytes=0-9", 0, 9),
            ("bytes=3-5", 3, 5),
            ("bytes=9-", 9, 9),
            ("bytes=0-", 0, 9),
            ("bytes=5-99", 5, 9),
            ("bytes=-1", 9, 9),
            ("bytes=-10", 0, 9),
            ("bytes=-99", 0, 9),
            ("Bytes= 2-3 ", 2, 3),
            ("bytes=1-99999999999999999999999999", 1, 9),
        ] {
            assert_eq!(asked(value, 10), Range::Part { first, last }, "{value}");
        }
    }

    #[test]
    fn what_begins_beyond_the_end_is_unsatisfiable() {
        for value in ["bytes=10-", "bytes=10-10", "bytes=99-100", "bytes=-0", "bytes=99999999999999999999999999-"] {
            assert_eq!(asked(value, 10), Range::Unsatisfiable, "{value}");
        }
        for value in ["bytes=0-", "bytes=0-0", "bytes=-1"] {
            assert_eq!(asked(value, 0), Range::Unsatisfiable, "{value}");
        }
    }

    #[test]
    fn malformed_and_several_ranges_ask_for_the_whole() {
        for value in [
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-3",
            "bytes=a-b",
            "bytes=1-2,4-5",
            "lines=1-2",
            "bytes=+1-2",
            "bytes=1--2",
            "bytes=0x1-2",
        ] {
            assert_eq!(asked(value, 10), Range::Whole, "{value}");
        }
        let mut twice = HeaderMap::new();
        twice.append(RANGE, "bytes=0-1".parse().expect("a value"));
        twice.append(RANGE, "bytes=2-3".parse().expect("a value"));
        assert_eq!(of(&twice, 10), Range::Whole);
        assert_eq!(of(&HeaderMap::new(), 10), Range::Whole);
    }

    proptest! {
        #[test]
        fn a_part_lies_within_the_file(value in "bytes=[0-9]{0,21}-[0-9]{0,21}", size in any::<u64>()) {
            if let Range::Part { first, last } = asked(&value, size) {
                prop_assert!(first <= last && last < size);
            }
        }
    }
}
