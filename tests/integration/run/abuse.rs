//! Runners that abuse what they are given: each ends in a whole run that says what happened, in bounded memory. `docs/runners.md` has the table.

use std::time::Duration;

use guide_board::assessment::schema::Schema;
use serde_json::{Value, json};

use crate::support::{Finished, Run, World, eventually, reports, whole};

const MIB: u64 = 1 << 20;

/// Of a run that reports little, whatever its runner writes and leaves. A result on standard output is held whole, up to 64 MiB of it.
const LITTLE: u64 = 64 * MIB;

/// Where there is time as many as the documents speak of, else as many as keep `cargo test` quick.
fn many(all: usize, few: usize) -> usize {
    if std::env::var_os("GUIDE_BOARD_LOOP_SECONDS").is_some() { all } else { few }
}

/// Runs a script, which must not cost more memory than that.
fn within(bound: u64, script: &str) -> (World, Finished) {
    let world = World::of(script);
    let run = finish_within(bound, world.run());
    (world, run)
}

fn finish_within(bound: u64, run: Run) -> Finished {
    let (run, peak) = run.finish_with_peak();
    println!("at most {} KiB of memory", peak >> 10);
    assert!(peak < bound, "{} KiB", peak >> 10);
    run
}

/// Asserts that the runner left something at a path that is not listed, of this kind.
fn expect_not_listed(run: &Finished, path: &str, kind: &str) {
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    let wanted = json!({"path": path, "what": kind});
    assert!(runner["not_listed"].as_array().expect("a list").contains(&wanted), "{wanted}: {runner}");
}

fn manifest(run: &Finished) -> Vec<Value> {
    let package = run.json("reports/assessment-package.json");
    package["artifact_manifest"].as_array().expect("an array").clone()
}

#[test]
fn a_gibibyte_on_standard_error_costs_no_memory_and_no_result() {
    let (_world, run) = within(LITTLE, &format!("head -c 1073741824 /dev/zero >&2\n{}", reports("pass")));
    run.expect_items("pass", "seen");
    let length = run.text("artifacts/probe/group.stderr.txt").len();
    assert!((16 << 20..17 << 20).contains(&length), "{length}");
}

#[test]
fn a_gibibyte_on_both_streams_is_no_result_and_costs_no_more_than_a_result() {
    let script = "head -c 1073741824 /dev/zero >&2 & head -c 1073741824 /dev/zero | tr '\\0' x; wait";
    let (_world, run) = within(3 * LITTLE, script);
    run.expect_items("infrastructure_error", "standard output is larger than 67108864 bytes and can be no result");
    for stream in ["stdout", "stderr"] {
        let length = run.text(&format!("artifacts/probe/group.{stream}.txt")).len();
        assert!((16 << 20..17 << 20).contains(&length), "{length}");
    }
}

#[test]
fn a_runner_that_closes_its_output_and_works_on_has_not_ended() {
    let script =
        format!("exec >&- 2>&-\nsleep 0.5\necho late > late.txt\n(\n{}\n) > \"$GUIDE_BOARD_RESULT\"", reports("pass"));
    let (_world, run) = within(LITTLE, &script);
    run.expect_items("pass", "seen");
    assert_eq!(run.text("artifacts/probe/late.txt"), "late\n");
}

#[test]
fn a_runner_that_closes_its_output_is_still_ended_at_its_limit() {
    let world = World::of("");
    world.extension("probe").timeout(1).script("exec >&- 2>&-\nsleep 600");
    finish_within(LITTLE, world.run()).expect_items("infrastructure_error", "took longer than 1 s");
}

