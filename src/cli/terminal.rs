//! What a person sees: tables, colours, sanitised text. Colour only on a terminal, and not with NO_COLOR, which `anstream` sees to.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

use crate::model::{is_steering, printable};

/// The longest text of one table cell, in characters.
const CELL: usize = 120;

/// Tells something on standard error.
pub(super) fn complain(message: &str) {
    let lines: Vec<String> = message.lines().map(|line| printable(line, 2000)).collect();
    let style = AnsiColor::Red.on_default().bold();
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(anstream::stderr(), "{style}error{style:#}: {}", lines.join("\n"));
}

/// Adds something to what was told.
pub(super) fn note(message: &str) {
    let style = Style::new().bold();
    let _ = writeln!(anstream::stderr(), "{style}note{style:#}: {}", printable(message, 2000));
}

/// Tells lines of a log, as `log_line` gives them, on standard error.
pub(super) fn tell_lines(lines: &str) {
    let _ = anstream::stderr().write_all(lines.as_bytes());
}

/// A line of a log, as `sanitised`, without its end. What a program wrote over its own line stands in lines one after the other.
pub(super) fn log_line(line: &str) -> String {
    sanitised(&line.trim_end_matches('\r').replace('\r', "\n"))
}

/// Asks something; the answer comes on the same line.
pub(super) fn ask(question: &str) {
    let mut stderr = anstream::stderr();
    let _ = write!(stderr, "{question}").and_then(|()| stderr.flush());
}

/// Text from elsewhere as one line of its own, which may be long.
pub(super) fn sentence(text: &str) -> String {
    printable(text, 2000)
}

/// Text from elsewhere as one line, however long: for a command to paste, which would be another one if it were cut.
pub(super) fn whole(text: &str) -> String {
    printable(text, usize::MAX)
}

/// Text from disk as one line of a table or sentence.
pub(super) fn cell(text: &str) -> String {
    printable(text, CELL)
}

/// The same for a text that may be missing: then a dash.
pub(super) fn cell_or_dash(text: &str) -> String {
    if text.is_empty() { "-".to_owned() } else { cell(text) }
}

/// Text from disk as it is, if it goes to a file or pipe; what steers a terminal is escaped when it goes to one. Lines and tabs stay.
pub(super) fn sanitised(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => shown.push(character),
            '\r' => {}
            steering if is_steering(steering) => shown.extend(steering.escape_default()),
            plain => shown.push(plain),
        }
    }
    shown
}

/// Whether standard output is a terminal.
pub(super) fn stdout_is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// The colour of a result or state word.
pub(super) fn word_style(word: &str) -> Style {
    match word {
        "completed" | "present" | "succeeded" | "pass" => AnsiColor::Green.on_default(),
        "failed" | "unsafe_path" | "not_regular_file" | "fail" => AnsiColor::Red.on_default(),
        "blocked"
        | "cancelled"
        | "cancelling"
        | "infrastructure_error"
        | "missing"
        | "other_size"
        | "warning"
        | "unreadable"
        | "unaddressable" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

/// A severity in its colour, as wide as the longest.
pub(super) fn severity(word: &str) -> String {
    let style = match word {
        "critical" | "high" => AnsiColor::Red.on_default(),
        "medium" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    };
    format!("{style}{:8}{style:#}", cell(word))
}

/// A word in its colour.
pub(super) fn coloured(word: &str) -> String {
    let style = word_style(word);
    format!("{style}{}{style:#}", cell(word))
}

/// A table without lines, with a head in bold, whose columns are as wide as their contents.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    let bold = Style::new().bold();
    table.set_header(head.iter().map(|name| format!("{bold}{name}{bold:#}")));
    for row in rows {
        table.add_row(row);
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text = String::new();
    for line in table.lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A table that is printed in parts, under one head.
#[derive(Debug, Default)]
pub(super) struct LongTable {
    is_begun: bool,
}

impl LongTable {
    /// The next part: a table of its own, without the head unless it is the first.
    pub(super) fn part(&mut self, table: String) -> String {
        if table.is_empty() || !std::mem::replace(&mut self.is_begun, true) {
            return table;
        }
        table.split_once('\n').map(|(_, rows)| rows.to_owned()).unwrap_or_default()
    }
}

/// Prints a result.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut stdout = anstream::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints a result as JSON, on several lines.
pub(super) fn print_json(json: &serde_json::Value) -> std::io::Result<()> {
    print(&format!("{}\n", escaped(&format!("{json:#}"))))
}

/// Prints a part of a result as JSON, on one line.
pub(super) fn print_json_line(json: &serde_json::Value) -> std::io::Result<()> {
    print(&format!("{}\n", escaped(&json.to_string())))
}

/// JSON of the same meaning without characters that steer a terminal: JSON itself only asks to escape the lowest of them.
fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len());
    for character in json.chars() {
        if is_steering(character) && character != '\n' {
            shown.push_str(&format!("\\u{:04x}", u32::from(character)));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Does some work; when it takes longer than a moment, a spinner on standard error says what is going on, on a terminal only.
pub(super) fn while_waiting<T>(message: &str, work: impl FnOnce() -> T) -> T {
    const MOMENT: Duration = Duration::from_millis(400);
    if !std::io::stderr().is_terminal() {
        return work();
    }
    let (done, waiting) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(MOMENT) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                let bar = ProgressBar::new_spinner().with_message(message.to_owned());
                bar.enable_steady_tick(Duration::from_millis(100));
                // The end of the work, which drops the sender, is all that comes.
                let _ = waiting.recv();
                bar.finish_and_clear();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

/// A bar of checks on standard error, on a terminal only.
pub(super) fn check_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:30} {pos}/{len} checks  {wide_msg}") {
        bar.set_style(style);
    }
    bar
}

/// How the bar of a job looks: its checks, once their number is known, and the time since it began.
pub(super) fn job_style(has_checks: bool) -> ProgressStyle {
    let checks = if has_checks { "{bar:30} {pos}/{len} checks  " } else { "" };
    let style = ProgressStyle::with_template(&format!("{{spinner}} {checks}{{elapsed}}  {{wide_msg}}"));
    style.unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// A bar of bytes on standard error, on a terminal only.
pub(super) fn byte_bar(total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() || stdout_is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta}") {
        bar.set_style(style);
    }
    bar
}

/// `1 run`, `2 runs`.
pub(super) fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A size for a person.
pub(super) fn size(bytes: u64) -> String {
    indicatif::BinaryBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_for_a_terminal_keeps_lines_and_loses_what_steers() {
        assert_eq!(sanitised("a\r\n\tb\u{1b}[2J\u{202e}c"), "a\n\tb\\u{1b}[2J\\u{202e}c");
    }

    #[test]
    fn a_line_that_was_written_over_is_lines_and_one_that_ends_as_on_windows_is_one() {
        assert_eq!(log_line("10 %\r20 %\r\r"), "10 %\n20 %");
        assert_eq!(log_line("plain\r"), "plain");
    }

    #[test]
    fn escaped_json_means_the_same() {
        let value = serde_json::json!({"a\u{202e}": ["\u{9b}2J\u{7f}\u{feff}é\n\t\u{1b}"]});
        let shown = escaped(&format!("{value:#}"));
        assert!(!shown.chars().any(|character| is_steering(character) && character != '\n'), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    #[test]
    fn a_table_has_no_trailing_blanks() {
        let text =
            table(&["A", "B"], &[vec!["x".to_owned(), String::new()], vec!["longer".to_owned(), "y".to_owned()]]);
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text:?}");
    }
}
