//! XML with every piece bounded, for a parser that holds a piece whole: long text and long attribute values are cut, comments, processing
//! instructions and the document type are left out, and what no XML character is is replaced.
//!
//! A document type with an internal subset is refused here, before anything could be expanded; an external one is never fetched.

use std::io::{self, BufRead, Read};

use super::bounds::PIECE;
use super::decoded::{Declared, Decoded};

/// The most bytes of an attribute's value.
const VALUE: usize = 16 * 1024;
/// The most bytes of a tag, values cut.
const TAG: usize = 256 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Outside of markup; so many bytes since it began.
    Text(usize),
    /// Behind `<`.
    Open,
    /// In a tag.
    Tag,
    /// In a value, up to this quote; so many bytes since it began.
    Value(u8, usize),
    /// Behind `<!`, with what came of it.
    Bang,
    /// In a comment, with so many of `-->` seen.
    Comment(u8),
    /// In a processing instruction; whether `?` was just seen.
    Instruction(bool),
    /// In a CDATA section: so many bytes, and so many `]` just seen.
    CData(usize, u8),
    /// In a document type, up to this quote if in one.
    DocType(Option<u8>),
}

/// The stream. Read with [`BufRead`]: a buffer never goes beyond one piece of text or markup.
pub(super) struct XmlBounds<R> {
    input: Decoded<R>,
    state: State,
    out: Vec<u8>,
    out_at: usize,
    /// What came behind `<!` and is not decided.
    bang: Vec<u8>,
    tag_bytes: usize,
    refusal: Option<String>,
    line: u64,
}

impl<R: Read> XmlBounds<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: Decoded::new(input, Declared::InXml),
            state: State::Text(0),
            out: Vec::new(),
            out_at: 0,
            bang: Vec::new(),
            tag_bytes: 0,
            refusal: None,
            line: 1,
        }
    }

    /// The line, from 1, in which the last piece ended.
    pub(super) const fn line(&self) -> u64 {
        self.line
    }

    /// Why the stream ended with an error, where that was decided here.
    pub(super) fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Reads one piece, or as much of it as is at hand.
    fn produce(&mut self) -> io::Result<()> {
        self.out.clear();
        self.out_at = 0;
        while self.out.is_empty() {
            let available = match self.input.fill_buf() {
                Ok(available) => available,
                Err(error) => {
                    self.refusal = Some(format!("the report cannot be read: {error}"));
                    return Err(error);
                }
            };
            if available.is_empty() {
                return Ok(());
            }
            let mut used = 0;
            let mut refusal = None;
            let mut pieces =
                Pieces { state: self.state, out: &mut self.out, bang: &mut self.bang, tag_bytes: &mut self.tag_bytes };
            for byte in available {
                used += 1;
                match pieces.step(*byte) {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(sentence) => {
                        refusal = Some(sentence);
                        break;
                    }
                }
            }
            self.state = pieces.state;
            self.input.consume(used);
            self.line = self.input.line();
            if let Some(sentence) = refusal {
                self.refusal = Some(sentence.to_owned());
                return Err(io::Error::other(sentence));
            }
        }
        Ok(())
    }
}

struct Pieces<'a> {
    state: State,
    out: &'a mut Vec<u8>,
    bang: &'a mut Vec<u8>,
    tag_bytes: &'a mut usize,
}

