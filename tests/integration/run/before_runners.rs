//! Preflights, external runners, and what a manifest may name.

use serde_json::json;

use crate::support::{Finished, World, reports};

/// A run whose extension has a preflight that is this script.
fn preflight(script: &str) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    std::fs::create_dir_all(world.path("extensions/probe")).expect("made");
    std::fs::write(world.path("extensions/probe/preflight.sh"), script).expect("written");
    world
        .extension("probe")
        .set("/preflight_runner", json!("preflight"))
        .set(
            "/runner_entrypoints/1",
            json!({"id": "preflight", "kind": "command", "command": ["sh", "{extension}/preflight.sh"]}),
        )
        .script(&format!("echo x > ran.txt; {}", reports("pass")));
    let run = world.run().finish();
    (world, run)
}

#[test]
fn a_preflight_that_is_content_lets_the_runners_run_once_each() {
    let (_world, run) = preflight("echo once >> count.txt; echo ready when you are");
    let run = run.expect_code(0);
    assert_eq!(run.text("artifacts/probe/count.txt"), "once\n");
    assert_eq!(run.text("artifacts/probe/_preflight.stdout.txt"), "ready when you are\n");
    let told = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert_eq!((&told["preflight"], &told["ready"]), (&json!(true), &json!(true)));
}

#[test]
fn a_preflight_that_fails_blocks_every_check_and_no_runner_starts() {
    let (_world, run) = preflight("echo the database is away >&2; exit 3");
    let run = run.expect_code(4);
    run.expect_items("blocked", "the preflight ended with exit code 3");
    run.expect_items("blocked", "the database is away");
    assert_eq!(run.items("one")[0]["facts"], json!({"blocked_reason": "preflight_failed"}));
    assert!(!run.directory.join("artifacts/probe/ran.txt").exists());
}

#[test]
fn a_preflight_can_say_why() {
    let verdict = json!({"ready": false, "reason": "no licence is configured", "blocked_reason": "not_configured"});
    let (_world, run) = preflight(&format!("echo '{verdict}'"));
    let run = run.expect_code(4);
    run.expect_items("blocked", "no licence is configured");
    assert_eq!(run.items("two")[0]["facts"]["blocked_reason"], "not_configured");

    let (_world, run) = preflight("echo '{\"ready\": \"yes\"}'");
    run.expect_code(4).expect_items("blocked", "/ready: found ");
    let (_world, run) = preflight("exec no-such-program-anywhere");
    run.expect_code(4).expect_items("blocked", "exit code 127");
}

#[test]
fn an_external_runner_is_left_to_a_person_also_when_others_are_blocked() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:NOT_SET_ANYWHERE")).write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/runner_entrypoints/0", json!({"id": "runner", "kind": "external", "instructions": "ask the auditor"}))
        .write();
    let run = world.run().finish().expect_code(0);
    run.expect_items("manual", "ask the auditor");
    assert_eq!(run.json("normalized/findings.json"), json!([]));
}

