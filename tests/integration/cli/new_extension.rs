//! `extensions new`: what it makes runs, with the commands that it prints.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{World, files};

/// The kinds that need nothing but a shell, how their runs end, and how many items of evidence there are.
const RUNNABLE: [(&str, i32, usize); 5] =
    [("command", 0, 2), ("junit", 0, 2), ("sarif", 0, 1), ("tap", 0, 2), ("external", 0, 1)];

fn new(world: &World, arguments: &[&str]) -> Output {
    world.command().args(["extensions", "new"]).args(arguments).output().expect("it ran")
}

/// The printed commands, each on one line.
pub(super) fn commands(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout.clone()).expect("text").replace("\\\n", "");
    text.lines().filter(|line| line.starts_with("  guide-board ")).map(str::to_owned).collect()
}

/// A command line in a shell that finds this binary.
pub(super) fn shell(world: &World, line: &str) -> Output {
    let binary = Path::new(env!("CARGO_BIN_EXE_guide-board")).parent().expect("a directory");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).expect("a path");
    let mut command = Command::new("sh");
    command.current_dir(world.path("")).env_clear().env("PATH", path).args(["-c", line]).output().expect("it ran")
}

fn json(world: &World, path: &str) -> Value {
    let text = std::fs::read_to_string(world.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_printed_commands_validate_plan_and_run_what_was_made() {
    let world = World::new();
    for (kind, code, items) in RUNNABLE {
        let id = format!("my-{kind}");
        let commands = commands(&new(&world, &[&id, "--kind", kind]));
        let [validate, plan, run] = commands.as_slice() else { panic!("{commands:?}") };
        for line in [validate, plan] {
            let output = shell(&world, line);
            assert!(output.status.success() && !output.stdout.is_empty(), "{line}: {output:?}");
        }
        let output = shell(&world, run);
        assert_eq!(output.status.code(), Some(code), "{run}: {output:?}");
        let summary = json(&world, &format!("runs/{id}-1/retention-summary.json"));
        assert_eq!(summary["assessment_profile_ref"], id.as_str());
        let evidence = json(&world, &format!("runs/{id}-1/normalized/evidence.json"));
        let evidence = evidence.as_array().expect("a list");
        assert_eq!(evidence.len(), items, "{kind}: {evidence:?}");
        let broken =
            |item: &&Value| ["infrastructure_error", "blocked", "unknown"].iter().any(|word| item["result"] == *word);
        assert_eq!(evidence.iter().find(broken), None, "{kind}");
    }
    // All of them together, as a directory of extensions.
    let output = shell(&world, "guide-board extensions validate extensions");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), RUNNABLE.len(), "{output:?}");
}

/// A stand-in for a tool: it reports what it finds in the directory that it is told or else works in.
fn tool(world: &World, name: &str, script: &str) {
    let path = world.path(&format!("bin/{name}"));
    std::fs::create_dir_all(world.path("bin")).expect("made");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
}

#[test]
fn the_hint_in_each_program_looks_at_the_target() {
    let world = World::new();
    std::fs::write(world.path("seen-in-the-target"), "").expect("written");
    let report = "<testsuite name='s' tests='2'><testcase name='a context'/><testcase name='seen'/></testsuite>";
    tool(&world, "pytest", &format!("test -f seen-in-the-target && echo \"{report}\" > \"${{1#--junit-xml=}}\""));
    tool(&world, "node", "test -f seen-in-the-target && echo 1..2 && echo ok 1 - a context && echo ok 2 - seen");
    let report = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[]}]}"#;
    let script = "for last; do test \"${last#--output-file=}\" = \"$last\" || file=${last#--output-file=}; done";
    tool(&world, "ruff", &format!("{script}\ntest -f \"$last/seen-in-the-target\" && echo '{report}' > \"$file\""));
    // The manifests' own words are taken for the kinds.
    for kind in ["junit-xml", "tap-14", "sarif-2.1.0"] {
        let id = format!("my-{kind}");
        let commands = commands(&new(&world, &[&id, "--kind", kind]));
        let program = world.path(&format!("extensions/{id}/run.sh"));
        let text = std::fs::read_to_string(&program).expect("text");
        let hint = text.lines().find_map(|line| line.strip_prefix("#   ")).expect("a hint");
        std::fs::write(&program, format!("#!/bin/sh\nset -eu\n{hint}\n")).expect("written");
        let line = format!("PATH=$PWD/bin:$PATH; {}", commands.last().expect("run"));
        let output = shell(&world, &line);
        assert_eq!(output.status.code(), Some(0), "{kind}: {output:?}");
        let evidence = json(&world, &format!("runs/{id}-1/normalized/evidence.json"));
        let passed = |item: &Value| item["result"] == "pass";
        assert!(evidence.as_array().expect("a list").iter().any(passed), "{kind}: {evidence}");
    }
    assert!(new(&world, &["my-function", "--kind", "python_module"]).status.success());
}

#[test]
fn a_python_extension_is_valid_as_it_is_made() {
    let world = World::new();
    let commands = commands(&new(&world, &["my-python", "--kind", "python"]));
    for line in &commands[..2] {
        assert!(shell(&world, line).status.success(), "{line}");
    }
    assert_eq!(
        files(&world.path("extensions")),
        ["my-python/README.md", "my-python/extension.json", "my-python/runner.py"]
    );
}

#[test]
fn names_with_blanks_and_another_root_are_printed_as_a_shell_takes_them() {
    let world = World::new();
    let arguments = ["it-s", "--dir", "it's a place", "--root", "a root"];
    let commands = commands(&new(&world, &arguments));
    assert_eq!(files(&world.path("a root")), ["profiles/assessments/it-s.json", "profiles/targets/it-s-target.json"]);
    for line in &commands {
        let output = shell(&world, line);
        assert!(output.status.success(), "{line}: {output:?}");
    }
    assert!(world.path("a root/runs/it-s-1/retention-summary.json").is_file());
}

#[test]
fn what_stands_there_is_not_overwritten_and_nothing_is_written_half() {
    let world = World::new();
    std::fs::create_dir_all(world.path("extensions/taken")).expect("made");
    let output = new(&world, &["taken"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("extensions/taken cannot be written: it exists already"));
    assert!(files(&world.path("extensions")).is_empty() && !world.path("profiles").exists());
    // A profile that stands there stays; a place where none can be written leaves nothing at all.
    std::fs::create_dir_all(world.path("profiles/targets")).expect("made");
    std::fs::write(world.path("profiles/targets/mine-target.json"), "mine").expect("written");
    std::fs::write(world.path("profiles/assessments"), "in the way").expect("written");
    let output = new(&world, &["mine"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(!world.path("extensions/mine").exists());
    assert_eq!(files(&world.path("extensions")), Vec::<String>::new());
    std::fs::remove_file(world.path("profiles/assessments")).expect("removed");
    assert!(new(&world, &["mine"]).status.success());
    assert_eq!(std::fs::read_to_string(world.path("profiles/targets/mine-target.json")).expect("text"), "mine");
    assert!(world.path("profiles/assessments/mine.json").is_file());
}