impl Pieces<'_> {
    /// Takes one byte; whether a piece ends with it.
    fn step(&mut self, byte: u8) -> Result<bool, &'static str> {
        match self.state {
            State::Text(_) if byte == b'<' => {
                self.state = State::Open;
                // The text before it is a piece. The `<` itself is written when it is clear that a tag follows.
                return Ok(!self.out.is_empty());
            }
            State::Text(length) => self.state = State::Text(self.put_within(byte, length, PIECE)),
            State::Open => match byte {
                b'!' => {
                    self.bang.clear();
                    self.state = State::Bang;
                }
                b'?' => self.state = State::Instruction(false),
                byte => {
                    self.out.push(b'<');
                    *self.tag_bytes = 0;
                    self.state = State::Tag;
                    return self.tag(byte);
                }
            },
            State::Tag => return self.tag(byte),
            State::Value(quote, _) if byte == quote => {
                self.out.push(byte);
                self.count(1)?;
                self.state = State::Tag;
            }
            State::Value(quote, length) => {
                let before = self.out.len();
                self.state = State::Value(quote, self.put_within(byte, length, VALUE));
                self.count(self.out.len() - before)?;
            }
            State::Bang => return self.bang(byte),
            State::Comment(seen) => {
                self.state = match (seen, byte) {
                    (0 | 1, b'-') => State::Comment(seen + 1),
                    (2, b'-') => State::Comment(2),
                    (2, b'>') => State::Text(0),
                    _ => State::Comment(0),
                };
            }
            State::Instruction(is_ending) => {
                self.state = if is_ending && byte == b'>' { State::Text(0) } else { State::Instruction(byte == b'?') };
            }
            State::CData(length, seen) => return Ok(self.cdata(byte, length, seen)),
            State::DocType(Some(quote)) => {
                self.state = State::DocType((byte != quote).then_some(quote));
            }
            State::DocType(None) => match byte {
                b'[' => {
                    return Err(
                        "the document type declares entities or more of its own; entity expansion is refused, \
                                and so is such a report",
                    );
                }
                b'"' | b'\'' => self.state = State::DocType(Some(byte)),
                b'>' => self.state = State::Text(0),
                _ => {}
            },
        }
        Ok(false)
    }

    fn tag(&mut self, byte: u8) -> Result<bool, &'static str> {
        let before = self.out.len();
        self.put(byte);
        self.count(self.out.len() - before)?;
        match byte {
            b'>' => {
                self.state = State::Text(0);
                return Ok(true);
            }
            b'"' | b'\'' => self.state = State::Value(byte, 0),
            _ => {}
        }
        Ok(false)
    }

    fn count(&mut self, bytes: usize) -> Result<(), &'static str> {
        *self.tag_bytes += bytes;
        if *self.tag_bytes > TAG { Err("a tag is longer than 256 KiB") } else { Ok(()) }
    }

    /// Decides what begins with `<!`.
    fn bang(&mut self, byte: u8) -> Result<bool, &'static str> {
        self.bang.push(byte);
        match self.bang.as_slice() {
            b"--" => self.state = State::Comment(0),
            b"[CDATA[" => {
                self.out.extend_from_slice(b"<![CDATA[");
                self.state = State::CData(0, 0);
            }
            seen if seen.eq_ignore_ascii_case(b"DOCTYPE") => self.state = State::DocType(None),
            seen => {
                let begins = |word: &[u8]| word.get(..seen.len()).is_some_and(|start| start.eq_ignore_ascii_case(seen));
                if ![&b"--"[..], b"[CDATA[", b"DOCTYPE"].into_iter().any(begins) {
                    return Err("a `<!` begins neither a comment nor a CDATA section nor a document type");
                }
            }
        }
        Ok(false)
    }

    /// Brackets are held back until it is clear whether they end the section, so that a cut never hides the end.
    fn cdata(&mut self, byte: u8, length: usize, seen: u8) -> bool {
        match (seen, byte) {
            (2, b'>') => {
                self.out.extend_from_slice(b"]]>");
                self.state = State::Text(0);
                return true;
            }
            (2, b']') => self.state = State::CData(self.put_within(b']', length, PIECE), 2),
            (_, b']') => self.state = State::CData(length, seen + 1),
            (_, byte) => {
                let mut length = length;
                for _ in 0..seen {
                    length = self.put_within(b']', length, PIECE);
                }
                self.state = State::CData(self.put_within(byte, length, PIECE), 0);
            }
        }
        false
    }

    /// Writes the byte if no more than `limit` came before it, never a part of a letter. Gives the new length.
    fn put_within(&mut self, byte: u8, length: usize, limit: usize) -> usize {
        // A letter that began within the limit is finished; the first that begins beyond it ends the writing for good.
        let is_continuation = byte & 0xc0 == 0x80;
        if length < limit || (is_continuation && length < limit + 4) {
            self.put(byte);
            return length + 1;
        }
        limit + 4
    }

    fn put(&mut self, byte: u8) {
        match byte {
            b'\t' | b'\n' | b'\r' | 0x20.. => self.out.push(byte),
            _ => self.out.extend_from_slice("\u{fffd}".as_bytes()),
        }
    }
}

