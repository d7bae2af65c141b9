//! Capturing a runner's output: redacted into a file up to a cap, the last lines in memory, and standard output raw for the result.
//!
//! Memory is bounded whatever the runner writes; what is beyond the caps is read and dropped, so that a runner is never blocked on a full pipe.

use std::collections::VecDeque;
use std::io::{Read, Write};

use super::credentials::{REDACTED, Redactor};

/// So much of a stream goes to its file when nobody states a limit.
pub(super) const CAPTURE_BYTES: u64 = 16 * 1024 * 1024;

/// At most so much of a result is read.
pub(super) const RESULT_BYTES: usize = 64 * 1024 * 1024;

/// So much of the end of a stream is kept for messages.
const TAIL_BYTES: usize = 4 * 1024;

/// What came through one stream.
#[derive(Debug, Default)]
pub(super) struct Captured {
    /// The raw bytes, if they were wanted and not more than [`RESULT_BYTES`].
    pub(super) raw: Vec<u8>,
    /// Whether there was more than [`RESULT_BYTES`].
    pub(super) raw_overflow: bool,
    /// The last lines, redacted.
    pub(super) tail: String,
    /// How many bytes came in all.
    pub(super) total_bytes: u64,
    /// Whether the file holds less than came.
    pub(super) truncated: bool,
    /// Why the file could not be written, if it could not.
    pub(super) write_error: Option<std::io::Error>,
}

/// Reads a stream to its end. At most `limit` bytes of it go to the file.
pub(super) fn capture(
    mut stream: impl Read,
    file: impl Write,
    redactor: &Redactor,
    limit: u64,
    keep_raw: bool,
) -> Captured {
    let mut captured = Captured::default();
    let mut sink = Sink { file, limit, written: 0, tail: VecDeque::new(), truncated: false, error: None };
    let mut redacting = Redacting::new(redactor);
    let mut chunk = vec![0_u8; 64 * 1024];
    loop {
        let bytes = match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => chunk.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            // The other end is gone: what has come is what there is.
            Err(_) => break,
        };
        captured.total_bytes = captured.total_bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if keep_raw && !captured.raw_overflow {
            if captured.raw.len() + bytes.len() <= RESULT_BYTES {
                captured.raw.extend_from_slice(bytes);
            } else {
                captured.raw_overflow = true;
                captured.raw = Vec::new();
            }
        }
        redacting.push(bytes, false, &mut sink);
    }
    redacting.push(&[], true, &mut sink);
    if sink.truncated {
        sink.write_raw(format!("\n[guide-board: cut after {limit} bytes]\n").as_bytes());
    }
    let tail: Vec<u8> = sink.tail.into_iter().collect();
    captured.tail = String::from_utf8_lossy(&tail).into_owned();
    captured.truncated = sink.truncated;
    captured.write_error = sink.error;
    captured
}

/// The file up to its cap, and the tail.
struct Sink<W> {
    file: W,
    limit: u64,
    written: u64,
    tail: VecDeque<u8>,
    truncated: bool,
    error: Option<std::io::Error>,
}

impl<W: Write> Sink<W> {
    fn write(&mut self, bytes: &[u8]) {
        self.tail.extend(bytes.iter().skip(bytes.len().saturating_sub(TAIL_BYTES)));
        let excess = self.tail.len().saturating_sub(TAIL_BYTES);
        self.tail.drain(..excess);
        let room = usize::try_from(self.limit.saturating_sub(self.written)).unwrap_or(usize::MAX);
        let kept = bytes.get(..room.min(bytes.len())).unwrap_or_default();
        self.truncated |= kept.len() < bytes.len();
        self.written = self.written.saturating_add(u64::try_from(kept.len()).unwrap_or(u64::MAX));
        self.write_raw(kept);
    }

    fn write_raw(&mut self, bytes: &[u8]) {
        if self.error.is_none() {
            self.error = self.file.write_all(bytes).err();
        }
    }
}

/// Redacts a stream whose secrets may be split over reads.
///
/// A byte is given out once no secret that is still coming can cover it: when `longest - 1` bytes after it are known. As many bytes before
/// it are kept as context, because a secret that covers it may have begun there.
struct Redacting<'a> {
    redactor: &'a Redactor,
    buffer: Vec<u8>,
    /// How much of the buffer has been given out and is only context.
    given: usize,
    /// Whether the last byte given out was part of a secret, which is then already marked.
    inside: bool,
}

impl<'a> Redacting<'a> {
    fn new(redactor: &'a Redactor) -> Self {
        Self { redactor, buffer: Vec::new(), given: 0, inside: false }
    }

    fn push<W: Write>(&mut self, bytes: &[u8], last: bool, sink: &mut Sink<W>) {
        if self.redactor.longest() == 0 {
            sink.write(bytes);
            return;
        }
        let lookahead = self.redactor.longest() - 1;
        self.buffer.extend_from_slice(bytes);
        let limit = if last { self.buffer.len() } else { self.buffer.len().saturating_sub(lookahead) };
        if limit <= self.given {
            return;
        }
        let mut at = self.given;
        for range in self.redactor.covered(&self.buffer) {
            let (start, end) = (range.start.max(at), range.end.min(limit));
            if start >= end {
                continue;
            }
            if start > at {
                sink.write(self.buffer.get(at..start).unwrap_or_default());
                self.inside = false;
            }
            if !self.inside {
                sink.write(REDACTED.as_bytes());
            }
            self.inside = true;
            at = end;
        }
        if limit > at {
            sink.write(self.buffer.get(at..limit).unwrap_or_default());
            self.inside = false;
        }
        let dropped = limit.saturating_sub(lookahead);
        self.buffer.drain(..dropped);
        self.given = limit - dropped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::credentials::resolve;
    use proptest::prelude::*;
    use std::ffi::OsString;
    use std::path::Path;

    fn redactor(one: &str, two: &str) -> Redactor {
        let look = |name: &str| Some(OsString::from(if name == "A" { one } else { two }));
        resolve(Some("env:A,B"), Path::new("/"), look).expect("resolved").redactor
    }

    /// Hands bytes out in pieces of the given sizes.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[test]
    fn a_flood_is_cut_in_the_file_and_dropped_as_a_result() {
        let plain = resolve(None, Path::new("/"), |_| None).expect("resolved").redactor;
        const FLOOD: u64 = RESULT_BYTES as u64 + 10;
        let mut file = Vec::new();
        let captured = capture(std::io::repeat(b'x').take(FLOOD), &mut file, &plain, CAPTURE_BYTES, true);
        assert!(captured.truncated && captured.raw_overflow && captured.raw.is_empty());
        assert_eq!(captured.total_bytes, FLOOD);
        assert!(u64::try_from(file.len()).expect("small") < CAPTURE_BYTES + 100);
        assert_eq!(captured.tail.len(), TAIL_BYTES);
    }

    proptest! {
        #[test]
        fn the_stream_redacts_exactly_as_the_whole_text_however_it_is_cut(text in "[a-d]{0,80}", piece in 1_usize..9) {
            let redactor = redactor("abca", "ddbdaa");
            let mut file = Vec::new();
            capture(Pieces(text.as_bytes(), piece), &mut file, &redactor, CAPTURE_BYTES, false);
            prop_assert_eq!(String::from_utf8(file).expect("text"), redactor.text(&text));
        }
    }
}
