//! JSON with every string bounded and nesting limited, for a parser that holds a string whole.

use std::io::{self, BufRead, Read};

use super::bounds::PIECE;
use super::decoded::{Declared, Decoded};

/// The most arrays and objects within each other. Parsers go down so far, and no further.
const DEPTH: usize = 120;

/// The stream. A string is cut after 64 KiB.
pub(super) struct JsonBounds<R> {
    input: Decoded<R>,
    depth: usize,
    string: Option<InString>,
}

#[derive(Debug, Clone, Copy, Default)]
struct InString {
    length: usize,
    /// Whether a backslash was just seen.
    is_escaped: bool,
    /// The hexadecimal digits of `\u` that are still to come.
    hex: u8,
    /// The value of those that came.
    unit: u16,
    is_cut: bool,
}

impl<R: Read> JsonBounds<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input: Decoded::new(input, Declared::Nowhere), depth: 0, string: None }
    }
}

impl<R: Read> Read for JsonBounds<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written == 0 && !into.is_empty() {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(0);
            }
            let mut used = 0;
            for (byte, place) in available.iter().zip(&mut *into) {
                // The two go side by side until something is left out; then the rest comes with the next round.
                used += 1;
                if step(*byte, &mut self.string, &mut self.depth)? {
                    *place = *byte;
                    written += 1;
                } else {
                    break;
                }
            }
            if written == 0 {
                // Nothing of what is being cut is wanted, so that it need not be looked at one round at a time.
                for byte in available.get(used..).unwrap_or_default() {
                    if !self.string.is_some_and(|string| string.is_cut) || *byte == b'"' {
                        break;
                    }
                    used += 1;
                    if step(*byte, &mut self.string, &mut self.depth)? {
                        break;
                    }
                }
            }
            self.input.consume(used);
        }
        Ok(written)
    }
}

/// Takes one byte; whether it is kept.
fn step(byte: u8, string: &mut Option<InString>, depth: &mut usize) -> io::Result<bool> {
    let Some(within) = string else {
        match byte {
            b'"' => *string = Some(InString::default()),
            b'[' | b'{' => *depth += 1,
            b']' | b'}' => *depth = depth.saturating_sub(1),
            _ => {}
        }
        if *depth > DEPTH {
            return Err(io::Error::other(format!("more than {DEPTH} arrays and objects stand within each other")));
        }
        return Ok(true);
    };
    let is_between = !within.is_escaped && within.hex == 0;
    if is_between && byte == b'"' {
        *string = None;
        return Ok(true);
    }
    // A cut comes between two letters: not within an escape, nor between the halves of a surrogate pair.
    let is_half = (0xd800..0xdc00).contains(&within.unit);
    if is_between && within.length >= PIECE && byte & 0xc0 != 0x80 && !is_half {
        within.is_cut = true;
    }
    if within.is_escaped {
        within.is_escaped = false;
        (within.hex, within.unit) = if byte == b'u' { (4, 0) } else { (0, 0) };
    } else if within.hex > 0 {
        within.hex -= 1;
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        within.unit = (within.unit << 4) | digit.unwrap_or(0);
    } else {
        within.is_escaped = byte == b'\\';
        if !within.is_escaped {
            within.unit = 0;
        }
    }
    within.length = within.length.saturating_add(1);
    Ok(!within.is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bounded(text: &str) -> io::Result<String> {
        let mut out = String::new();
        JsonBounds::new(text.as_bytes()).read_to_string(&mut out)?;
        Ok(out)
    }

    #[test]
    fn what_is_short_stays_as_it_is() {
        let text = r#"{"a\\": ["\"x\\\"", 1.5e3, "\ud83d\ude00", {"b": null}], "c": "[[[{{{"}"#;
        assert_eq!(bounded(text).expect("read"), text);
    }

    #[test]
    fn a_long_string_is_cut_and_stays_a_string() {
        for letter in ["a", "ü", "\\\"", "\\u00fc", "\\ud83d\\ude00", "\\\\"] {
            let text = format!("[\"{}\", 7]", letter.repeat(PIECE));
            let out = bounded(&text).expect("read");
            assert!(out.len() < PIECE + 100 && out.ends_with("\", 7]"), "{letter} {}", out.len());
            assert!(serde_json::from_str::<serde_json::Value>(&out).is_ok(), "{letter}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_before_a_parser_sees_it() {
        assert!(bounded(&"[".repeat(DEPTH)).is_ok());
        assert!(bounded(&"[".repeat(DEPTH + 1)).expect_err("refused").to_string().contains("within each other"));
    }

    proptest! {
        #[test]
        fn whatever_is_short_passes_unchanged(text in r#"[\["\\u{}a0ü,:\]]{0,60}"#) {
            prop_assert_eq!(bounded(&text).expect("read"), text);
        }
    }
}
