//! JUnit XML: no standard, but what a hundred writers write. Read in one pass, one piece at a time.

use std::io::Read;

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use serde_json::json;

use super::bounds::{self, BODY, NAME};
use super::collect::Sink;
use super::item::Item;
use super::junit_case::{Case, Kind, Verdict};
use super::xml_bounds::XmlBounds;
use crate::model::{EvidenceResult, printable};

/// The most elements within each other.
const DEPTH: usize = 200;
/// The most of a verdict's text that is held: more than is kept, because blank lines and noise come first.
const HELD: usize = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Suites,
    Suite,
    Case,
    /// In a verdict, or in an element within it whose text belongs to it.
    Verdict,
    Within,
    Ignored,
}

#[derive(Debug, Default)]
struct Suite {
    name: String,
    /// Its name behind those of the suites around it, cut.
    path: String,
    /// The file that its cases are from, where they do not say so.
    file: String,
    /// The numbers that it states.
    tests: Option<u64>,
    not_passed: Option<u64>,
    /// What it holds, with the suites in it.
    cases: u64,
    failed: u64,
    is_pytest: bool,
}

/// Reads an input. The error is one sentence.
pub(super) fn read(sink: &mut Sink, input: impl Read) -> Result<(), String> {
    let mut reader = Reader::from_reader(XmlBounds::new(input));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    // Text may be cut within a reference.
    config.allow_dangling_amp = true;
    let mut walk =
        Walk { sink, places: Vec::new(), suites: Vec::new(), case: None, verdict: None, cases: 0, has_root: false };
    let mut buffer = Vec::new();
    let outcome = loop {
        buffer.clear();
        let taken = match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => walk.start(&start),
            Ok(Event::End(_)) => {
                walk.end();
                Ok(())
            }
            Ok(Event::Text(text)) => {
                walk.text(&text);
                Ok(())
            }
            Ok(Event::CData(text)) => {
                walk.text(&text);
                Ok(())
            }
            Ok(Event::GeneralRef(reference)) => {
                walk.reference(&reference);
                Ok(())
            }
            Ok(Event::Eof) => break walk.over(),
            Ok(_) => Ok(()),
            Err(error) => Err(match reader.get_ref().refusal() {
                Some(refusal) => refusal.to_owned(),
                None => format!("no well-formed XML: {}", printable(&error.to_string(), 200)),
            }),
        };
        if taken.is_err() {
            break taken;
        }
    };
    let cases = walk.cases;
    walk.sink.about("cases", cases);
    outcome.map_err(|sentence| format!("line {}: {sentence}", reader.get_ref().line()))
}

struct Walk<'a> {
    sink: &'a mut Sink,
    places: Vec<Place>,
    suites: Vec<Suite>,
    case: Option<Case>,
    verdict: Option<Verdict>,
    cases: u64,
    has_root: bool,
}

