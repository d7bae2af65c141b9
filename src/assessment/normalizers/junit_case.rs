//! What a JUnit test case comes to.

use serde_json::json;

use super::bounds::{self, BODY};
use super::item::Item;
use crate::assessment::documents::Location;
use crate::model::EvidenceResult;

/// The most verdicts of a case that are kept; more are counted.
const VERDICTS: usize = 5;

/// What an element within a test case says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Failure,
    Error,
    Skipped,
    /// A try that failed before one that did not.
    Flaky,
    /// A further try that failed.
    Rerun,
}

impl Kind {
    pub(super) fn of(element: &str) -> Option<Self> {
        match element {
            "failure" => Some(Self::Failure),
            "error" => Some(Self::Error),
            "skipped" => Some(Self::Skipped),
            "flakyFailure" | "flakyError" => Some(Self::Flaky),
            "rerunFailure" | "rerunError" => Some(Self::Rerun),
            _ => None,
        }
    }
}

/// One such element.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) kind: Kind,
    pub(super) message: String,
    pub(super) kind_type: String,
    pub(super) body: String,
}

/// The attributes of a test case.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) classname: String,
    pub(super) file: String,
    pub(super) line: Option<u64>,
    pub(super) time: Option<f64>,
    /// googletest's `status` and `result`, and what others write there.
    pub(super) status: String,
    /// The names of the suites around it.
    pub(super) suite: String,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) reruns: u64,
    /// Its place in the input, from 1.
    pub(super) number: u64,
    /// Whether this is an error of a suite, outside of any case.
    pub(super) is_suite: bool,
}

impl Case {
    pub(super) fn add(&mut self, verdict: Verdict) {
        self.reruns += u64::from(matches!(verdict.kind, Kind::Flaky | Kind::Rerun));
        let is_new = !self.verdicts.iter().any(|known| known.kind == verdict.kind);
        if self.verdicts.len() < VERDICTS || is_new {
            self.verdicts.push(verdict);
        }
    }

    fn first(&self, kind: Kind) -> Option<&Verdict> {
        self.verdicts.iter().find(|verdict| verdict.kind == kind)
    }

    /// `classname::name`; what is missing is made up for by the suites. Some writers give the same text twice: it stands once.
    fn full_name(&self) -> String {
        // Node's reporter writes `test` as the class of every test, whatever suite it stands in.
        let is_classless = self.classname.is_empty() || (self.classname == "test" && !self.suite.is_empty());
        let outer = if is_classless { &self.suite } else { &self.classname };
        match (outer.is_empty(), self.name.is_empty()) {
            (true, true) => format!("test case {}", self.number),
            (true, false) => self.name.clone(),
            (false, true) => outer.clone(),
            (false, false) if *outer == self.name => self.name.clone(),
            (false, false) => format!("{outer}::{}", self.name),
        }
    }

    /// Result, the word for it in the facts, and the verdict that says so.
    fn outcome(&self) -> (EvidenceResult, &'static str, Option<&Verdict>) {
        if let Some(verdict) = self.first(Kind::Failure) {
            return (EvidenceResult::Fail, "failed", Some(verdict));
        }
        if let Some(verdict) = self.first(Kind::Error) {
            return (EvidenceResult::Fail, "error", Some(verdict));
        }
        if let Some(verdict) = self.first(Kind::Skipped) {
            // pytest and unittest-xml-reporting write an expected failure as a skipped test of this type.
            let is_expected = verdict.kind_type == "pytest.xfail" || verdict.kind_type == "XFAIL";
            return if is_expected {
                (EvidenceResult::ExpectedGap, "expected_failure", Some(verdict))
            } else {
                (EvidenceResult::Skipped, "skipped", Some(verdict))
            };
        }
        if let Some(verdict) = self.first(Kind::Flaky) {
            return (EvidenceResult::Warning, "flaky", Some(verdict));
        }
        match self.status.to_ascii_lowercase().as_str() {
            "fail" | "failed" | "failure" => (EvidenceResult::Fail, "failed", None),
            "error" | "errored" => (EvidenceResult::Fail, "error", None),
            "notrun" | "disabled" | "skipped" | "ignored" | "pending" | "suppressed" => {
                (EvidenceResult::Skipped, "skipped", None)
            }
            // Reruns that failed, and no word of a failure: the test did not pass.
            _ => match self.first(Kind::Rerun) {
                Some(verdict) => (EvidenceResult::Fail, "failed", Some(verdict)),
                None => (EvidenceResult::Pass, "passed", None),
            },
        }
    }

    pub(super) fn into_item(self) -> Item {
        let (result, outcome, verdict) = self.outcome();
        let mut item = Item::new(&self.full_name(), result);
        item.facts.insert("outcome".to_owned(), json!(outcome));
        for (key, text) in [("classname", &self.classname), ("suite", &self.suite)] {
            if !text.is_empty() {
                item.facts.insert(key.to_owned(), json!(bounds::name(text)));
            }
        }
        if let Some(time) = self.time {
            item.facts.insert("time_seconds".to_owned(), json!(time));
        }
        if self.reruns > 0 {
            item.facts.insert("failed_reruns".to_owned(), json!(self.reruns));
        }
        if let Some(verdict) = verdict.filter(|verdict| !verdict.kind_type.is_empty()) {
            item.facts.insert("type".to_owned(), json!(bounds::name(&verdict.kind_type)));
        }
        if !self.file.is_empty() {
            if is_relative(&self.file) {
                item.locations.push(Location { path: bounds::name(&self.file), line: self.line });
            } else {
                item.facts.insert("file".to_owned(), json!(bounds::name(&self.file)));
            }
        }
        if result != EvidenceResult::Pass {
            item.observations.extend(self.headline(result, verdict));
            let others = self.verdicts.iter().filter(|other| verdict.is_none_or(|first| !std::ptr::eq(*other, first)));
            let told = others.filter(|other| matches!(other.kind, Kind::Failure | Kind::Error));
            item.observations.extend(told.filter_map(telling_line));
            let body = verdict.map(|verdict| bounds::body(verdict.body.trim_matches('\n').trim_end(), BODY));
            let is_news = |body: &String| !body.is_empty() && !item.observations.contains(body);
            if let Some(body) = body.filter(is_news) {
                item.observations.push(body);
            }
        }
        item
    }

