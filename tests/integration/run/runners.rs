//! Runners that misbehave: the run goes on and ends with a whole directory that says what happened.

use serde_json::json;

use crate::support::{Finished, World, reports};

fn run(script: &str) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(script);
    let run = world.run().finish();
    (world, run)
}

/// The infrastructure error that stands for a runner that broke.
fn broken(script: &str, said: &str) -> (World, Finished) {
    let (world, run) = run(script);
    let run = run.expect_code(5);
    run.expect_items("infrastructure_error", said);
    assert_eq!(run.json("retention-summary.json")["result_status"], "infrastructure_error");
    assert_eq!(run.json("normalized/findings.json").as_array().map(Vec::len), Some(2));
    (world, run)
}

#[test]
fn a_crash_gives_the_exit_code_and_the_last_lines() {
    let (_world, run) = broken("echo first >&2; echo last words >&2; exit 7", "exit code 7");
    let item = &run.items("one")[0];
    assert_eq!(item["facts"], json!({"exit_code": 7, "signal": null, "timed_out": false}));
    assert!(item["observations"].to_string().contains("first\\nlast words"), "{item:?}");
}

#[test]
fn a_runner_that_a_signal_ends_gives_the_signal() {
    let (_world, run) = broken("kill -SEGV $$", "signal 11 (SIGSEGV)");
    assert_eq!(run.items("two")[0]["facts"]["signal"], 11);
}

#[test]
fn what_was_reported_before_a_crash_counts() {
    let one = json!({"evidence": [{"check_id": "one", "result": "pass"}]});
    let (_world, run) = run(&format!("echo '{one}'; exit 1"));
    assert_eq!(run.items("one")[0]["result"], "pass");
    assert_eq!(run.items("one")[0]["requirement_refs"], json!(["public:1"]));
    assert_eq!(run.items("two")[0]["result"], "infrastructure_error");
}

#[test]
fn a_timeout_ends_the_runner() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").timeout(1).script("echo waiting; exec sleep 600");
    let run = world.run().finish().expect_code(5);
    run.expect_items("infrastructure_error", "took longer than 1 s");
    assert_eq!(run.items("one")[0]["facts"]["timed_out"], true);
}

#[test]
fn results_that_are_no_results_are_told_apart() {
    broken("true", "reported no result");
    broken("echo hello", "not JSON");
    broken("printf '\\377\\376{}'", "not UTF-8");
    broken("echo '{\"evidence\": 7}'", "/evidence: found 7");
    broken("echo '{\"evidence\": [{\"check_id\": \"three\", \"result\": \"pass\"}]}'", "three, which is no check");
    broken("echo '{\"evidence\": []}'", "reported nothing for this check");
    broken("ln -s /etc/passwd \"$GUIDE_BOARD_RESULT\"", "link or a special file");
    broken("mkfifo \"$GUIDE_BOARD_RESULT\"", "link or a special file");
    broken("head -c 70000000 /dev/zero > \"$GUIDE_BOARD_RESULT\"", "larger than 67108864");
}

#[test]
fn the_result_may_come_in_the_named_file_while_output_is_talk() {
    let script = format!("echo talk; (\n{}\n) > \"$GUIDE_BOARD_RESULT\"", reports("pass"));
    let (_world, run) = run(&script);
    let run = run.expect_code(0);
    assert_eq!(run.text("artifacts/probe/group.stdout.txt"), "talk\n");
}

#[test]
fn a_missing_program_blocks_and_a_program_that_cannot_be_executed_breaks() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").set("/runner_entrypoints/0/command", json!(["no-such-program-anywhere"])).write();
    let run = world.run().finish().expect_code(4);
    run.expect_items("blocked", "not installed");
    assert_eq!(run.items("one")[0]["facts"], json!({"blocked_reason": "missing_dependency"}));

    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").set("/runner_entrypoints/0/command", json!(["./extension.json"])).write();
    world.run().finish().expect_code(5).expect_items("infrastructure_error", "could not be started");
}

#[test]
fn links_and_special_files_left_behind_are_told_and_not_listed() {
    let script = format!(
        "ln -s /etc/passwd link; mkfifo fifo; echo fine > file; mkdir sub; ln -s / sub/root; {}",
        reports("pass")
    );
    let (_world, run) = run(&script);
    let run = run.expect_code(0);
    let package = run.json("reports/assessment-package.json").to_string();
    assert!(package.contains("artifacts/probe/file"), "{package}");
    assert!(!package.contains("artifacts/probe/link") && !package.contains("artifacts/probe/fifo"), "{package}");
    let said = run.items("one")[0]["observations"].to_string();
    for expected in ["a symbolic link at artifacts/probe/link", "a special file at artifacts/probe/fifo", "sub/root"] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert_eq!(runner["not_listed"].as_array().map(Vec::len), Some(3));
}

#[test]
fn a_runner_that_plants_things_where_documents_belong_cannot_lead_writing_astray() {
    let world = World::new();
    std::fs::create_dir(world.path("outside")).expect("made");
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&format!("ln -s ../outside ../../reports\n{}", reports("pass")));
    let run = world.run().finish().expect_code(1);
    assert!(run.stderr.contains("something stands at reports"), "{}", run.stderr);
    assert!(crate::support::files(&world.path("outside")).is_empty());
    assert!(!run.directory.join("retention-summary.json").exists());
}

#[test]
fn refs_to_artifacts_are_checked_against_what_is_there() {
    let item = json!({"evidence": [
        {"check_id": "one", "result": "pass", "artifact_refs": ["made.txt", "artifacts/probe/made.txt", "./made.txt"]},
        {"check_id": "two", "result": "pass", "artifact_refs": ["../../run.json", "/etc/passwd", "absent.txt"]},
    ]});
    let (_world, run) = run(&format!("echo x > made.txt; echo '{item}'"));
    assert_eq!(run.items("one")[0]["artifact_refs"], json!(vec!["artifacts/probe/made.txt"; 3]));
    assert_eq!(run.items("two")[0]["artifact_refs"], json!([]));
    assert_eq!(run.items("two")[0]["observations"].as_array().map(Vec::len), Some(3));
}

#[test]
fn the_environment_is_the_short_list_and_standard_input_is_empty() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&format!("env > env.txt; cat > stdin.txt; pwd > pwd.txt; {}", reports("pass")));
    let run = world.run().env("GITHUB_TOKEN", "t0psecret").env("https_proxy", "http://u:p@h").env("LANG", "C").finish();
    let text = run.text("artifacts/probe/env.txt");
    let mut names: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // The shell adds its own.
    names.retain(|name| !matches!(*name, "PWD" | "_" | "SHLVL" | "OLDPWD"));
    names.sort_unstable();
    assert_eq!(names, ["GUIDE_BOARD_CONTEXT", "GUIDE_BOARD_RESULT", "GUIDE_BOARD_TARGET", "HOME", "LANG", "PATH"]);
    assert_eq!(run.text("artifacts/probe/stdin.txt"), "");
    assert!(run.text("artifacts/probe/pwd.txt").trim_end().ends_with("/run/artifacts/probe"));
}
