//! `runs cat --output`, `runs pull` and `plan --output`: a file is whole or not there, and nothing is overwritten unasked.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::place::Place;

const RUN: [&str; 4] = ["runs", "cat", "--run-id", "run-20260508T164334Z-7f3a91c2"];

#[test]
fn a_file_is_whole_and_never_overwritten_unasked() {
    let place = Place::new();
    let original = place.path("runs/run-20260508T164334Z-7f3a91c2/reports/report.md");
    let cat = |arguments: &[&str]| place.command().args(RUN).args(arguments).output().expect("it ran").status.code();
    assert_eq!(cat(&["reports/report.md", "--output", "copy"]), Some(0));
    let bytes = std::fs::read(&original).expect("read");
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), bytes);
    std::fs::write(place.path("copy"), "mine").expect("written");
    assert_eq!(cat(&["reports/report.md", "-o", "copy"]), Some(2));
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), b"mine");
    assert_eq!(cat(&["reports/report.md", "-o", "copy", "--force", "--offset", "2"]), Some(0));
    assert_eq!(std::fs::read(place.path("copy")).expect("read"), bytes.get(2..).expect("more"));
}

#[test]
fn nothing_is_left_where_nothing_could_be_read_and_only_files_are_replaced() {
    let place = Place::new();
    std::fs::create_dir(place.path("out")).expect("made");
    std::os::unix::fs::symlink("../a-file", place.path("out/link")).expect("linked");
    let cat = |arguments: &[&str]| place.command().args(RUN).args(arguments).output().expect("it ran").status.code();
    assert_eq!(cat(&["reports/none.md", "--output", "out/none"]), Some(6));
    assert_eq!(cat(&["../x", "--output", "out/none"]), Some(7));
    assert_eq!(cat(&["reports/report.md", "--output", "out/link", "--force"]), Some(2));
    assert_eq!(cat(&["reports/report.md", "--output", "out", "--force"]), Some(2));
    assert_eq!(std::fs::read_to_string(place.path("a-file")).expect("read"), "text");
    let left: Vec<_> =
        std::fs::read_dir(place.path("out")).expect("listed").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(left, ["link"]);
}

/// The files beneath a directory by their paths.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(path) = waiting.pop() {
        for entry in std::fs::read_dir(&path).expect("listed") {
            let path = entry.expect("one").path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(directory).expect("beneath").to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path).expect("read"));
            }
        }
    }
    found
}

#[test]
fn a_pulled_run_is_the_run_and_is_listed_like_it() {
    let place = Place::new();
    for directory in std::fs::read_dir(place.path("runs")).expect("listed") {
        let directory = directory.expect("one").file_name().into_string().expect("UTF-8");
        let copy = format!("copies/{directory}");
        let pulled = place.command().args(["runs", "pull", "--directory", &directory, &copy]).output().expect("it ran");
        assert!(pulled.status.success(), "{directory}: {}", String::from_utf8_lossy(&pulled.stderr));
        assert_eq!(files(&place.path("runs").join(&directory)), files(&place.path(&copy)), "{directory}");
    }
    let listed = |root: &str| {
        let output = place.command().args(["runs", "list", "--runs-dir", root]).output().expect("it ran");
        // The command for the problems names the directory.
        String::from_utf8(output.stdout).expect("UTF-8").replace(&format!("--runs-dir {root}"), "--runs-dir ROOT")
    };
    assert_eq!(listed("runs"), listed("copies"));
}

#[test]
fn a_pull_that_was_killed_goes_on_where_it_was() {
    let place = Place::new();
    let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(|number| number.to_le_bytes()).take(3_000_000).collect();
    let run = place.path("runs/hand-over");
    std::fs::create_dir_all(run.join("artifacts/big")).expect("made");
    std::fs::write(run.join("artifacts/big/file.bin"), &bytes).expect("written");
    // The system kills it once it has written half of the file.
    let limited = "ulimit -f 3000; exec \"$0\" runs pull --directory hand-over copy";
    let killed =
        place.command_of("sh").args(["-c", limited, env!("CARGO_BIN_EXE_guide-board")]).output().expect("it ran");
    assert!(!killed.status.success(), "{killed:?}");
    assert!(!place.path("copy/artifacts/big/file.bin").exists() && !place.path("copy/retention-summary.json").exists());
    let again =
        place.command().args(["runs", "pull", "--directory", "hand-over", "copy", "--json"]).output().expect("it ran");
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    let told: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    let fetched = told["bytes_pulled"].as_u64().expect("a number");
    assert!((1_400_000..1_700_000).contains(&fetched), "half of it was there already: {told}");
    assert_eq!(files(&run), files(&place.path("copy")));
}

