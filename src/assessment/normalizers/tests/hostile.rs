//! Inputs made to break something: cut off, endless, deep, malformed, of another kind.

use std::io::Read;

use proptest::prelude::*;
use serde_json::json;

use super::{Format, check, items_of, normalized, said, shown};
use crate::assessment::normalizers::{Collector, bounds};

/// A head, one piece over and over, and a tail: as long as wanted, and never in memory.
struct Generated<'a> {
    head: &'a [u8],
    piece: &'a [u8],
    left: u64,
    tail: &'a [u8],
    at: usize,
    stage: u8,
}

impl<'a> Generated<'a> {
    fn new(head: &'a str, piece: &'a str, bytes: u64, tail: &'a str) -> Self {
        let left = bytes / piece.len() as u64;
        Self { head: head.as_bytes(), piece: piece.as_bytes(), left, tail: tail.as_bytes(), at: 0, stage: 0 }
    }
}

impl Read for Generated<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let mut written = 0;
        while written < into.len() && self.stage < 3 {
            let source = [self.head, self.piece, self.tail][usize::from(self.stage)];
            let count = (source.len() - self.at).min(into.len() - written);
            into[written..written + count].copy_from_slice(&source[self.at..self.at + count]);
            (written, self.at) = (written + count, self.at + count);
            if self.at == source.len() {
                self.at = 0;
                self.left = self.left.saturating_sub(u64::from(self.stage == 1));
                self.stage += u8::from(self.stage != 1 || self.left == 0);
            }
        }
        Ok(written)
    }
}

/// How much is generated: enough to show that nothing grows with it, and quick.
const MUCH: u64 = 2 * 1024 * 1024;

