//! JUnit XML, one peculiarity at a time.

use serde_json::json;

use super::{Format, items_of, normalized, said};

fn junit(text: &str) -> Vec<crate::assessment::result::ReportedItem> {
    items_of(Format::JunitXml, text)
}

#[test]
fn suites_nest_and_a_case_without_a_class_is_named_by_them() {
    let items = junit(
        "<j:testsuites xmlns:j='x' name='all'><testsuite name='a'><testsuite><testsuite name='b'><testcase name='t'/></testsuite></testsuite>\
         <testcase name='u' classname='c'/></testsuite><testsuite><testcase name='v'/><testcase/></testsuite></j:testsuites>",
    );
    assert_eq!(said(&items), [("a > b::t", "pass"), ("c::u", "pass"), ("v", "pass"), ("test case 4", "pass")]);
    assert_eq!(items[0].facts["suite"], "a > b");
}

#[test]
fn references_and_cdata_are_text_and_unknown_references_stay() {
    let items = junit(
        "<testsuite><testcase name='a&lt;b&#x3e;&unknown;&#1;&'><failure message='&quot;x&quot;'>1 &lt; 2 <![CDATA[<&amp;>]]>&nbsp;&#252;</failure>\
         </testcase></testsuite>",
    );
    assert_eq!(items[0].subject_ref, "a<b>&unknown;\u{fffd}&");
    assert_eq!(items[0].observations, ["\"x\"", "1 < 2 <&amp;>&nbsp;ü"]);
}

#[test]
fn output_of_the_tests_is_no_part_of_a_verdict() {
    let items = junit(
        "<testsuite><properties><property name='a'><error/></property></properties><system-out><testcase/></system-out>\
         <testcase name='a'><error>why<system-out>noise</system-out></error><system-err>&lt;more</system-err></testcase></testsuite>",
    );
    assert_eq!((said(&items), &items[0].observations[..]), (vec![("a", "fail")], &["why".to_owned()][..]));
}

#[test]
fn an_error_of_a_suite_is_an_item_and_counts() {
    let items = junit(
        "<testsuite name='s' tests='1' errors='1'><error message='no database'/><testcase name='a'/></testsuite>",
    );
    assert_eq!(said(&items), [("s", "fail"), ("s::a", "pass")]);
    assert_eq!(items[0].observations, ["no database"]);
}

#[test]
fn failures_that_no_case_tells_of_are_a_warning_and_other_numbers_a_note() {
    let text = "<testsuites failures='9'><testsuite name='s' tests='3' failures='1' errors='1'><testcase><failure/></testcase></testsuite></testsuites>";
    let (result, outcome) = normalized(Format::JunitXml, text.as_bytes());
    outcome.expect("read");
    assert_eq!(said(&result.evidence), [("s", "fail"), ("s", "warning")]);
    assert_eq!(result.evidence[1].observations, ["the suite says that 2 failed, and 1 of its cases do"]);
    assert_eq!(result.metadata["notes"], json!(["report: the suite \"s\" says that it has 3 tests, and has 1"]));
}

#[test]
fn a_report_without_a_case_says_so() {
    let (result, outcome) = normalized(Format::JunitXml, &b"\xef\xbb\xbf<testsuites/>"[..]);
    outcome.expect("read");
    assert!(result.evidence.is_empty());
    assert_eq!(result.metadata["inputs"], json!([{"cases": 0, "path": "report"}]));
}

#[test]
fn lines_count_from_one_but_for_pytest() {
    let located = |suite: &str| {
        let items = junit(&format!(
            "<testsuite name='{suite}' file='s.py'><testcase name='a' file='a.py' line='0'/><testcase name='b'/></testsuite>"
        ));
        items.iter().map(|item| (item.locations[0].path.clone(), item.locations[0].line)).collect::<Vec<_>>()
    };
    assert_eq!(located("pytest"), [("a.py".to_owned(), Some(1)), ("s.py".to_owned(), None)]);
    assert_eq!(located("other"), [("a.py".to_owned(), None), ("s.py".to_owned(), None)]);
}

#[test]
fn numbers_are_read_as_they_are_written_and_nonsense_is_left_out() {
    let items = junit(
        "<testsuite tests='many'><testcase name='a' time='1,234.5'/><testcase name='b' time='NaN' line='x'/></testsuite>",
    );
    assert_eq!(items[0].facts["time_seconds"], 1234.5);
    assert!(!items[1].facts.contains_key("time_seconds"));
}

#[test]
fn googletest_says_by_its_status_what_did_not_run() {
    let items = junit(
        "<testsuites><testsuite><testcase name='a' status='run' result='completed'/><testcase name='b' status='notrun' result='suppressed'/>\
         <testcase name='c' status='run' result='skipped'/></testsuite></testsuites>",
    );
    assert_eq!(said(&items), [("a", "pass"), ("b", "skipped"), ("c", "skipped")]);
}

#[test]
fn latin_1_is_read_as_it_declares() {
    let text = b"<?xml version='1.0' encoding='ISO-8859-1'?><testsuite><testcase name='gr\xfc\xdfe'/></testsuite>";
    let (result, outcome) = normalized(Format::JunitXml, &text[..]);
    outcome.expect("read");
    assert_eq!(said(&result.evidence), [("grüße", "pass")]);
}