impl Walk<'_> {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        if self.places.len() >= DEPTH {
            return Err(format!("more than {DEPTH} elements stand within each other"));
        }
        let local = element.local_name();
        let name: &str = local.as_ref();
        if name.len() > NAME {
            // The parser holds the names of all open elements.
            return Err("an element's name is longer than 500 bytes".to_owned());
        }
        let place = match (self.places.last(), name) {
            (None, _) if self.has_root => return Err("a second root element follows the first".to_owned()),
            (None, "testsuites" | "testsuite") | (Some(Place::Suites | Place::Suite), "testsuite") => {
                self.has_root = true;
                self.suite(element);
                if name == "testsuite" { Place::Suite } else { Place::Suites }
            }
            (None, _) => {
                return Err(format!(
                    "the root element is <{}>; JUnit XML has <testsuites> or <testsuite>",
                    printable(name, 80)
                ));
            }
            (Some(Place::Suites | Place::Suite), "testcase") => {
                self.cases += 1;
                self.case(element);
                Place::Case
            }
            (Some(Place::Suite), "error" | "failure") => {
                self.case = Some(Case { name: self.path(), is_suite: true, number: self.cases, ..Case::default() });
                self.begin_verdict(name, element);
                Place::Verdict
            }
            (Some(Place::Case), _) if Kind::of(name).is_some() => {
                self.begin_verdict(name, element);
                Place::Verdict
            }
            (Some(Place::Verdict | Place::Within), name) if name != "system-out" && name != "system-err" => {
                Place::Within
            }
            _ => Place::Ignored,
        };
        self.places.push(place);
        Ok(())
    }

    fn end(&mut self) {
        match self.places.pop() {
            Some(Place::Suite | Place::Suites) => self.end_suite(),
            Some(Place::Case) => self.end_case(),
            Some(Place::Verdict) => {
                if let (Some(case), Some(verdict)) = (&mut self.case, self.verdict.take()) {
                    case.add(verdict);
                }
                if self.case.as_ref().is_some_and(|case| case.is_suite) {
                    self.end_case();
                }
            }
            Some(Place::Within | Place::Ignored) | None => {}
        }
    }

    fn over(&self) -> Result<(), String> {
        if self.places.is_empty() && self.has_root {
            Ok(())
        } else if self.has_root {
            Err("the report ends in the middle".to_owned())
        } else {
            Err("the report is empty: there is no element in it".to_owned())
        }
    }

    fn text(&mut self, text: &str) {
        if let (Some(Place::Verdict | Place::Within), Some(verdict)) = (self.places.last(), &mut self.verdict) {
            bounds::append(&mut verdict.body, text, HELD);
        }
    }

    fn reference(&mut self, name: &str) {
        match character(name) {
            Some(letter) => self.text(letter.encode_utf8(&mut [0; 4])),
            // What only a document type could explain is kept as it is written.
            None => self.text(&format!("&{};", printable(name, 40))),
        }
    }

    /// The names of the suites that are open.
    fn path(&self) -> String {
        self.suites.last().map(|suite| suite.path.clone()).unwrap_or_default()
    }

    fn suite(&mut self, element: &BytesStart<'_>) {
        let mut suite = Suite::default();
        each_attribute(element, |key, value| match key {
            "name" => suite.name = bounds::name(&value),
            "file" | "filepath" => suite.file = bounds::name(&value),
            "tests" => suite.tests = value.trim().parse().ok(),
            "failures" | "errors" => {
                if let Ok(count) = value.trim().parse::<u64>() {
                    suite.not_passed = Some(suite.not_passed.unwrap_or(0).saturating_add(count));
                }
            }
            _ => {}
        });
        let is_within = self.suites.last().is_some_and(|outer| outer.is_pytest);
        suite.is_pytest = is_within || suite.name == "pytest" || suite.name == "pytest tests";
        if element.local_name().as_ref() == "testsuites" {
            // Its name is that of the whole run and its numbers are sums of what is looked at anyway.
            (suite.name, suite.tests, suite.not_passed) = (String::new(), None, None);
        }
        suite.path = self.path();
        let between = if suite.path.is_empty() || suite.name.is_empty() { "" } else { " > " };
        bounds::append(&mut suite.path, between, 4 * NAME);
        bounds::append(&mut suite.path, &suite.name, 4 * NAME);
        self.suites.push(suite);
    }

    fn end_suite(&mut self) {
        let Some(suite) = self.suites.pop() else { return };
        if let Some(tests) = suite.tests.filter(|tests| *tests != suite.cases) {
            // Some writers count tests that they left out, and some the tries of one: no more than a note.
            let sentence =
                format!("the suite {:?} says that it has {tests} tests, and has {}", suite.name, suite.cases);
            self.sink.note(&sentence);
        }
        if let Some(stated) = suite.not_passed.filter(|stated| *stated > suite.failed) {
            // A failure that no case tells of must not pass in silence.
            let name = if suite.name.is_empty() { "a suite without a name" } else { &suite.name };
            let mut item = Item::new(name, EvidenceResult::Warning);
            let sentence = format!("the suite says that {stated} failed, and {} of its cases do", suite.failed);
            item.observations.push(sentence);
            item.facts.insert("outcome".to_owned(), json!("counts_disagree"));
            self.sink.push(item);
        }
        if let Some(outer) = self.suites.last_mut() {
            outer.cases += suite.cases;
            outer.failed += suite.failed;
        }
    }

    fn case(&mut self, element: &BytesStart<'_>) {
        let mut case = Case { suite: self.path(), number: self.cases, ..Case::default() };
        each_attribute(element, |key, value| match key {
            "name" => case.name = bounds::name(&value),
            "classname" | "class" => case.classname = bounds::name(&value),
            "file" | "filepath" => case.file = bounds::name(&value),
            "line" | "lineno" => case.line = value.trim().parse().ok(),
            "time" => case.time = seconds(&value),
            // googletest says `completed` where something ran.
            "status" | "result" if !matches!(&*value, "run" | "completed") => case.status = bounds::name(&value),
            _ => {}
        });
        // pytest counts lines from 0.
        let is_pytest = self.suites.last().is_some_and(|suite| suite.is_pytest);
        if case.file.is_empty() {
            let named = self.suites.iter().rev().map(|suite| &suite.file).find(|file| !file.is_empty());
            (case.file, case.line) = (named.cloned().unwrap_or_default(), None);
        }
        case.line = case.line.map(|line| line.saturating_add(u64::from(is_pytest))).filter(|line| *line > 0);
        self.case = Some(case);
    }

    fn end_case(&mut self) {
        let Some(case) = self.case.take() else { return };
        let is_suite = case.is_suite;
        let item = case.into_item();
        if let Some(suite) = self.suites.last_mut() {
            suite.cases += u64::from(!is_suite);
            suite.failed += u64::from(item.result == EvidenceResult::Fail);
        }
        self.sink.push(item);
    }

    fn begin_verdict(&mut self, name: &str, element: &BytesStart<'_>) {
        let Some(kind) = Kind::of(name) else { return };
        let mut verdict = Verdict { kind, message: String::new(), kind_type: String::new(), body: String::new() };
        each_attribute(element, |key, value| match key {
            "message" => verdict.message = bounds::body(&value, BODY),
            "type" => verdict.kind_type = bounds::name(&value),
            _ => {}
        });
        self.verdict = Some(verdict);
    }
}

