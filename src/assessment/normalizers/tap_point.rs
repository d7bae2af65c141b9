//! A test point with what is said of it, and what it comes to.

use serde_json::json;

use super::bounds::{self, BODY};
use super::item::Item;
use super::tap_line::{Directive, PointLine};
use crate::model::EvidenceResult;

/// So much of a diagnostic is held.
const HELD: usize = 4 * 1024;

/// A point.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) line: PointLine,
    /// Its name: the description, or `test N`.
    pub(super) name: String,
    /// The diagnostic: a YAML block, or comments.
    pub(super) diagnostic: String,
    pub(super) has_yaml: bool,
}

impl Point {
    pub(super) fn new(line: PointLine, counted: u64) -> Self {
        let name = if line.description.is_empty() {
            format!("test {}", line.number.unwrap_or(counted))
        } else {
            bounds::name(&line.description)
        };
        Self { line, name, diagnostic: String::new(), has_yaml: false }
    }

    /// Whether it counts as a failure.
    pub(super) fn is_failure(&self) -> bool {
        !self.line.is_ok && self.line.directive.is_none()
    }

    pub(super) fn say(&mut self, text: &str) {
        bounds::append(&mut self.diagnostic, text, HELD);
        bounds::append(&mut self.diagnostic, "\n", HELD);
    }

    /// What it comes to; `around` is the directive of a test that it is a part of.
    pub(super) fn into_item(self, around: Option<Directive>) -> Item {
        let directive = self.line.directive.or(around.filter(|_| !self.line.is_ok));
        let (result, outcome) = match (directive, self.line.is_ok) {
            (Some(Directive::Skip), _) => (EvidenceResult::Skipped, "skipped"),
            (Some(Directive::Todo), false) => (EvidenceResult::ExpectedGap, "todo"),
            (Some(Directive::Todo), true) => (EvidenceResult::Pass, "todo_passed"),
            (None, true) => (EvidenceResult::Pass, "passed"),
            (None, false) => (EvidenceResult::Fail, "failed"),
        };
        let mut item = Item::new(&self.name, result);
        item.facts.insert("outcome".to_owned(), json!(outcome));
        if let Some(number) = self.line.number {
            item.facts.insert("number".to_owned(), json!(number));
        }
        match (result, self.line.directive) {
            (EvidenceResult::Pass, Some(Directive::Todo)) => {
                item.observations.push("passes, though it is marked TODO".to_owned());
            }
            (EvidenceResult::Fail | EvidenceResult::ExpectedGap, _) => {
                let said = headline(&self.diagnostic, self.has_yaml);
                item.observations.extend(self.reason().into_iter().chain(said));
                if item.observations.is_empty() {
                    // The description is what was asserted.
                    item.observations.extend(bounds::first_line(&format!("not ok: {}", self.name)));
                }
                let body = bounds::body(self.diagnostic.trim_matches('\n').trim_end(), BODY);
                if !body.is_empty() && !item.observations.contains(&body) {
                    item.observations.push(body);
                }
                return item;
            }
            _ => {}
        }
        item.observations.extend(self.reason());
        item
    }

    /// The reason behind a directive, where it is more than a dash.
    fn reason(&self) -> Option<String> {
        bounds::first_line(&self.line.reason).filter(|reason| reason.contains(char::is_alphanumeric))
    }
}

/// What a diagnostic says first: the message of a YAML block, or the first comment.
fn headline(diagnostic: &str, is_yaml: bool) -> Option<String> {
    if !is_yaml {
        return bounds::first_line(diagnostic);
    }
    let value = |key: &str| {
        let mut lines = diagnostic.lines().map(str::trim);
        lines.find_map(|line| line.strip_prefix(key)).map(str::trim).filter(|value| !value.is_empty())
    };
    let mut lines = diagnostic.lines().map(str::trim);
    while let Some(line) = lines.next() {
        let Some(value) = line.strip_prefix("message:").or_else(|| line.strip_prefix("error:")) else { continue };
        let value = value.trim();
        if value.starts_with(['|', '>']) {
            return bounds::headline(lines, |_| true);
        }
        let quoted = ['"', '\''].into_iter().find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
        return bounds::first_line(quoted.unwrap_or(value));
    }
    let wanted = value("expected:").or_else(|| value("wanted:"))?;
    let found = value("actual:").or_else(|| value("found:"))?;
    (!wanted.starts_with(['|', '>'])).then(|| bounds::first_line(&format!("expected {wanted}, got {found}"))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_of_a_block_comes_first() {
        assert_eq!(headline("a: 1\nerror: 'no way'\n", true).as_deref(), Some("no way"));
        assert_eq!(headline("error: |-\n\n  two\n  lines\n", true).as_deref(), Some("two"));
        assert_eq!(headline("at: x\n", true), None);
        assert_eq!(headline("expected: 2\nactual:   1\n", true).as_deref(), Some("expected 2, got 1"));
        assert_eq!(headline("said\nmore\n", false).as_deref(), Some("said"));
    }

    #[test]
    fn a_mark_decides_what_a_failure_is() {
        let outcome = |is_ok, directive, around| {
            Point::new(PointLine { is_ok, directive, ..PointLine::default() }, 4).into_item(around).result.word()
        };
        let (skip, todo) = (Some(Directive::Skip), Some(Directive::Todo));
        assert_eq!(outcome(false, None, None), "fail");
        assert_eq!(outcome(false, skip, None), "skipped");
        assert_eq!(outcome(false, todo, None), "expected_gap");
        assert_eq!(outcome(true, todo, None), "pass");
        assert_eq!(outcome(false, None, todo), "expected_gap");
        assert_eq!(outcome(true, None, skip), "pass");
        assert_eq!(Point::new(PointLine::default(), 4).name, "test 4");
    }
}
