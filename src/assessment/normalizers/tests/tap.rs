//! TAP, one peculiarity at a time.

use super::{Format, items_of, said};
use crate::assessment::result::ReportedItem;

fn tap(text: &str) -> Vec<ReportedItem> {
    items_of(Format::Tap14, text)
}

/// What is said beside the points themselves.
fn broken(text: &str) -> Vec<String> {
    let mut items = tap(text);
    items.retain(|item| item.result.word() == "infrastructure_error");
    items.into_iter().flat_map(|item| item.observations).collect()
}

#[test]
fn a_plan_may_stand_first_or_last_and_numbers_may_be_missing() {
    for text in [
        "TAP version 14\n1..2\nok\nnot ok - b\n",
        "ok 1\r\nnot ok 2 b\r\n1..2\r\n",
        "pragma +x\nnoise\nok\n\nnot ok b\n1..2",
    ] {
        assert_eq!(said(&tap(text)), [("test 1", "pass"), ("b", "fail")], "{text}");
    }
}

#[test]
fn a_report_that_is_not_whole_is_no_clean_one() {
    assert_eq!(broken("ok 1\n"), ["the report has no plan, so tests may be missing at its end"]);
    assert_eq!(broken("1..3\nok 1\n"), ["3 tests were planned, and 1 came"]);
    assert_eq!(broken("1..1\nok 1\n1..1\nok 1\n"), ["the report has 2 plans, so it is more than one report"]);
    assert_eq!(broken("1..3\nok 1\nBail out! no disk\nok 2\n"), ["the tests were given up: no disk"]);
    assert_eq!(broken("    Bail out!\n"), ["the tests were given up: no reason is given"]);
    assert_eq!(broken("1..1\nok 1\n"), [""; 0]);
}

#[test]
fn a_plan_of_nothing_is_a_skip() {
    let items = tap("1..0 # SKIP only on Windows\n");
    assert_eq!(
        (said(&items), &items[0].observations[0][..]),
        (vec![("", "skipped")], "all tests were skipped: only on Windows")
    );
}

#[test]
fn a_subtest_is_named_by_its_comment_or_by_the_point_behind_it() {
    let named =
        "# Subtest: a\n    # Subtest: b\n        ok 1 - c\n        1..1\n    ok 1 - b\n    1..1\nok 1 - a\n1..1\n";
    let bare = "        ok 1 - c\n        1..1\n    ok 1 - b\n    1..1\nok 1 - a\n1..1\n";
    let older =
        "    # Subtest: a\n        # Subtest: b\n        ok 1 - c\n        1..1\n    ok 1\n    1..1\nok 1\n1..1\n";
    let buffered = "ok 1 - a {\n    ok 1 - b {\n        ok 1 - c\n        1..1\n    }\n    1..1\n}\n1..1\n";
    for text in [named, bare, older, buffered] {
        assert_eq!(said(&tap(text)), [("a > b > c", "pass")], "{text}");
    }
}

#[test]
fn a_parent_counts_where_its_parts_do_not_say_the_same() {
    let parent = |parts: &str, point: &str| {
        let items = tap(&format!("1..1\n# Subtest: p\n{parts}{point}\n"));
        said(&items).iter().map(|(name, word)| format!("{name} {word}")).collect::<Vec<_>>()
    };
    assert_eq!(parent("    ok 1 - a\n    1..1\n", "ok 1 - p"), ["p > a pass"]);
    assert_eq!(parent("    not ok 1 - a\n    1..1\n", "not ok 1 - p"), ["p > a fail"]);
    assert_eq!(parent("    ok 1 - a\n    1..2\n", "not ok 1 - p"), ["p > a pass", "p fail"]);
    assert_eq!(parent("    1..0 # SKIP no\n", "ok 1 - p # SKIP no"), ["p skipped"]);
    assert_eq!(parent("    not ok 1 - a\n    1..1\n", "not ok 1 - p # TODO later"), ["p > a expected_gap"]);
}

#[test]
fn a_block_belongs_to_its_point_and_hides_nothing_behind_it() {
    let items = tap(
        "1..3\nnot ok 1\n  ---\n  message: 'no'\n  data: |\n    ok 9 - not a test\n  ...\nok 2\n  ---\n  never: ended\nok 3\n",
    );
    assert_eq!(said(&items), [("test 1", "fail"), ("test 2", "pass"), ("test 3", "pass")]);
    assert_eq!(items[0].observations, ["no", "message: 'no'\ndata: |\n  ok 9 - not a test"]);
    // The block of a parent that is no item of its own hides its text all the same.
    let items = tap("1..1\n    not ok 1 - a\n    1..1\nnot ok 1 - p\n  ---\n  x:\n    ok 5\n  ...\n");
    assert_eq!(said(&items), [("p > a", "fail")]);
}

#[test]
fn comments_behind_a_failure_are_its_diagnostic() {
    let items = tap("1..2\nok 1\n# of nobody\nnot ok 2 - b # TODO later\n# said\n  and this\n");
    assert_eq!(items[1].observations, ["later", "said", "said\nand this"]);
    assert!(items[0].observations.is_empty());
}

#[test]
fn more_parts_than_wait_for_a_name_go_out_by_what_is_known() {
    let parts: String = (0..6_000).map(|number| format!("    ok - n{number}\n")).collect();
    let items = tap(&format!("1..1\n# Subtest: p\n{parts}    1..6000\nok 1 - p\n"));
    assert_eq!((items.len(), &*items[0].subject_ref, &*items[5_999].subject_ref), (6_000, "p > n0", "p > n5999"));
}