#[test]
fn every_path_of_a_manifest_stays_inside_the_extension() {
    let runner = |path: &str| json!({"id": "runner", "kind": "python_module", "path": path});
    let cases = [
        ("/runner_entrypoints/0", runner("../other/runner.py"), "/runner_entrypoints/0/path: "),
        ("/runner_entrypoints/0", runner("/etc/hostname"), "/runner_entrypoints/0/path: "),
        (
            "/runner_entrypoints/0",
            runner("out/passwd"),
            "/runner_entrypoints/0/path: out/passwd is no file of the extension",
        ),
        ("/runner_entrypoints/0", runner("sub"), "/runner_entrypoints/0/path: sub is a directory"),
        ("/runner_entrypoints/0/command", json!(["../sh"]), "/runner_entrypoints/0/command/0: "),
        ("/runner_entrypoints/0/command", json!(["sh", "{extension}/../x"]), "/runner_entrypoints/0/command/1: "),
        (
            "/runner_entrypoints/0/command",
            json!(["sh", "{extension}-x/y"]),
            "/runner_entrypoints/0/command/1: {extension} ",
        ),
        (
            "/runner_entrypoints/0/command",
            json!(["sh", "{extension}/a:{extension}/../x"]),
            "/runner_entrypoints/0/command/1: ",
        ),
        ("/mappings", json!([{"id": "m", "path": "out/passwd"}]), "/mappings/0/path: "),
        (
            "/report_fragments",
            json!([{"id": "f", "title": "F", "kind": "markdown_file", "path": "../f.md"}]),
            "/report_fragments/0/path: ",
        ),
        ("/normalizers", json!([{"id": "n", "kind": "python_module", "path": "no.py"}]), "/normalizers/0/path: "),
        (
            "/normalizers",
            json!([{"id": "n", "kind": "junit-xml", "input": "../x.xml"}]),
            "/normalizers/0/input: ../x.xml: an input is a wildcard over the files in the runner's working directory",
        ),
        (
            "/normalizers",
            json!([{"id": "n", "kind": "tap-14", "input": ["*.tap", "/tmp/x"]}]),
            "/normalizers/0/input: /tmp",
        ),
        (
            "/normalizers",
            json!([{"id": "n", "kind": "tap-14", "input": "{target}/x"}]),
            "/normalizers/0/input: {target}/x: ",
        ),
        (
            "/profile_schemas",
            json!([{"id": "s", "profile_kind": "target", "path": "../s.json"}]),
            "/profile_schemas/0/path: ",
        ),
    ];
    for (pointer, value, said) in cases {
        let world = World::new();
        world.target().write();
        world.assessment(&["probe"]).write();
        std::fs::create_dir_all(world.path("extensions/probe/sub")).expect("made");
        std::os::unix::fs::symlink("/etc", world.path("extensions/probe/out")).expect("linked");
        let extension = world.extension("probe").set(pointer, value);
        std::fs::write(world.path("extensions/probe/runner.sh"), "true").expect("written");
        extension.write();
        let run = world.run().finish().expect_code(2);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
        assert!(!run.directory.exists());
    }
}

#[test]
fn ids_and_references_of_a_manifest_are_checked_at_once() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/preflight_runner", json!("none"))
        .set("/check_groups/0/normalizer_ref", json!("absent"))
        .set("/runner_entrypoints/1", json!({"id": "runner", "kind": "external"}))
        .set("/supported_frameworks", json!([{"id": "f", "authority_ref": "nobody"}]))
        .script("true");
    let run = world.run().finish().expect_code(2);
    for said in [
        "/preflight_runner: no one of runner_entrypoints bears the id none",
        "/check_groups/0/normalizer_ref: no one of normalizers bears the id absent",
        "/runner_entrypoints/1: another one of runner_entrypoints bears the id runner",
        "/supported_frameworks/0/authority_ref: no one of authorities bears the id nobody",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn a_target_follows_the_extensions_own_schema_for_its_subject_type() {
    let world = World::new();
    world.assessment(&["probe"]).write();
    std::fs::create_dir_all(world.path("extensions/probe")).expect("made");
    let schema =
        json!({"required": ["declared_capabilities"], "properties": {"declared_capabilities": {"minItems": 1}}});
    std::fs::write(world.path("extensions/probe/s.json"), schema.to_string()).expect("written");
    let own = json!({"id": "s", "profile_kind": "target", "path": "s.json", "subject_type": "service"});
    world.extension("probe").set("/profile_schemas", json!(["target-profile", own])).script(&reports("pass"));
    world.target().write();
    world.run().finish().expect_code(0);
    let world_target = world.target().set("subject_type", json!("service"));
    world_target.set("declared_capabilities", json!([])).write();
    let run = world.run().arg("--run-id").arg("second").finish().expect_code(2);
    let said = "target.json: /declared_capabilities: found [], expected a list of at least 1 item (asked by the extension probe, s.json)";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn a_markdown_fragment_stands_in_the_report_and_the_packages() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    std::fs::create_dir_all(world.path("extensions/probe")).expect("made");
    std::fs::write(world.path("extensions/probe/f.md"), "Some *text*.\n").expect("written");
    let fragment = json!({"id": "f", "title": "A <part>", "kind": "markdown_file", "path": "f.md"});
    world.extension("probe").set("/report_fragments", json!([fragment])).script(&reports("pass"));
    let run = world.run().finish().expect_code(0);
    let entry = json!([{"id": "probe/f", "title": "A <part>", "markdown": "Some *text*.\n", "structured": null, "extension_id": "probe"}]);
    assert_eq!(run.json("reports/fragments.json"), entry);
    assert_eq!(run.json("reports/assessment-package.json")["report_fragments"], entry);
    assert!(
        run.text("reports/report.md").contains("## A &lt;part&gt;\n\nFrom the extension `probe`.\n\nSome *text*.\n")
    );
}