fn told(place: &Place, arguments: &[&str]) -> (Option<i32>, Value) {
    let output = place.command().args(["runs", "pull", "--json"]).args(arguments).output().expect("it ran");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), serde_json::from_str(&stdout).unwrap_or(Value::Null))
}

#[test]
fn a_document_that_is_not_what_the_submission_package_records_is_told() {
    let place = Place::new();
    let directory = "run-20260508T164334Z-7f3a91c2";
    let findings = place.path("runs").join(directory).join("normalized/findings.json");
    let text = std::fs::read_to_string(&findings).expect("read");
    let package = place.path("runs").join(directory).join("reports/submission-package.json");
    let recorded = std::fs::read_to_string(package).expect("read").contains("normalized/findings.json");
    assert!(recorded, "the fixture records it");
    std::fs::write(&findings, text.replacen('l', "L", 1)).expect("written");
    let (code, told) = told(&place, &["--directory", directory, "copy"]);
    assert_eq!((code, &told["problems"][0]["path"]), (Some(7), &Value::from("normalized/findings.json")), "{told}");
    assert_eq!((&told["problems"][0]["state"], &told["has_summary"]), (&"other_digest".into(), &true.into()), "{told}");
    assert!(!place.path("copy/normalized/findings.json").exists());
}

#[test]
fn what_is_not_the_run_s_keeps_the_copy_from_being_a_run() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("copy/artifacts/x")).expect("made");
    std::fs::write(place.path("copy/artifacts/x/other.log"), "theirs").expect("written");
    let (code, told) = told(&place, &["--directory", "hand-over", "copy"]);
    assert_eq!((code, &told["is_whole"], &told["has_summary"]), (Some(7), &false.into(), &false.into()), "{told}");
    assert_eq!(told["problems"][0]["path"], "artifacts/x/other.log");
    assert!(!place.path("copy/retention-summary.json").exists());
    std::fs::remove_dir_all(place.path("copy/artifacts")).expect("removed");
    let (code, told) = self::told(&place, &["--directory", "hand-over", "copy"]);
    assert_eq!((code, &told["has_summary"]), (Some(0), &true.into()), "{told}");
}

#[test]
fn a_summary_that_a_manifest_names_still_comes_last_and_a_repeated_path_once() {
    let place = Place::new();
    let run = place.path("runs/odd-manifest");
    std::fs::create_dir_all(run.join("reports")).expect("made");
    std::fs::create_dir_all(run.join("artifacts")).expect("made");
    std::fs::write(run.join("artifacts/a"), "a").expect("written");
    std::fs::write(run.join("retention-summary.json"), r#"{"run_id":"odd-manifest"}"#).expect("written");
    let package =
        r#"{"artifact_manifest":[{"path":"retention-summary.json"},{"path":"artifacts/a"},{"path":"artifacts/a"}]}"#;
    std::fs::write(run.join("reports/assessment-package.json"), package).expect("written");
    let (code, told) = told(&place, &["--directory", "odd-manifest", "copy"]);
    assert_eq!((code, &told["files_pulled"], &told["files_kept"]), (Some(0), &3.into(), &0.into()), "{told}");
}

#[test]
fn a_run_that_is_being_made_is_not_pulled_nor_one_into_itself() {
    let place = Place::new();
    let problems = ["runs", "problems", "--runs-dir", "broken", "--reason", "in_progress", "--json"];
    let output = place.command().args(problems).output().expect("it ran");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let directory = listed["problems"][0]["directory"].as_str().expect("one is being made").to_owned();
    assert_eq!(told(&place, &["--runs-dir", "broken", "--directory", &directory, "copy"]).0, Some(7));
    for inside in ["runs/hand-over/artifacts/copy", "runs/hand-over/copy"] {
        assert_eq!(told(&place, &["--directory", "hand-over", inside]).0, Some(2), "{inside}");
    }
    assert_eq!(told(&place, &["--directory", "hand-over", "runs/copy"]).0, Some(0));
}

#[test]
fn a_plan_is_the_document_that_a_run_of_the_same_profiles_keeps() {
    let place = Place::new();
    let profiles = [
        ["--target", "bundled:profiles/targets/sample-repository.json"],
        ["--assessment", "bundled:profiles/assessments/sample-noop.json"],
    ]
    .concat();
    let done = |command: &str, more: [&str; 2]| {
        let status = place.command().arg(command).args(&profiles).args(more).output().expect("it ran").status;
        assert!(status.success(), "{command}");
    };
    done("plan", ["--output", "plan.json"]);
    done("run", ["--output-dir", "made"]);
    let [planned, kept] = ["plan.json", "made/plan.json"].map(|path| std::fs::read(place.path(path)).expect("read"));
    assert_eq!(planned, kept);
}