#[test]
fn a_socket_a_device_and_what_may_not_be_read_are_told_and_not_listed() {
    let script = format!(
        "echo fine > fine.txt\nmkdir shut listable; echo x > listable/x; echo y > unreadable\n\
         chmod 0 shut unreadable; chmod 444 listable\nmknod null c 1 3 2> /dev/null\n\
         while ! test -S socket; do sleep 0.02; done\n{}",
        reports("pass")
    );
    let world = World::of(&script);
    let mut run = world.run();
    let root = rustix::process::geteuid().is_root();
    if root {
        // To a superuser everything is readable, so the run is somebody else's.
        use std::os::unix::process::CommandExt as _;
        run.command.uid(65_534).gid(65_534);
        std::fs::set_permissions(world.path(""), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
    }
    let beside = world.path("run/artifacts/probe");
    let binding = std::thread::spawn(move || {
        eventually("the working directory", None, || beside.join("shut").exists().then_some(()));
        std::os::unix::net::UnixListener::bind(beside.join("socket")).expect("bound")
    });
    let run = finish_within(LITTLE, run).expect_code(0);
    drop(binding.join().expect("a socket"));
    expect_not_listed(&run, "artifacts/probe/socket", "a special file");
    for path in ["shut", "listable", "unreadable"] {
        expect_not_listed(&run, &format!("artifacts/probe/{path}"), "a file that cannot be read");
    }
    let listed: Vec<Value> = manifest(&run).iter().map(|entry| entry["path"].clone()).collect();
    assert_eq!(
        listed,
        ["artifacts/probe/fine.txt", "artifacts/probe/group.stderr.txt", "artifacts/probe/group.stdout.txt"]
    );
}

#[test]
fn a_device_is_told_and_not_listed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("only a superuser makes devices");
        return;
    }
    let (_world, run) = within(LITTLE, &format!("mknod zero c 1 5\n{}", reports("pass")));
    expect_not_listed(&run, "artifacts/probe/zero", "a special file");
}

#[test]
fn a_runner_that_shuts_its_directory_breaks_its_extensions_next_step_and_not_the_run() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    let group = |id: &str, check: &str| json!({"id": id, "runner_ref": "runner", "checks": [{"id": check}]});
    world
        .extension("probe")
        .set("/check_groups", json!([group("first", "one"), group("second", "two")]))
        .script("chmod 0 .; echo '{\"evidence\": [{\"check_id\": \"one\", \"result\": \"pass\"}]}'");
    let mut run = world.run();
    if rustix::process::geteuid().is_root() {
        use std::os::unix::process::CommandExt as _;
        run.command.uid(65_534).gid(65_534);
        std::fs::set_permissions(world.path(""), std::os::unix::fs::PermissionsExt::from_mode(0o777)).expect("set");
    }
    let run = finish_within(LITTLE, run).expect_code(5);
    assert_eq!(run.items("one")[0]["result"], "pass");
    assert!(run.items("two")[0]["observations"].to_string().contains("artifacts/probe"), "{:?}", run.items("two"));
    expect_not_listed(&run, "artifacts/probe", "a file that cannot be read");
}

#[test]
fn output_that_is_not_utf_8_is_kept_as_it_is_and_told_readably() {
    let (_world, run) = within(LITTLE, "printf 'caf\\351 \\377\\n' >&2; exit 3");
    run.expect_items("infrastructure_error", "caf\u{fffd} \u{fffd}");
    let kept = std::fs::read(run.directory.join("artifacts/probe/group.stderr.txt")).expect("read");
    assert_eq!(kept, b"caf\xe9 \xff\n");

    let item = r#"{"evidence": [{"check_id": "one", "result": "pass", "observations": ["\377"]}]}"#;
    let (_world, run) = within(LITTLE, &format!("printf '{item}'"));
    run.expect_items("infrastructure_error", "the result is not UTF-8 (byte ");
}

/// Shell that reports so many items that fail.
fn fails(count: usize) -> String {
    format!(
        r#"awk 'BEGIN {{ printf "{{\"evidence\":["; for (i = 0; i < {count}; i++) printf "%s{{\"check_id\":\"%s\",\"result\":\"fail\",\"subject_ref\":\"item-%d\",\"observations\":[\"something is wrong with item %d of many\"],\"locations\":[{{\"path\":\"src/%d.c\",\"line\":7}}]}}", (i ? "," : ""), (i % 2 ? "two" : "one"), i, i, i; print "]}}" }}' < /dev/null"#
    )
}

#[test]
fn a_hundred_thousand_items_are_a_hundred_thousand_findings() {
    let count: usize = 100_000;
    let (_world, run) = within(LITTLE + 192 * MIB, &fails(count));
    let run = run.expect_code(3);
    let summary = run.json("retention-summary.json");
    assert_eq!(summary["evidence_counts"], json!({"fail": count}));
    assert_eq!(summary["finding_counts"]["unexpected"], count);
    let more = format!("{} more", count - 200);
    assert!(run.text("reports/report.md").contains(&format!("{more} stand in `normalized/findings.json`")));
}