impl<R: Read> BufRead for XmlBounds<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.out_at >= self.out.len() {
            self.produce()?;
        }
        Ok(self.out.get(self.out_at..).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.out_at = self.out_at.saturating_add(amount).min(self.out.len());
    }
}

impl<R: Read> Read for XmlBounds<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        super::bounds::read_buffered(self, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounded(text: &str) -> Result<String, String> {
        let mut stream = XmlBounds::new(text.as_bytes());
        let mut out = String::new();
        match stream.read_to_string(&mut out) {
            Ok(_) => Ok(out),
            Err(error) => Err(stream.refusal().unwrap_or(&error.to_string()).to_owned()),
        }
    }

    #[test]
    fn what_is_no_text_tag_or_cdata_is_left_out() {
        let text = "<?xml version='1.0'?><!DOCTYPE a SYSTEM \"http://x/[y>\"><!-- <b> -- > ---><a b='>' c=\"<\">x &amp; y<![CDATA[]] ]>]]]></a>";
        assert_eq!(bounded(text).expect("read"), "<a b='>' c=\"<\">x &amp; y<![CDATA[]] ]>]]]></a>");
    }

    #[test]
    fn an_internal_subset_is_refused() {
        let text = "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><lolz>&lol2;</lolz>";
        assert!(bounded(text).expect_err("refused").contains("entity expansion is refused"));
        assert!(bounded("<a><!ELEMENT b></a>").is_err());
    }

    #[test]
    fn long_pieces_are_cut_between_letters() {
        let long = "ü".repeat(PIECE);
        let text = format!("<a b='{long}'>{long}]]<![CDATA[{long}]]]></a>");
        let out = bounded(&text).expect("read");
        assert!(out.len() < 2 * PIECE + VALUE + 64, "{}", out.len());
        assert!(out.ends_with("]]></a>"));
        for endless in ["a", "b='x' ", "b='' "] {
            let refused = bounded(&format!("<a {}>", endless.repeat(TAG / endless.len() + 1))).map(|out| out.len());
            assert!(refused.expect_err("refused").contains("256 KiB"));
        }
    }

    #[test]
    fn characters_that_xml_has_not_are_replaced() {
        assert_eq!(
            bounded("<a b='\u{1}'>\u{1b}[31m\0\t</a>").expect("read"),
            "<a b='\u{fffd}'>\u{fffd}[31m\u{fffd}\t</a>"
        );
    }

    #[test]
    fn the_line_is_that_of_the_piece() {
        let mut stream = XmlBounds::new(&b"<a>\n<b/>\n\n<c/></a>"[..]);
        let mut lines = Vec::new();
        loop {
            let piece = stream.fill_buf().expect("filled").to_vec();
            if piece.is_empty() {
                break;
            }
            stream.consume(piece.len());
            lines.push((String::from_utf8(piece).expect("text"), stream.line()));
        }
        let lines: Vec<(&str, u64)> = lines.iter().map(|(piece, line)| (piece.trim(), *line)).collect();
        assert_eq!(lines, [("<a>", 1), ("", 2), ("<b/>", 2), ("", 4), ("<c/>", 4), ("</a>", 4)]);
    }
}
