//! What a job's process writes: progress events, and log lines of which the last ones are kept.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};

use serde::Deserialize;

/// The longest line that is kept, in bytes; the rest of a longer one is dropped.
const MAX_LINE_BYTES: usize = 4096;

/// A progress event of `--progress jsonl`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Event {
    /// The run began.
    Run { run_id: String, total: u32 },
    /// A runner began its checks, of which this is the first.
    Start { done: u32, total: u32, check_id: String },
    /// A check ended.
    Check { done: u32, total: u32, check_id: String },
    /// The run ended.
    End {},
}

impl Event {
    /// The event that a line is; any other line is a log line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        line.starts_with('{').then(|| serde_json::from_str(line).ok())?
    }
}

/// A line that a job's process wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Its text, at most 4096 bytes; bytes that are not UTF-8 are replaced.
    pub text: String,
    /// Whether the line was longer.
    pub is_truncated: bool,
}

impl LogLine {
    fn new(mut bytes: Vec<u8>, mut is_truncated: bool) -> Self {
        if let Err(error) = std::str::from_utf8(&bytes)
            && is_truncated
            && error.error_len().is_none()
        {
            // The cut went through a letter.
            bytes.truncate(error.valid_up_to());
        }
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        // A replacement is longer than what it stands for.
        if text.len() > MAX_LINE_BYTES {
            let end = (0..=MAX_LINE_BYTES).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
            text.truncate(end);
            is_truncated = true;
        }
        Self { text, is_truncated }
    }
}

/// The last lines of a log, bounded by their number and by their bytes. The last one always stays.
#[derive(Debug)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
}

impl Tail {
    pub(super) const fn new(max_lines: usize, max_bytes: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, max_lines, max_bytes }
    }

    pub(super) fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > 1 && (self.lines.len() > self.max_lines || self.bytes > self.max_bytes) {
            self.bytes = self.bytes.saturating_sub(self.lines.pop_front().map_or(0, |line| line.len()));
        }
    }

    /// Gives back what it holds.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.max_lines, self.max_bytes);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// Hands every line of an output to `on_line` until the output ends. Memory is bounded whatever is written; bytes that are not UTF-8 are
/// replaced.
pub(super) fn read_lines(output: impl Read, mut on_line: impl FnMut(LogLine)) {
    let mut reader = BufReader::new(output);
    let mut line: Vec<u8> = Vec::new();
    let mut is_truncated = false;
    loop {
        let (taken, ended) = match reader.fill_buf() {
            Ok([]) | Err(_) => break,
            Ok(buffer) => {
                let end = buffer.iter().position(|byte| *byte == b'\n');
                let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
                let room = MAX_LINE_BYTES.saturating_sub(line.len());
                is_truncated |= text.len() > room;
                line.extend_from_slice(text.get(..text.len().min(room)).unwrap_or_default());
                (text.len() + usize::from(end.is_some()), end.is_some())
            }
        };
        reader.consume(taken);
        if ended {
            on_line(LogLine::new(std::mem::take(&mut line), std::mem::take(&mut is_truncated)));
        }
    }
    if !line.is_empty() {
        on_line(LogLine::new(line, is_truncated));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn events_are_told_from_log_lines() {
        let run = Event::parse(r#"{"event":"run","run_id":"r","output_dir":"/x","total":3}"#);
        assert_eq!(run, Some(Event::Run { run_id: "r".to_owned(), total: 3 }));
        let check = Event::parse(r#"{"event":"check","done":1,"total":3,"check_id":"c","result":"pass"}"#);
        assert_eq!(check, Some(Event::Check { done: 1, total: 3, check_id: "c".to_owned() }));
        let start = Event::parse(r#"{"event":"start","done":0,"total":3,"check_id":"c"}"#);
        assert_eq!(start, Some(Event::Start { done: 0, total: 3, check_id: "c".to_owned() }));
        assert_eq!(Event::parse(r#"{"event":"end","result_status":"completed"}"#), Some(Event::End {}));
        for line in ["", "hello", "{", r#"{"event":"other"}"#, r#"{"level":"info"}"#] {
            assert_eq!(Event::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_the_next_one_whole() {
        let mut lines = Vec::new();
        let text = format!("{}\nnext\nlast", "x".repeat(100_000));
        read_lines(text.as_bytes(), |line| lines.push((line.text.len(), line.is_truncated)));
        assert_eq!(lines, [(MAX_LINE_BYTES, true), (4, false), (4, false)]);
    }

    #[test]
    fn a_cut_goes_through_no_letter_and_what_is_no_text_stays_bounded() {
        let mut lines = Vec::new();
        let long = format!("{}\n", "é".repeat(4096));
        let bytes = [b"x", long.as_bytes(), &[0xff; 4096], b"\n\xc3\n"].concat();
        read_lines(bytes.as_slice(), |line| lines.push(line));
        let told: Vec<_> = lines.iter().map(|line| (line.text.len(), line.is_truncated)).collect();
        assert_eq!(told, [(4095, true), (4095, true), (3, false)]);
        assert!(lines[0].text.ends_with('é') && lines[1].text.ends_with('\u{fffd}'));
    }

    #[test]
    fn the_tail_keeps_the_last_lines_by_number_and_by_bytes() {
        let mut tail = Tail::new(3, 5);
        let mut kept = |line: &str| {
            tail.push(line.to_owned());
            tail.lines().join(" ")
        };
        let told = ["a", "b", "c", "d", "eee", "ff", "ggggggg", "h"].map(&mut kept);
        assert_eq!(told, ["a", "a b", "a b c", "b c d", "c d eee", "eee ff", "ggggggg", "h"]);
        tail.clear();
        assert_eq!((tail.lines().len(), tail.bytes), (0, 0));
    }

    proptest! {
        #[test]
        fn reading_any_output_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let text = |line: &LogLine| { let _ = Event::parse(&line.text); line.text.clone() };
            let mut lines = Vec::new();
            read_lines(bytes.as_slice(), |line| lines.push(text(&line)));
            let ends = usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'));
            prop_assert_eq!(lines.len(), bytes.iter().filter(|byte| **byte == b'\n').count() + ends);
        }
    }
}
