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

/// The last lines of a log.
#[derive(Debug)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    capacity: usize,
}

impl Tail {
    pub(super) fn new(capacity: usize) -> Self {
        Self { lines: VecDeque::new(), capacity }
    }

    pub(super) fn push(&mut self, line: String) {
        if self.lines.len() >= self.capacity {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.iter().cloned().collect()
    }
}

/// Hands every line of an output to `on_line` until the output ends. Memory is bounded whatever is written; bytes that are not UTF-8 are
/// replaced.
pub(super) fn read_lines(output: impl Read, mut on_line: impl FnMut(String)) {
    let mut reader = BufReader::new(output);
    let mut line: Vec<u8> = Vec::new();
    loop {
        let (taken, ended) = match reader.fill_buf() {
            Ok([]) | Err(_) => break,
            Ok(buffer) => {
                let end = buffer.iter().position(|byte| *byte == b'\n');
                let text = buffer.get(..end.unwrap_or(buffer.len())).unwrap_or_default();
                let room = MAX_LINE_BYTES.saturating_sub(line.len());
                line.extend_from_slice(text.get(..text.len().min(room)).unwrap_or_default());
                (text.len() + usize::from(end.is_some()), end.is_some())
            }
        };
        reader.consume(taken);
        if ended {
            on_line(String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned());
        }
    }
    if !line.is_empty() {
        on_line(String::from_utf8_lossy(&line).into_owned());
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
        assert_eq!(Event::parse(r#"{"event":"end","result_status":"completed"}"#), Some(Event::End {}));
        for line in ["", "hello", "{", r#"{"event":"other"}"#, r#"{"level":"info"}"#] {
            assert_eq!(Event::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_cut_and_the_next_one_whole() {
        let mut lines = Vec::new();
        let text = format!("{}\nnext\nlast", "x".repeat(100_000));
        read_lines(text.as_bytes(), |line| lines.push(line));
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [MAX_LINE_BYTES, 4, 4]);
    }

    #[test]
    fn the_tail_keeps_the_last_lines() {
        let mut tail = Tail::new(2);
        for line in ["a", "b", "c"] {
            tail.push(line.to_owned());
        }
        assert_eq!(tail.lines(), ["b", "c"]);
    }

    proptest! {
        #[test]
        fn reading_any_output_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_lines(bytes.as_slice(), |line| { let _ = Event::parse(&line); });
        }
    }
}
