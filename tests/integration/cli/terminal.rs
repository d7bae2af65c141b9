//! What a person at a terminal sees: colour, text that cannot steer, no binary, a bar that leaves no trace.

use std::process::Command;

use super::live::Live;
use super::place::Place;

/// Runs a command whose three standard streams are a terminal; returns its exit code and what the terminal was told.
fn on_a_terminal(command: Command) -> (Option<i32>, String) {
    let ended = Live::on_a_terminal(command).ended();
    (ended.code, ended.stdout)
}

fn runs(place: &Place, arguments: &[&str]) -> Command {
    let mut command = place.command();
    command.env("TERM", "xterm").args(["runs"]).args(arguments);
    command
}

#[test]
fn colour_is_for_terminals_that_want_it() {
    let place = Place::new();
    let (code, told) = on_a_terminal(runs(&place, &["list"]));
    assert_eq!(code, Some(0));
    assert!(told.contains("\u{1b}[1mCOMPLETED\u{1b}[0m") && told.contains("\u{1b}[31mfailed\u{1b}[0m"), "{told}");
    let mut plain = runs(&place, &["list"]);
    plain.env("NO_COLOR", "1");
    let (code, told) = on_a_terminal(plain);
    assert!(code == Some(0) && !told.contains('\u{1b}') && told.contains("COMPLETED"), "{told}");
    let (_, told) = on_a_terminal(runs(&place, &["list", "--json"]));
    assert!(!told.contains('\u{1b}'), "{told}");
}

#[test]
fn what_comes_from_disk_cannot_steer_a_terminal() {
    let place = Place::new();
    let text = "artifacts/ext/extra \u{1b}[31m.txt";
    let (code, told) = on_a_terminal(runs(&place, &["cat", "--runs-dir", "odd", "--directory", "states", text]));
    assert_eq!((code, told.as_str()), (Some(0), "\\u{1b}[31mred\\u{1b}[0m\n\tplain\n"));
    let (_, told) = on_a_terminal(runs(&place, &["problems", "--runs-dir", "broken"]));
    assert!(told.contains("steers-\\u{1b}[2J-\\u{202e}terminals") && !told.contains("\u{1b}[2J"), "{told}");
    let (_, told) = on_a_terminal(runs(&place, &["show", "--runs-dir", "odd", "--directory", "states"]));
    assert!(told.contains("A \\u001b[31mreviewer"), "{told}");
}

#[test]
fn bytes_that_are_no_text_are_kept_from_a_terminal_unless_forced() {
    let place = Place::new();
    let cat = ["cat", "--runs-dir", "odd", "--directory", "states", "artifacts/ext/bytes.bin"];
    let (code, told) = on_a_terminal(runs(&place, &cat));
    assert!(code == Some(2) && told.contains("this is not text"), "{told}");
    let (code, told) = on_a_terminal(runs(&place, &[&cat[..], &["--force"]].concat()));
    assert!(code == Some(0) && told.contains('\u{fffd}'), "{told}");
}

#[test]
fn a_run_shows_a_bar_that_gives_way_to_the_outcome() {
    let place = Place::new();
    let mut command = place.command();
    command.env("TERM", "xterm").args(["run", "--target", "bundled:profiles/targets/sample-repository.json"]);
    command.args(["--assessment", "bundled:profiles/assessments/sample-noop.json", "--output-dir", "made"]);
    let (code, told) = on_a_terminal(command);
    assert_eq!(code, Some(0), "{told}");
    let (bar, outcome) = told.rsplit_once("\u{1b}[2K").expect("a bar that was cleared");
    assert!(bar.contains("3/3 checks"), "{told}");
    assert!(outcome.trim_start_matches('\r').starts_with("\u{1b}[1m\u{1b}[32mcompleted\u{1b}[0m"), "{outcome}");
    assert!(outcome.contains("findings  2 (2 unexpected)") && outcome.contains("report    made/reports/report.md"));
}
