//! Functions of an extension that misbehave: as runner, preflight, normalizer and report fragment.

use serde_json::{Value, json};

use crate::support::{Finished, World, reports};

const GOOD: &str =
    "def run(context):\n    return {'evidence': [{'check_id': c, 'result': 'pass'} for c in context['checks']]}\n";

/// A run whose runner is this Python text.
fn run(text: &str) -> (World, Finished) {
    let world = world(text);
    let run = world.run().finish();
    (world, run)
}

fn world(text: &str) -> World {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    put(&world, "runner.py", text);
    world
        .extension("probe")
        .set("/runner_entrypoints/0", json!({"id": "runner", "kind": "python_module", "path": "runner.py"}))
        .write();
    world
}

/// Has the extension's preflight be this Python text.
fn preflight(world: &World, text: &str) {
    put(world, "ready.py", text);
    let ready = json!({"id": "ready", "kind": "python_module", "path": "ready.py", "callable": "check"});
    world
        .extension("probe")
        .set("/runner_entrypoints/0", json!({"id": "runner", "kind": "python_module", "path": "runner.py"}))
        .set("/runner_entrypoints/1", ready)
        .set("/preflight_runner", json!("ready"))
        .write();
}

fn put(world: &World, name: &str, text: &str) {
    let path = world.path("extensions/probe").join(name);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(path, text).expect("written");
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_function_reports_and_may_print_what_it_likes() {
    let (world, run) = run(&format!("print('at import')\n{GOOD}"));
    let run = run.expect_code(0);
    assert_eq!(run.text("artifacts/probe/group.stdout.txt"), "at import\n");
    assert!(!world.path("extensions/probe/__pycache__").exists(), "nothing is written into the extension");
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn modules_beside_the_file_are_found_and_those_of_the_working_directory_are_not() {
    let world = world(&format!("import helper\nimport json\nassert helper.HERE\n{GOOD}"));
    put(&world, "helper.py", "HERE = True\n");
    put(&world, "plant.sh", "echo 'raise SystemExit(9)' > json.py; echo 'raise SystemExit(9)' > helper.py");
    world
        .extension("probe")
        .set(
            "/runner_entrypoints/0",
            json!({"id": "plant", "kind": "command", "command": ["sh", "{extension}/plant.sh"]}),
        )
        .set("/runner_entrypoints/1", json!({"id": "runner", "kind": "python_module", "path": "runner.py"}))
        .set("/preflight_runner", json!("plant"))
        .write();
    world.run().finish().expect_code(0);
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn every_way_of_breaking_is_told_apart() {
    let cases = [
        ("def run(context):\n    raise ValueError('out of cheese')\n", "out of cheese"),
        ("def run(context):\n    return None\n", "run returned NoneType, not a dict"),
        ("def other(context):\n    pass\n", "runner.py has no function run"),
        ("def run(context)\n", "SyntaxError"),
        (
            "def run(context):\n    return {'evidence': [{'check_id': 'one', 'result': 'pass', 'facts': {'n': float('nan')}}]}\n",
            "Out of range float values",
        ),
        ("def run(context):\n    return {'evidence': [object()]}\n", "not JSON serializable"),
        ("import sys\ndef run(context):\n    sys.exit(5)\n", "exit code 5"),
        ("import os\ndef run(context):\n    os.kill(os.getpid(), 9)\n", "signal 9"),
        (
            "def run(context):\n    return {'evidence': [{'check_id': 'three', 'result': 'pass'}]}\n",
            "three, which is no check",
        ),
        ("def run(context):\n    return run(context)\n", "RecursionError"),
    ];
    for (text, said) in cases {
        let (_world, run) = run(text);
        run.expect_code(5).expect_items("infrastructure_error", said);
    }
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn what_a_function_prints_is_no_result_also_when_it_looks_like_one() {
    let printed =
        "import json\nprint(json.dumps({'evidence': [{'check_id': c, 'result': 'pass'} for c in ('one', 'two')]}))\n";
    let (_world, run) = run(&format!("{printed}def run(context):\n    raise RuntimeError('boom')\n"));
    let run = run.expect_code(5);
    run.expect_items("infrastructure_error", "the function ended with exit code 1: RuntimeError: boom");
    assert_eq!(
        run.json("normalized/findings.json")[0]["title"],
        "Check one: the function ended with exit code 1: RuntimeError: boom"
    );
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_preflight_function_that_says_nothing_is_content() {
    let world = world(GOOD);
    preflight(&world, "def check(context):\n    pass\n");
    world.run().finish().expect_code(0);
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn the_manifest_is_of_what_stands_there_when_fragments_are_made() {
    let text = "import os\ndef run(context):\n    here = os.path.join(context['run_dir'], 'artifacts', 'probe')\n    open(os.path.join(here, 'group.stdout.txt'), 'a').write('more')\n    open(os.path.join(here, 'late.txt'), 'w').write('late')\n    return {'markdown': 'done'}\n";
    // What every run of the tests is held to includes the digest of every artifact.
    let (_world, run, entry) = fragment(text);
    assert_eq!(entry["markdown"], "done");
    assert!(run.json("reports/assessment-package.json")["artifact_manifest"].to_string().contains("late.txt"));
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_python_module_that_is_not_installed_is_a_missing_dependency() {
    for text in ["import no_such_module_anywhere\n", "def run(context):\n    import no_such_module_anywhere\n"] {
        let (_world, run) = run(&format!("{text}{}", if text.starts_with("import") { GOOD } else { "" }));
        let run = run.expect_code(4);
        run.expect_items("blocked", "the Python module no_such_module_anywhere is not installed");
        assert_eq!(run.items("one")[0]["facts"]["blocked_reason"], "missing_dependency");
    }
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_function_that_hangs_is_ended_with_everything_it_started() {
    let world = world("import subprocess\ndef run(context):\n    subprocess.Popen(['sleep', '600']).wait()\n");
    let manifest = json!({"id": "runner", "kind": "python_module", "path": "runner.py", "timeout_seconds": 1});
    world.extension("probe").set("/runner_entrypoints/0", manifest).write();
    let run = world.run().finish().expect_code(5);
    run.expect_items("infrastructure_error", "took longer than 1 s");
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_preflight_function_without_its_module_blocks_as_missing_dependency() {
    let world = world(GOOD);
    preflight(&world, "import no_such_module_anywhere\ndef check(context):\n    return {'ready': True}\n");
    let run = world.run().finish().expect_code(4);
    assert_eq!(run.items("one")[0]["facts"], json!({"blocked_reason": "missing_dependency"}));
}

/// A run whose runner leaves a file and whose normalizer is this Python text.
fn normalized(text: &str) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    put(&world, "read.py", text);
    let normalizer =
        json!({"id": "n", "kind": "python_module", "path": "read.py", "callable": "read", "input": "*.log"});
    world
        .extension("probe")
        .set("/normalizers", json!([normalizer]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .script("echo text > tool.log; exit 2");
    let run = world.run().finish();
    (world, run)
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_normalizer_function_knows_the_reports_and_how_the_runner_ended() {
    let text = "def read(context):\n    about = context['normalizer']\n    said = open(about['inputs'][0]).read().strip() + ' ' + str(about['exit_code'])\n    return {'evidence': [{'check_id': c, 'result': 'pass', 'observations': [said], 'artifact_refs': ['tool.log']} for c in context['checks']]}\n";
    let (_world, run) = normalized(text);
    let run = run.expect_code(0);
    assert_eq!(run.items("one")[0]["observations"], json!(["text 2"]));
    assert_eq!(run.items("two")[0]["artifact_refs"], json!(["artifacts/probe/tool.log"]));
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_normalizer_function_that_breaks_is_an_infrastructure_error() {
    let (_world, run) = normalized("def read(context):\n    raise ValueError('what is this')\n");
    let run = run.expect_code(5);
    run.expect_items("infrastructure_error", "the normalizer ended with exit code 1");
    run.expect_items("infrastructure_error", "what is this");
}

/// A run with one report fragment that is this Python text; its entry.
fn fragment(text: &str) -> (World, Finished, Value) {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:FRAGMENT_TOKEN")).write();
    world.assessment(&["probe"]).write();
    put(&world, "part.py", text);
    let entry =
        json!({"id": "part", "title": "Part", "kind": "python_module", "path": "part.py", "timeout_seconds": 20});
    world.extension("probe").set("/report_fragments", json!([entry])).script(&reports("fail"));
    let run = world.run().env("FRAGMENT_TOKEN", "hunter2-hunter2").finish().expect_code(3);
    let entry = run.json("reports/fragments.json")[0].clone();
    (world, run, entry)
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_fragment_function_gets_every_key_of_the_contract_and_may_not_give_secrets_away() {
    let text = "import os\ndef run(context):\n    open('left.txt', 'w').write('x')\n    return {'markdown': os.environ['FRAGMENT_TOKEN'], 'structured': {'keys': sorted(context), 'findings': len(context['findings']), 'root': context['root']}}\n";
    let (world, run, entry) = fragment(text);
    assert_eq!(entry["markdown"], "[redacted]");
    let keys = "assessment_package evidence extension_path findings mappings plan policy_summary report_fragment root run_dir run_id schema_version source_lock";
    assert_eq!(entry["structured"]["keys"], json!(keys.split(' ').collect::<Vec<_>>()));
    assert_eq!(entry["structured"]["findings"], 2);
    assert_eq!(entry["structured"]["root"].as_str(), std::fs::canonicalize(world.path(".")).expect("there").to_str());
    assert!(!run.files().iter().any(|file| file.contains("left.txt") || file.starts_with(".work")));
}

#[test]
#[ignore = "needs python3: scripts/test python"]
fn a_fragment_that_cannot_be_made_says_why_and_fails_nothing() {
    let cases = [
        ("def run(context):\n    raise ValueError('no data')\n", "no data"),
        ("def run(context):\n    return {'markdown': 7}\n", "/markdown: found 7"),
        ("def run(context):\n    return {'markdown': 'x' * 2000000}\n", "longer than 1048576 bytes"),
        ("import no_such_module_anywhere\n", "no_such_module_anywhere"),
    ];
    for (text, said) in cases {
        let (_world, run, entry) = fragment(text);
        assert!(entry["error"].as_str().is_some_and(|error| error.contains(said)), "{entry}");
        assert_eq!(entry["markdown"], "");
        assert!(run.text("reports/report.md").contains("This part could not be made: "));
        assert_eq!(run.json("retention-summary.json")["result_status"], "failed");
    }
}
