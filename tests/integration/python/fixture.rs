//! `sdk-fixture`, which uses everything that an extension can bring: its run directory, whole.

use std::path::Path;

use super::redacted::redacted;
use crate::support::{World, files};

const TARGET: &str = "bundled:profiles/targets/sdk-fixture.json";
const ASSESSMENT: &str = "bundled:profiles/assessments/sdk-fixture.json";

/// The run directory is what `tests/fixtures/sdk-fixture/` holds, file by file. GUIDE_BOARD_BLESS=1 writes that anew.
#[test]
#[ignore = "needs python3: scripts/test python"]
fn the_whole_run_directory_is_the_golden_one() {
    let world = World::new();
    let directory = world.path("runs/fixture");
    let mut command = world.command();
    command.env("SDK_FIXTURE_TOKEN", "not-a-real-token").args([
        "run",
        "--run-id",
        "fixture",
        "--label",
        "purpose=golden",
    ]);
    command.args(["--target", TARGET, "--assessment", ASSESSMENT, "--output-dir"]).arg(&directory);
    let output = command.output().expect("run");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let made = redacted(&directory, "fixture-run-id-that-stands-nowhere");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/sdk-fixture");
    if std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        let _ = std::fs::remove_dir_all(&golden);
        for (path, text) in &made {
            let place = golden.join(path);
            std::fs::create_dir_all(place.parent().expect("a directory")).expect("made");
            std::fs::write(place, text).expect("written");
        }
    }
    assert_eq!(made.keys().cloned().collect::<Vec<_>>(), files(&golden), "the files of the run");
    for (path, text) in &made {
        let expected = std::fs::read_to_string(golden.join(path)).expect("a golden file");
        for (number, (made, expected)) in text.lines().zip(expected.lines()).enumerate() {
            assert_eq!(made, expected, "{path}, line {}; GUIDE_BOARD_BLESS=1 writes it anew", number + 1);
        }
        assert_eq!(*text, expected, "{path}");
    }
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn without_its_credentials_everything_but_the_external_group_is_blocked() {
    let world = World::new();
    let directory = world.path("runs/fixture");
    let mut command = world.command();
    command.args(["run", "--target", TARGET, "--assessment", ASSESSMENT, "--output-dir"]).arg(&directory);
    assert_eq!(command.output().expect("run").status.code(), Some(4));
    let summary = std::fs::read_to_string(directory.join("retention-summary.json")).expect("a summary");
    let summary: serde_json::Value = serde_json::from_str(&summary).expect("JSON");
    assert_eq!(summary["evidence_counts"], serde_json::json!({"blocked": 11, "manual": 1}));
}