    /// What is said first. It becomes the title of a finding, so it always says something.
    fn headline(&self, result: EvidenceResult, verdict: Option<&Verdict>) -> Option<String> {
        let line = verdict.and_then(telling_line);
        match (result, line) {
            (EvidenceResult::Warning, line) => {
                let why = line.map(|line| format!(": {line}")).unwrap_or_default();
                let tries = if self.reruns == 1 { "one try".to_owned() } else { format!("{} tries", self.reruns) };
                Some(format!("passed after {tries} that failed{why}"))
            }
            (_, Some(line)) => Some(line),
            (EvidenceResult::Fail, None) => {
                let what = if self.is_suite { format!("the suite {}", self.name) } else { self.full_name() };
                bounds::first_line(&format!("{what} failed; the report does not say why"))
            }
            (_, None) => None,
        }
    }
}

/// The first line of a verdict that says more than its element does.
fn telling_line(verdict: &Verdict) -> Option<String> {
    let says_little = |line: &str| {
        let word = line.trim_end_matches([':', '.', '!']).to_ascii_lowercase();
        matches!(word.as_str(), "" | "failed" | "failure" | "error" | "skipped" | "skip")
            || ["=== RUN", "=== PAUSE", "=== CONT", "=== NAME", "--- FAIL", "--- SKIP"]
                .iter()
                .any(|mark| line.starts_with(mark))
    };
    // The body begins with the message more often than not: what a colon leads to is looked for in one of them.
    let says = |line: &str| !says_little(line);
    bounds::headline(verdict.message.lines(), says).or_else(|| bounds::headline(verdict.body.lines(), says))
}

/// Whether a path is relative, on any system.
pub(super) fn is_relative(path: &str) -> bool {
    let has_drive = path.as_bytes().get(1) == Some(&b':');
    !(path.starts_with(['/', '\\']) || has_drive || path.contains("://"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(kind: Kind, message: &str, body: &str) -> Verdict {
        Verdict { kind, message: message.to_owned(), kind_type: String::new(), body: body.to_owned() }
    }

    fn case(verdicts: Vec<Verdict>) -> Case {
        let mut case = Case { name: "n".to_owned(), ..Case::default() };
        verdicts.into_iter().for_each(|verdict| case.add(verdict));
        case
    }

    #[test]
    fn the_gravest_verdict_counts_and_the_others_are_told() {
        let item = case(vec![
            verdict(Kind::Skipped, "s", ""),
            verdict(Kind::Error, "e", "trace"),
            verdict(Kind::Failure, "f", ""),
        ])
        .into_item();
        assert_eq!(
            (item.result, &item.observations[..]),
            (EvidenceResult::Fail, &["f".to_owned(), "e".to_owned()][..])
        );
    }

    #[test]
    fn a_message_that_says_nothing_gives_way_to_the_body() {
        let item = case(vec![verdict(Kind::Failure, "Failed", "=== RUN   T\n    t.go:3: 1 is not 2\n")]).into_item();
        assert_eq!(item.observations[0], "t.go:3: 1 is not 2");
        assert_eq!(
            case(vec![verdict(Kind::Failure, "", "")]).into_item().observations,
            ["n failed; the report does not say why"]
        );
    }

    #[test]
    fn what_is_missing_in_a_name_is_made_up_for() {
        let named = |classname: &str, suite: &str, name: &str| {
            let (classname, suite, name) = (classname.to_owned(), suite.to_owned(), name.to_owned());
            Case { classname, suite, name, number: 3, ..Case::default() }.into_item().subject
        };
        assert_eq!(named("c", "s", "n"), "c::n");
        assert_eq!(named("", "s > t", "n"), "s > t::n");
        assert_eq!(named("n", "s", "n"), "n");
        assert_eq!(named("", "", "n"), "n");
        assert_eq!(named("c", "", ""), "c");
        assert_eq!(named("", "", ""), "test case 3");
    }

    #[test]
    fn a_status_speaks_where_no_element_does() {
        let stated = |status: &str| Case { status: status.to_owned(), ..case(Vec::new()) }.into_item().result;
        assert_eq!(stated("run"), EvidenceResult::Pass);
        assert_eq!(stated("notrun"), EvidenceResult::Skipped);
        assert_eq!(stated("FAILED"), EvidenceResult::Fail);
        assert_eq!(case(vec![verdict(Kind::Rerun, "x", "")]).into_item().result, EvidenceResult::Fail);
    }

    #[test]
    fn a_path_of_a_machine_is_no_location() {
        let at = |file: &str| Case { file: file.to_owned(), ..case(Vec::new()) }.into_item().locations.len();
        assert_eq!([at("a/b.py"), at("/a"), at("C:\\a"), at("file:///a"), at("\\\\a")], [1, 0, 0, 0, 0]);
    }
}