#[test]
fn more_items_than_are_read_are_refused_with_their_number() {
    let item = r#"{"check_id":"one","result":"pass"}"#;
    let script = format!("printf '{{\"evidence\": ['; yes '{item},' | head -n 200000; printf '%s]}}' '{item}'");
    let (_world, run) = within(3 * LITTLE, &script);
    run.expect_items("infrastructure_error", "the result has 200001 items, and at most 200000 are read");
}

#[test]
fn a_result_of_very_many_numbers_is_refused_before_it_is_held() {
    // Wherever they stand: in an item, in the metadata, or in what is no report at all.
    let place = [
        (r#"{"evidence": [{"check_id": "one", "result": "pass", "facts": {"x": ["#, "0]}}]}"),
        (r#"{"evidence": [], "metadata": {"x": ["#, "0]}}"),
        ("[", "0]"),
    ];
    for (head, tail) in place {
        let script = format!("printf '%s' '{head}'; yes 0, | tr -d '\\n' | head -c 60000000; printf '%s' '{tail}'");
        let (_world, run) = within(3 * LITTLE, &script);
        run.expect_items("infrastructure_error", "the result has more than 4000000 values");
    }
}

#[test]
fn a_result_file_beyond_its_bound_is_refused_unread() {
    let (_world, run) = within(3 * LITTLE, "truncate -s 10G \"$GUIDE_BOARD_RESULT\"");
    run.expect_items("infrastructure_error", "the result file is larger than 67108864 bytes");
}

#[test]
fn very_many_small_files_are_all_listed() {
    let count = many(100_000, 3_000);
    let script = format!("seq {count} | split -l 1 -a 5 - f\n{}", reports("pass"));
    let (_world, run) = within(128 * MIB, &script);
    assert_eq!(manifest(&run.expect_code(0)).len(), count + 2);
}

#[test]
fn a_sparse_file_is_hashed_and_a_name_beyond_utf_8_is_told() {
    let script = format!("truncate -s 256M sparse; echo x > \"$(printf 'n\\377')\"\n{}", reports("pass"));
    let (_world, run) = within(LITTLE, &script);
    let sparse = manifest(&run).into_iter().find(|entry| entry["path"] == "artifacts/probe/sparse").expect("listed");
    assert_eq!(sparse["size_bytes"], 256 << 20);
    expect_not_listed(&run, "artifacts/probe/n\\xff", "a file whose name no path of a run may have");
}

#[test]
fn a_directory_as_deep_as_a_path_can_be_is_listed_and_what_is_deeper_is_told() {
    let deep = vec!["d"; 2_000].join("/");
    let script = format!(
        "mkdir -p {deep}; echo x > {deep}/file; cd {deep}\ni=0; while test $i -lt 60; do mkdir d; cd -P d; i=$((i+1)); done\n{}",
        reports("pass")
    );
    let (_world, run) = within(LITTLE, &script);
    let path = format!("artifacts/probe/{deep}/file");
    let run = run.expect_code(0);
    assert!(manifest(&run).iter().any(|entry| entry["path"] == path.as_str()));
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert_eq!(runner["not_listed"][0]["what"], "a file whose name no path of a run may have");
    // Too deep for those who remove directory by directory while they hold all of them.
    let removed = std::process::Command::new("rm").arg("-rf").arg(&run.directory).status().expect("rm runs");
    assert!(removed.success());
}

#[test]
fn contexts_are_what_their_schemas_say() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    let copy = |name: &str| format!("#!/bin/sh\ncp \"$GUIDE_BOARD_CONTEXT\" '{}'\n", world.path(name).display());
    // Stands for the interpreter: what is called is seen in the context.
    std::fs::create_dir(world.path("bin")).expect("made");
    let answer =
        "if grep -q '\"report_fragment\"'; then echo '{\"markdown\": \"A note.\"}'; else echo '{\"evidence\": []}'; fi";
    let python = format!(
        "#!/bin/sh\nfor role; do :; done\ncp \"$GUIDE_BOARD_CONTEXT\" '{}/'$role.json\n{answer} < \"$GUIDE_BOARD_CONTEXT\" > \"$GUIDE_BOARD_RESULT\"\n",
        world.path("").display()
    );
    std::fs::write(world.path("bin/python3"), python).expect("written");
    std::fs::set_permissions(world.path("bin/python3"), std::fs::Permissions::from_mode(0o755)).expect("set");
    let runners = json!([
        {"id": "runner", "kind": "command", "command": ["./runner.sh"]},
        {"id": "ready", "kind": "command", "command": ["/bin/sh", "-c", copy("preflight.json").replace("#!/bin/sh\n", "")]},
    ]);
    let functions = json!([{"id": "note", "title": "A note", "kind": "python_module", "path": "note.py"}]);
    std::fs::create_dir_all(world.path("extensions/probe")).expect("made");
    std::fs::write(world.path("extensions/probe/note.py"), "").expect("written");
    world
        .extension("probe")
        .set("/runner_entrypoints", runners)
        .set("/preflight_runner", json!("ready"))
        .set("/check_groups/0/normalizer_ref", json!("reads"))
        .set("/normalizers", json!([{"id": "reads", "kind": "python_module", "path": "note.py"}]))
        .set("/report_fragments", functions)
        .script(&copy("runner.json").replace("#!/bin/sh\n", ""));
    let path = std::env::join_paths([world.path("bin"), "/usr/bin".into(), "/bin".into()]).expect("joined");
    let run = world.run().env("PATH", path.to_str().expect("UTF-8")).finish().expect_code(5);
    for name in ["runner", "preflight", "normalizer", "fragment"] {
        let text = std::fs::read_to_string(world.path(&format!("{name}.json"))).expect(name);
        let context: Value = serde_json::from_str(&text).expect("JSON");
        let schema = if name == "fragment" { Schema::FragmentContext } else { Schema::RunnerContext };
        whole::valid(schema, &context, name);
        if name == "fragment" {
            assert_eq!(context["findings"], run.json("normalized/findings.json"));
            assert_eq!(context["assessment_package"]["report_fragments"], json!([]));
        }
    }
    assert_eq!(run.json("reports/fragments.json")[0]["markdown"], "A note.");
}

#[cfg(target_os = "linux")]
#[test]
fn a_tree_of_forks_ends_with_the_run_session_changers_included() {
    let world = World::of("");
    let tree = "#!/bin/sh\necho $$ >> \"$1\"\nif test \"$2\" -gt 0; then (setsid \"$0\" \"$1\" $(($2 - 1)) &)\n\"$0\" \"$1\" $(($2 - 1)) & fi\nexec sleep 600\n";
    let file = world.path("extensions/probe/tree.sh");
    std::fs::write(&file, tree).expect("written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let script = format!(
        "'{}' \"$PWD/pids\" 5 > /dev/null 2>&1 &\nwhile ! test \"$(wc -l < pids)\" = 63; do sleep 0.05; done 2> /dev/null\n{}",
        file.display(),
        reports("pass")
    );
    world.extension("probe").script(&script);
    let run = finish_within(LITTLE, world.run()).expect_code(0);
    let pids = run.text("artifacts/probe/pids");
    let pids: Vec<u32> = pids.lines().map(|pid| pid.parse().expect("a pid")).collect();
    assert_eq!(pids.len(), 63);
    assert!(!pids.into_iter().any(crate::support::is_alive));
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert!(runner["killed_descendants"].as_u64() >= Some(63), "{runner}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_process_that_flees_by_forking_is_caught() {
    let world = World::of("");
    let hop = "#!/bin/sh\nsetsid \"$0\" \"$1\" > /dev/null 2>&1 &\necho $! > \"$1\"\n";
    let file = world.path("extensions/probe/hop.sh");
    std::fs::write(&file, hop).expect("written");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let place = world.path("last");
    let script = format!(
        "'{}' '{}'\nwhile ! test -s '{1}'; do sleep 0.05; done\n{}",
        file.display(),
        place.display(),
        reports("pass")
    );
    world.extension("probe").script(&script);
    let run = finish_within(LITTLE, world.run()).expect_code(0);
    let last = || std::fs::read_to_string(&place).expect("read");
    let before = last();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(before, last(), "nobody forks any more");
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert_ne!(runner["survivors"], true, "{runner}");
}
