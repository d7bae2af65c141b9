//! What is refused before anything is made: with everything that is wrong, at once, and where.

use serde_json::json;

use crate::support::{World, files, reports};

fn world() -> World {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&reports("pass"));
    world
}

#[test]
fn all_problems_of_both_profiles_come_at_once_with_file_and_pointer() {
    let world = world();
    world.target().set("id", json!(7)).set("endpoints", json!([])).set("typo", json!(1)).write();
    world.assessment(&["probe"]).set("runtime_policy", json!({"timeout_seconds": 0})).write();
    let run = world.run().finish().expect_code(2);
    for expected in [
        "target.json: /id: found 7, expected a text",
        "target.json: /endpoints: ",
        "target.json: /typo: found the key \"typo\"",
        "assessment.json: /runtime_policy/timeout_seconds: found 0, expected at least 1",
    ] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    assert!(!run.directory.exists());
}

#[test]
fn an_output_directory_that_exists_is_refused_and_untouched() {
    let world = world();
    std::fs::create_dir(world.path("run")).expect("made");
    std::fs::write(world.path("run/mine"), "mine").expect("written");
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("exists already"), "{}", run.stderr);
    assert_eq!(files(&run.directory), ["mine"]);
}

#[test]
fn extension_ids_must_be_unique_and_equal_to_the_directory_name() {
    let world = world();
    world.extension("sample-noop").script(&reports("pass"));
    world.extension("other").set("/id", json!("another")).script(&reports("pass"));
    world.assessment(&["probe", "sample-noop", "other"]).write();
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("another extension bears this id"), "{}", run.stderr);
    assert!(run.stderr.contains("/id: an extension's id is its directory's name, which is other"), "{}", run.stderr);
}

#[test]
fn an_extension_that_is_not_named_is_no_hindrance_however_wrong_it_is() {
    let world = world();
    world.extension("broken").set("/check_groups", json!([])).set("/typo", json!(1)).script(&reports("pass"));
    world.run().finish().expect_code(0);
    world.assessment(&["probe", "broken"]).write();
    std::fs::remove_dir_all(world.path("run")).expect("removed");
    let run = world.run().finish().expect_code(2);
    for expected in ["broken/extension.json: /check_groups: ", "broken/extension.json: /typo: "] {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    assert!(!run.stderr.contains("there is no extension"), "{}", run.stderr);
}

#[test]
fn a_directory_of_extensions_that_is_none_is_told_with_what_names_it() {
    let world = world();
    for (path, more) in
        [("extension", ""), ("extensions/probe/extension.json", "; name the directory, not extension.json")]
    {
        let run = world.run().arg("--extension-dir").arg(path).finish().expect_code(2);
        let expected = format!(
            "{path} is no directory; --extension-dir or GUIDE_BOARD_EXTENSION_PATHS names it for extensions{more}\n"
        );
        assert!(run.stderr.ends_with(&expected), "{expected}: {}", run.stderr);
        assert!(!run.directory.exists());
    }
}

#[test]
fn an_empty_directory_of_extensions_holds_none_and_one_with_other_things_is_refused() {
    let world = world();
    std::fs::create_dir(world.path("mount-point")).expect("made");
    for left in ["lost+found", ".snapshots"] {
        std::fs::create_dir_all(world.path("new-volume").join(left)).expect("made");
    }
    world.run().env("GUIDE_BOARD_EXTENSION_PATHS", "mount-point:new-volume").finish().expect_code(0);
    std::fs::write(world.path("mount-point/notes.txt"), "no extension").expect("written");
    let run = world.run().env("GUIDE_BOARD_EXTENSION_PATHS", "mount-point").finish().expect_code(2);
    let expected = "mount-point: neither this directory nor one in it has an extension.json";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
}

#[test]
fn a_check_id_is_its_extensions_only_one() {
    let world = world();
    let group = |id: &str| json!({"id": id, "runner_ref": "runner", "checks": [{"id": "same"}]});
    let groups = json!([group("first"), group("second")]);
    world.extension("probe").set("/check_groups", groups).script(&reports("pass"));
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("/check_groups/1/checks/0/id"), "{}", run.stderr);
}

#[test]
fn unknown_extensions_groups_and_runners_are_named() {
    let world = world();
    let groups =
        json!([{"extension_id": "probe", "check_group": "grupp"}, {"extension_id": "none", "check_group": "x"}]);
    world.assessment(&["probe", "absent"]).set("check_groups", groups).write();
    let run = world.run().finish().expect_code(2);
    for expected in
        ["/extensions/1: there is no extension absent", "/check_groups/0/check_group", "/check_groups/1/extension_id"]
    {
        assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
    }
    world.assessment(&["probe"]).write();
    world.extension("probe").set("/check_groups/0/runner_ref", json!("nobody")).write();
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("/check_groups/0/runner_ref"), "{}", run.stderr);
}

#[test]
fn an_extension_dir_may_be_an_extension_itself() {
    let world = world();
    let mut command = world.command();
    command.arg("--extension-dir").arg(world.path("extensions/probe")).arg("run");
    command.arg("--target").arg(world.path("target.json")).arg("--assessment").arg(world.path("assessment.json"));
    let output = command.arg("--output-dir").arg(world.path("run")).output().expect("runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn missing_files_wrong_json_and_wrong_flags_are_usage_errors() {
    let world = world();
    std::fs::remove_file(world.path("target.json")).expect("removed");
    std::fs::write(world.path("assessment.json"), "{\"id\": ").expect("written");
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("there is no such file") && run.stderr.contains("not JSON"), "{}", run.stderr);
    for flag in ["--label=novalue", "--label=.bad=1", "--gate=other", "--run-id=a/b", "--progress=loud"] {
        world.run().arg(flag).finish().expect_code(2);
    }
}
