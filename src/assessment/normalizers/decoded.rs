//! A stream of bytes in whatever encoding as a stream of UTF-8: what is malformed is replaced, a byte order mark is dropped.

use std::io::{self, BufRead, Read};

use encoding_rs::{CoderResult, Decoder, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::bounds::wide;
use crate::model::printable;

/// So much is read at once; an XML declaration stands within the first of it.
const CHUNK: usize = 16 * 1024;

/// What says the encoding where no byte order mark does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declared {
    /// Nothing: it is UTF-8.
    Nowhere,
    /// The XML declaration.
    InXml,
}

/// The stream. Read with [`BufRead`].
pub(super) struct Decoded<R> {
    input: R,
    declared: Declared,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    raw_at: usize,
    is_over: bool,
    out: Vec<u8>,
    out_at: usize,
    out_end: usize,
    /// Line breaks in what was consumed.
    line_breaks: u64,
}

impl<R: Read> Decoded<R> {
    pub(super) fn new(input: R, declared: Declared) -> Self {
        Self {
            input,
            declared,
            decoder: None,
            raw: Vec::new(),
            raw_at: 0,
            is_over: false,
            // Room for the worst growth of a chunk (three bytes for one), so that every call makes progress.
            out: vec![0; 3 * CHUNK + 64],
            out_at: 0,
            out_end: 0,
            line_breaks: 0,
        }
    }

    /// The line, from 1, of the next byte that is not consumed.
    pub(super) const fn line(&self) -> u64 {
        self.line_breaks + 1
    }