/// Gives each attribute by its local name. A malformed one is passed over, and so is the rest of that tag.
fn each_attribute(element: &BytesStart<'_>, mut take: impl FnMut(&str, String)) {
    for attribute in element.attributes().with_checks(false).flatten() {
        // A prefixed attribute is somebody's own.
        if attribute.key.prefix().is_none() {
            take(attribute.key.local_name().as_ref(), plain(&attribute.value));
        }
    }
}

/// A value without references.
fn plain(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let known = after.split_once(';').and_then(|(name, rest)| character(name).map(|letter| (letter, rest)));
        match known {
            Some((letter, behind)) => {
                out.push(letter);
                rest = behind;
            }
            None => {
                out.push('&');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

/// What a reference stands for: the five of XML, or a character by its number. A number that is no character is replaced.
fn character(name: &str) -> Option<char> {
    match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "apos" => return Some('\''),
        "quot" => return Some('"'),
        _ => {}
    }
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16),
        None => number.parse(),
    };
    let letter = code.ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    Some(if letter.is_control() && !matches!(letter, '\n' | '\t' | '\r') { '\u{fffd}' } else { letter })
}

/// Seconds; surefire writes thousands with a comma.
fn seconds(text: &str) -> Option<f64> {
    let seconds: f64 = text.trim().replace(',', "").parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then_some(seconds)
}