#[test]
fn one_endless_piece_is_cut_wherever_it_stands() {
    let case = "<testsuite><testcase name='a'><failure message='m'>";
    let end = "</failure></testcase></testsuite>";
    let (result, rule) = (r#"{"version":"2.1.0","runs":[{"results":[{"ruleId":"a","message":{"text":""#, r#""}}]}]}"#);
    let mut inputs = vec![
        (Format::JunitXml, Generated::new(case, "text ", MUCH, end)),
        (Format::JunitXml, Generated::new(case, "<![CDATA[x]]>&amp;", MUCH, end)),
        (
            Format::JunitXml,
            Generated::new("<testsuite><testcase name='a'><failure message='", "ü", MUCH, "'/></testcase></testsuite>"),
        ),
        (
            Format::JunitXml,
            Generated::new(
                "<testsuite><system-out>",
                "<![CDATA[ ]] ]]>y",
                MUCH,
                "</system-out><testcase><error/></testcase></testsuite>",
            ),
        ),
        (
            Format::JunitXml,
            Generated::new("<testsuite><!--", "- <", MUCH, "--><testcase><error/></testcase></testsuite>"),
        ),
        (Format::Sarif210, Generated::new(result, "long ", MUCH, rule)),
        (
            Format::Sarif210,
            Generated::new(
                r#"{"version":"2.1.0","x":[""#,
                r"\u00fc",
                MUCH,
                r#""],"runs":[{"results":[{"level":"error"}]}]}"#,
            ),
        ),
        (
            Format::Sarif210,
            Generated::new(
                r#"{"version":"2.1.0","runs":[{"results":[{"level":"error","locations":[{}"#,
                ",{}",
                MUCH,
                "]}]}]}",
            ),
        ),
        (Format::Tap14, Generated::new("1..1\nnot ok 1 - ", "long ", MUCH, "\n")),
        (Format::Tap14, Generated::new("1..1\nnot ok 1\n  ---\n", "  a: b\n", MUCH, "  ...\n")),
        (Format::Tap14, Generated::new("1..1\nnot ok 1\n", "# said\n", MUCH, "")),
    ];
    for (place, (format, input)) in inputs.drain(..).enumerate() {
        let (result, outcome) = normalized(format, input);
        outcome.unwrap_or_else(|error| panic!("{place}: {error}"));
        assert_eq!(result.evidence.len(), 1, "{place}");
        assert!(shown(&result).to_string().len() < 16 * 1024, "{place}");
    }
}

#[test]
fn endless_nesting_is_refused_early() {
    for (format, head, piece) in [
        (Format::JunitXml, "", "<testsuite>"),
        (Format::JunitXml, "<testsuite><testcase><failure>", "<a>"),
        (Format::Sarif210, r#"{"version":"2.1.0","runs":[{"results":[{"message":"#, r#"{"x":"#),
        (Format::Sarif210, r#"{"x":"#, "["),
    ] {
        let mut input = Generated::new(head, piece, MUCH, "");
        let (_, outcome) = normalized(format, &mut input);
        assert!(outcome.is_err_and(|error| error.contains("within each other") || error.contains("recursion")));
        assert!(input.left > MUCH / 16 / 2, "it was not read to its end");
    }
}

#[test]
fn more_items_than_are_kept_are_counted() {
    let tail = "<testcase name='late'><failure message='m'/></testcase></testsuite>";
    let (result, outcome) =
        normalized(Format::JunitXml, Generated::new("<testsuite>", "<testcase name='a'/>", 20 * 60_000, tail));
    outcome.expect("read");
    assert_eq!(result.evidence.len(), bounds::PASSES + 2);
    assert_eq!(result.metadata["results"], json!({"fail": 1, "pass": 60_000}));
    assert_eq!(result.evidence[bounds::PASSES].subject_ref, "late");
    assert_eq!(result.evidence[bounds::PASSES + 1].facts["count"], 10_000);
}

#[test]
fn results_before_their_rules_are_counted_by_their_rules_beyond_the_cap() {
    let tail = r#"{}],"tool":{"driver":{"rules":[{"id":"e","defaultConfiguration":{"level":"error"}}]}}}]}"#;
    let input = Generated::new(r#"{"version":"2.1.0","runs":[{"results":["#, r#"{"ruleId":"e"},"#, 15 * 101_000, tail);
    let (result, outcome) = normalized(Format::Sarif210, input);
    outcome.expect("read");
    assert_eq!(result.metadata["results"], json!({"fail": 101_000, "warning": 1}));
    assert_eq!(result.evidence.len(), bounds::ITEMS + 2);
}

#[test]
fn what_came_before_a_cut_counts() {
    let junit = "<testsuite name='s'>\n<testcase name='a'/>\n<testcase name='b'><failure>x</fail";
    let sarif = r#"{"version":"2.1.0","runs":[{"results":[{"ruleId":"a"},{"ruleId":"b","level":"error"},{"ru"#;
    for (format, text, place, named) in [
        (Format::JunitXml, junit, "report: line 3: ", vec![("s::a", "pass")]),
        (
            Format::Sarif210,
            sarif,
            "report: line 1, column 89: the log ends in the middle",
            vec![("a", "warning"), ("b", "fail")],
        ),
    ] {
        let (result, outcome) = normalized(format, text.as_bytes());
        let error = outcome.expect_err("cut off");
        assert!(error.starts_with(place), "{error}");
        assert_eq!(said(&result.evidence), named);
        assert!(result.metadata["inputs"][0]["error"].is_string());
    }
}

#[test]
fn another_kind_of_file_is_refused_in_one_sentence() {
    for (format, text, expected) in [
        (Format::JunitXml, "", "the report is empty"),
        (Format::JunitXml, "<html/>", "the root element is <html>"),
        (Format::JunitXml, "{}", "the report is empty"),
        (Format::JunitXml, "<testsuite/><testsuite/>", "a second root element"),
        (Format::JunitXml, "<testsuite></testsuites>", "no well-formed XML"),
        (Format::JunitXml, "<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite/>", "entity expansion is refused"),
        (
            Format::JunitXml,
            "<?xml version='1.0' encoding='x-none'?><testsuite/>",
            "the encoding \"x-none\" is not known",
        ),
        (Format::Sarif210, "", "the log ends in the middle"),
        (Format::Sarif210, "[]", "no SARIF 2.1.0: invalid type: sequence, expected a SARIF log"),
        (Format::Sarif210, "{} x", "the document states no version"),
        (
            Format::Sarif210,
            r#"{"version":"1.0.0","runs":[]}"#,
            "the log is of SARIF version 1.0.0; version 2.1.0 is read",
        ),
        (Format::Sarif210, r#"{"version":"2.1.0","runs":[]} x"#, "no JSON"),
        (Format::Sarif210, r#"{"version":"2.1.0","runs":[{"results":[7]}]}"#, "no SARIF 2.1.0: invalid type"),
        (Format::Tap14, "", "no TAP"),
        (Format::Tap14, "<testsuite/>\n", "no TAP"),
    ] {
        let (result, outcome) = normalized(format, text.as_bytes());
        let error = outcome.expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
        assert!(result.evidence.is_empty(), "{text}");
    }
}

#[test]
fn a_reader_that_fails_is_an_error_and_not_an_end() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    for format in Format::ALL {
        let (_, outcome) = normalized(format, (&b"<testsuite>"[..]).chain(Fails));
        assert!(outcome.is_err_and(|error| error.contains("the disk is gone")), "{format:?}");
    }
}

#[test]
fn several_inputs_add_up_and_a_broken_one_claims_nothing_for_the_others() {
    let clean = r#"{"version":"2.1.0","runs":[{"results":[]}]}"#;
    let mut collector = Collector::new(Format::Sarif210, vec![check("a", &["A*"]), check("b", &["B*"])]);
    collector.read("one", clean.as_bytes()).expect("read");
    collector.read("two", &b"{"[..]).expect_err("cut off");
    assert!(collector.finish().evidence.is_empty(), "nobody knows what the second would have said");
    let items = items_of(Format::Sarif210, clean);
    assert_eq!(
        (said(&items), &*items[0].observations[0]),
        (vec![("", "pass")], "the tool ran and reported nothing for this check")
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for format in Format::ALL {
            let _ = normalized(format, &*bytes);
        }
    }

    #[test]
    fn anything_like_junit_xml_is_read_or_refused(
        pieces in proptest::collection::vec(prop_oneof![
            Just("<testsuite name='s' tests=\"2\" failures='9'>"), Just("</testsuite>"), Just("<testsuites>"), Just("</testsuites>"),
            Just("<testcase name='a' classname=b file='/x' line='0' time='1,0'>"), Just("</testcase>"), Just("<testcase/>"),
            Just("<failure message='&lt;&#0;&#xffffff;&x;&'>"), Just("</failure>"), Just("<error type=''/>"), Just("<skipped/>"),
            Just("<![CDATA["), Just("]]>"), Just("]"), Just("<!--"), Just("-->"), Just("<?x"), Just("?>"), Just("&"), Just("&#x1b;"),
            Just("&amp;"), Just("<flakyError/>"), Just("<rerunFailure>"), Just("\u{0}"), Just("ü"), Just("<"), Just(">"), Just("'"),
        ], 0..30),
    ) {
        let _ = normalized(Format::JunitXml, pieces.concat().as_bytes());
    }

    #[test]
    fn anything_like_tap_is_read_or_refused(
        lines in proptest::collection::vec((0_usize..13, prop_oneof![
            Just("ok 1 - a"), Just("not ok 2 - b"), Just("not ok # TODO c"), Just("ok # skip"), Just("1..2"), Just("1..0 # skip"),
            Just("---"), Just("..."), Just("# Subtest: d"), Just("# e"), Just("Bail out! f"), Just("TAP version 14"), Just("pragma +strict"),
            Just("ok 3 - g {"), Just("}"), Just("error: 'h'"), Just(""), Just("\t"), Just("ü"),
        ]), 0..40),
    ) {
        let text: String = lines.iter().map(|(indent, line)| format!("{}{line}\n", " ".repeat(*indent))).collect();
        let (result, _) = normalized(Format::Tap14, text.as_bytes());
        prop_assert!(result.evidence.len() <= lines.len() + 1);
    }
}
