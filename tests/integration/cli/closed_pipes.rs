//! What becomes of a result that nobody reads, or that cannot be written.

use std::fs::File;
use std::process::{Command, Stdio};

use super::place::Place;

/// A command whose standard output is a pipe that nobody reads any more.
fn code_without_reader(mut command: Command) -> (Option<i32>, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command.stdout(writer).stderr(Stdio::piped()).output().expect("it ran");
    (output.status.code(), String::from_utf8(output.stderr).expect("UTF-8"))
}

#[test]
fn a_closed_pipe_is_success_and_silent() {
    let place = Place::new();
    let run = "run-20260508T164334Z-7f3a91c2";
    let lines: [&[&str]; 9] = [
        &["runs", "list"],
        &["runs", "list", "--json"],
        &["runs", "latest"],
        &["runs", "show", "--run-id", run],
        &["runs", "report", "--run-id", run],
        &["runs", "artifacts", "--run-id", run],
        &["runs", "cat", "--run-id", run, "normalized/evidence.json"],
        &["runs", "problems"],
        &["--help"],
    ];
    for line in lines {
        let mut command = place.command();
        command.args(line);
        assert_eq!(code_without_reader(command), (Some(0), String::new()), "{line:?}");
    }
}

#[test]
fn a_run_that_nobody_reads_about_keeps_its_exit_code() {
    let place = Place::new();
    for (gate, code) in [(&[][..], 0), (&["--gate", "unexpected_findings"][..], 3)] {
        let mut command = place.command();
        command.args(["run", "--target", "bundled:profiles/targets/sample-repository.json"]);
        command.args(["--assessment", "bundled:profiles/assessments/sample-noop.json"]);
        command.arg("--output-dir").arg(format!("unread-{code}")).args(gate);
        assert_eq!(code_without_reader(command), (Some(code), String::new()));
        assert!(place.path(&format!("unread-{code}/retention-summary.json")).is_file());
    }
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let place = Place::new();
    let run = "run-20260508T164334Z-7f3a91c2";
    let lines: [&[&str]; 3] =
        [&["runs", "list"], &["runs", "problems", "--json"], &["runs", "cat", "--run-id", run, "reports/report.md"]];
    for line in lines {
        let full = File::options().write(true).open("/dev/full").expect("opened");
        let output = place.command().args(line).stdout(full).stderr(Stdio::piped()).output().expect("it ran");
        assert_eq!(output.status.code(), Some(1), "{line:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("cannot be written"), "{line:?}");
    }
}