    /// Reads until a chunk is full or the input is at its end.
    fn refill(&mut self) -> io::Result<()> {
        self.raw.clear();
        self.raw_at = 0;
        // A declaration may come in pieces, so the first chunk has to be as full as can be.
        let wanted = if self.decoder.is_none() { CHUNK } else { 1 };
        let mut chunk = [0_u8; CHUNK];
        while self.raw.len() < wanted {
            let room = CHUNK.saturating_sub(self.raw.len());
            match self.input.read(chunk.get_mut(..room).unwrap_or_default()) {
                Ok(0) => {
                    self.is_over = true;
                    break;
                }
                Ok(count) => self.raw.extend_from_slice(chunk.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.decoder.is_none() {
            let encoding = encoding_of(&self.raw, self.declared).map_err(io::Error::other)?;
            self.decoder = Some(encoding.new_decoder_with_bom_removal());
        }
        Ok(())
    }

    fn decode(&mut self) -> io::Result<()> {
        (self.out_at, self.out_end) = (0, 0);
        while self.out_end == 0 {
            if self.raw_at >= self.raw.len() {
                if self.is_over {
                    return Ok(());
                }
                self.refill()?;
            }
            let Some(decoder) = &mut self.decoder else { return Ok(()) };
            let raw = self.raw.get(self.raw_at..).unwrap_or_default();
            let (result, read, written, _) = decoder.decode_to_utf8(raw, &mut self.out, self.is_over);
            self.raw_at += read;
            self.out_end = written;
            if self.is_over && result == CoderResult::InputEmpty {
                // A finished decoder must not be asked again.
                self.decoder = None;
                self.raw_at = self.raw.len();
                return Ok(());
            }
        }
        Ok(())
    }
}

impl<R: Read> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.out_at >= self.out_end {
            self.decode()?;
        }
        Ok(self.out.get(self.out_at..self.out_end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        let end = self.out_at.saturating_add(amount).min(self.out_end);
        let consumed = self.out.get(self.out_at..end).unwrap_or_default();
        self.line_breaks += wide(consumed.iter().filter(|byte| **byte == b'\n').count());
        self.out_at = end;
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        super::bounds::read_buffered(self, into)
    }
}

fn encoding_of(start: &[u8], declared: Declared) -> Result<&'static Encoding, String> {
    if let Some((encoding, _)) = Encoding::for_bom(start) {
        return Ok(encoding);
    }
    match (declared, start) {
        (Declared::Nowhere, _) => Ok(UTF_8),
        (Declared::InXml, [b'<', 0, ..]) => Ok(UTF_16LE),
        (Declared::InXml, [0, b'<', ..]) => Ok(UTF_16BE),
        (Declared::InXml, _) => {
            let Some(label) = declared_label(start) else { return Ok(UTF_8) };
            match Encoding::for_label(label) {
                // Its declaration was readable as ASCII, so UTF-16 it is not; some writers say so all the same.
                Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok(UTF_8),
                Some(encoding) if encoding != REPLACEMENT => Ok(encoding),
                _ => Err(format!(
                    "the encoding {:?} is not known; write the report in UTF-8",
                    printable(&String::from_utf8_lossy(label), 40)
                )),
            }
        }
    }
}

/// The encoding that an XML declaration names.
fn declared_label(start: &[u8]) -> Option<&[u8]> {
    let declaration = start.trim_ascii_start().strip_prefix(b"<?xml")?;
    let end = declaration.iter().position(|byte| *byte == b'>')?;
    let declaration = declaration.get(..end)?;
    let place = declaration.windows(8).position(|window| window == b"encoding")?;
    let rest = declaration.get(place + 8..)?.trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    let end = rest.iter().position(|byte| byte == quote && matches!(quote, b'"' | b'\''))?;
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives one byte at a time.
    pub(in super::super) struct Slowly<'a>(pub(in super::super) &'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(into.len()).min(1);
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn decoded(bytes: &[u8], declared: Declared) -> io::Result<String> {
        let (mut whole, mut slow) = (Vec::new(), Vec::new());
        Decoded::new(bytes, declared).read_to_end(&mut whole)?;
        Decoded::new(Slowly(bytes), declared).read_to_end(&mut slow)?;
        assert_eq!(whole, slow);
        Ok(String::from_utf8(whole).expect("UTF-8"))
    }

    fn utf16(text: &str, big: bool, mark: bool) -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit: u16| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    }

    #[test]
    fn what_a_mark_a_pattern_or_a_declaration_says_is_believed() {
        let xml = "<?xml version='1.0' encoding='utf-16'?><a b=\"ü\"/>";
        for (big, mark) in [(false, true), (true, true), (false, false), (true, false)] {
            assert_eq!(decoded(&utf16(xml, big, mark), Declared::InXml).expect("read"), xml);
        }
        // Written as UTF-8 all the same.
        assert_eq!(decoded(xml.as_bytes(), Declared::InXml).expect("read"), xml);
        assert_eq!(decoded(b"\xef\xbb\xbfok", Declared::Nowhere).expect("read"), "ok");
        assert_eq!(decoded(&utf16("ok 1", false, true), Declared::Nowhere).expect("read"), "ok 1");
        let latin = b"<?xml version=\"1.0\" encoding = \"ISO-8859-1\" ?><a>\xfc</a>";
        assert!(decoded(latin, Declared::InXml).expect("read").ends_with("<a>ü</a>"));
    }

    #[test]
    fn an_unknown_encoding_is_refused_with_its_name() {
        let error = decoded(b"<?xml version='1.0' encoding='ebcdic-x'?><a/>", Declared::InXml).expect_err("refused");
        assert!(error.to_string().contains("\"ebcdic-x\" is not known"), "{error}");
    }

    #[test]
    fn what_is_malformed_is_replaced() {
        assert_eq!(decoded(b"a\xffb\xc3", Declared::Nowhere).expect("read"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn lines_are_counted_as_they_are_consumed() {
        let mut stream = Decoded::new(&b"a\nb\nc"[..], Declared::Nowhere);
        assert_eq!((stream.fill_buf().expect("filled").len(), stream.line()), (5, 1));
        stream.consume(3);
        assert_eq!(stream.line(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_become_utf8(bytes in proptest::collection::vec(any::<u8>(), 0..300), xml in any::<bool>()) {
            let _ = decoded(&bytes, if xml { Declared::InXml } else { Declared::Nowhere });
        }
    }
}
