//! The whole run directory: exactly the documents of the newest generation, each with the contract's keys.

use guide_board::assessment::schema::Schema;
use serde_json::{Value, json};

use crate::support::{World, reports, whole};

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn sample(world: &World) -> crate::support::Finished {
    let output = world.path("run");
    let mut command = world.command();
    command.args(["run", "--target", "bundled:profiles/targets/sample-repository.json"]);
    command.args(["--assessment", "bundled:profiles/assessments/sample-noop.json", "--label", "branch=main"]);
    let done = command.arg("--output-dir").arg(&output).args(["--run-id", "run-1", "--json"]).output().expect("runs");
    assert!(crate::support::whole::is_retained_whole(&output));
    crate::support::Finished {
        code: done.status.code().expect("a code"),
        stdout: String::from_utf8(done.stdout).expect("UTF-8"),
        stderr: String::from_utf8(done.stderr).expect("UTF-8"),
        directory: output,
    }
    .expect_code(0)
}

#[test]
fn the_bundled_sample_needs_no_checkout_and_makes_exactly_the_documents() {
    let world = World::new();
    let run = sample(&world);
    let expected = [
        "artifacts/sample-noop/sample.stderr.txt",
        "artifacts/sample-noop/sample.stdout.txt",
        "artifacts/sample-noop/sample.txt",
        "exports/export-manifest.json",
        "normalized/evidence.json",
        "normalized/findings.json",
        "normalized/mappings.json",
        "plan.json",
        "reports/assessment-package.json",
        "reports/fragments.json",
        "reports/report.md",
        "reports/submission-package.json",
        "retention-summary.json",
        "run.json",
        "sources.lock.json",
    ];
    assert_eq!(run.files(), expected);
    let result: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let expected = [
        "run_id",
        "output_dir",
        "result_status",
        "assessment_package",
        "report",
        "submission_package",
        "export_manifest",
        "retention_summary",
    ];
    assert_eq!(keys(&result), expected);
    assert_eq!(result["report"], json!(run.directory.join("reports/report.md")));
    whole::valid(Schema::RunOutcome, &result, "run --json");
}

#[test]
fn every_document_has_the_contracts_keys() {
    let world = World::new();
    let run = sample(&world);
    let documents = [
        (
            "retention-summary.json",
            "",
            "schema_version run_id target_profile_ref assessment_profile_ref result_status started_at completed_at evidence_counts finding_counts report_paths source_commits labels retention_policy",
        ),
        ("retention-summary.json", "/finding_counts", "total unexpected expected waived challenged excluded"),
        ("retention-summary.json", "/report_paths", "assessment_package report submission_package"),
        (
            "run.json",
            "",
            "schema_version run_id target_profile_ref assessment_profile_ref status started_at completed_at output_dir tool target_profile assessment_profile labels",
        ),
        ("run.json", "/tool", "name version"),
        (
            "plan.json",
            "",
            "schema_version target_profile_ref assessment_profile_ref frameworks extensions steps policy runtime_policy",
        ),
        ("plan.json", "/extensions/0", "id version root"),
        ("plan.json", "/steps/0", "order extension_id check_group checks runner_ref timeout_seconds"),
        ("plan.json", "/policy", "expectations_ref waivers_ref challenges_ref exclusions_ref"),
        ("sources.lock.json", "/sources/0", "kind id version path sha256"),
        (
            "normalized/evidence.json",
            "/0",
            "id run_id extension_id check_id subject_ref result observations facts requirement_refs artifact_refs started_at completed_at",
        ),
        (
            "normalized/findings.json",
            "/0",
            "id run_id evidence_id extension_id check_id subject_ref classification severity title description locations requirement_refs artifact_refs disposition expectation_ref waiver_ref challenge_refs exclusion_refs review_status",
        ),
        (
            "reports/assessment-package.json",
            "",
            "schema_version run_id target_profile_ref assessment_profile_ref result_status started_at completed_at source_lock summary mapping_summary policy_summary findings evidence_refs artifact_manifest report_fragments certification_boundary",
        ),
        (
            "reports/assessment-package.json",
            "/artifact_manifest/0",
            "path size_bytes sha256 media_type extension_id evidence_refs",
        ),
        (
            "reports/submission-package.json",
            "",
            "schema_version run_id sources documents artifact_manifest_ref reported_metadata certification_boundary",
        ),
        ("reports/submission-package.json", "/documents/0", "path size_bytes sha256"),
        (
            "exports/export-manifest.json",
            "",
            "export_type source_package_ref source_lock_ref summary policy_summary mapping_summary report_fragments counts certification_boundary",
        ),
    ];
    for (document, pointer, expected) in documents {
        let value = run.json(document);
        assert_eq!(keys(value.pointer(pointer).expect("there")).join(" "), expected, "{document} {pointer}");
    }
    assert_eq!(run.json("normalized/mappings.json"), json!([]));
    assert_eq!(run.json("reports/fragments.json"), json!([]));
    assert_eq!(run.json("run.json")["status"], "completed");
    assert_eq!(run.json("retention-summary.json")["labels"], json!({"branch": "main"}));
}

#[test]
fn digests_and_refs_fit_the_files() {
    let world = World::new();
    let run = sample(&world);
    let package = run.json("reports/assessment-package.json");
    let submission = run.json("reports/submission-package.json");
    let artifacts = package["artifact_manifest"].as_array().expect("an array");
    let documents = submission["documents"].as_array().expect("an array");
    assert_eq!((artifacts.len(), documents.len()), (3, 10));
    for entry in artifacts.iter().chain(documents) {
        use sha2::Digest as _;
        let bytes = std::fs::read(run.directory.join(entry["path"].as_str().expect("a path"))).expect("there");
        assert_eq!(entry["size_bytes"], json!(bytes.len()), "{entry}");
        let digest: String = sha2::Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(entry["sha256"], json!(digest), "{entry}");
    }
    let sample = artifacts.iter().find(|entry| entry["path"] == "artifacts/sample-noop/sample.txt").expect("listed");
    assert_eq!(sample["evidence_refs"], json!(["evidence-0001", "evidence-0002", "evidence-0003"]));
}

#[test]
fn progress_as_json_lines_counts_checks_and_ends_with_the_status() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&reports("pass"));
    let run = world.run().arg("--progress=jsonl").finish().expect_code(0);
    let events: Vec<Value> = run.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let run_id = run.json("run.json")["run_id"].clone();
    assert_eq!(events[0], json!({"event": "run", "run_id": run_id, "output_dir": run.directory, "total": 2}));
    assert_eq!(events[1], json!({"event": "start", "done": 0, "total": 2, "check_id": "one"}));
    assert_eq!(events[2], json!({"event": "check", "done": 1, "total": 2, "check_id": "one", "result": "pass"}));
    assert_eq!(events[3], json!({"event": "check", "done": 2, "total": 2, "check_id": "two", "result": "pass"}));
    assert_eq!(events[4], json!({"event": "end", "result_status": "completed"}));
    assert_eq!(events.len(), 5);
    events.iter().for_each(|event| whole::valid(Schema::ProgressEvent, event, "progress"));
}

#[test]
fn exit_codes_tell_the_outcome_and_the_gate() {
    let cases = [
        ("pass", None, 0),
        ("fail", None, 3),
        ("blocked", None, 4),
        ("infrastructure_error", None, 5),
        ("warning", None, 0),
        ("warning", Some("--gate=unexpected_findings"), 3),
        ("pass", Some("--gate=unexpected_findings"), 0),
    ];
    for (result, gate, code) in cases {
        let world = World::new();
        world.target().write();
        world.assessment(&["probe"]).write();
        world.extension("probe").script(&reports(result));
        let run = gate.into_iter().fold(world.run(), crate::support::Run::arg).finish();
        assert_eq!(run.code, code, "{result} {gate:?}: {}", run.stderr);
    }
}

#[test]
fn the_commit_of_a_target_that_is_a_checkout_is_recorded() {
    let world = World::new();
    let repository = world.path("checkout");
    std::fs::create_dir_all(repository.join(".git/refs/heads")).expect("made");
    std::fs::create_dir_all(repository.join(".git/objects")).expect("made");
    let commit = "4b3f65572fea78cff219b81894de767e630bba94";
    std::fs::write(repository.join(".git/HEAD"), "ref: refs/heads/main\n").expect("written");
    std::fs::write(repository.join(".git/refs/heads/main"), format!("{commit}\n")).expect("written");
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n";
    std::fs::write(repository.join(".git/config"), config).expect("written");
    world.target().set("endpoints", json!([{"binding": "filesystem", "url": "checkout"}])).write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&format!("cp \"$GUIDE_BOARD_CONTEXT\" context.json\n{}", reports("pass")));
    let run = world.run().finish().expect_code(0);
    assert_eq!(run.json("retention-summary.json")["source_commits"], json!({"a-target": commit}));
    let context = run.json("artifacts/probe/context.json");
    assert_eq!(
        keys(&context).join(" "),
        "schema_version run_id run_dir artifacts_dir extension_id extension_path check_group checks target_profile assessment_profile plan_step runtime_policy"
    );
    let resolved = repository.canonicalize().expect("there");
    assert_eq!(context["target_profile"]["endpoints"][0]["url"], json!(resolved));
    assert_eq!(run.json("run.json")["target_profile"]["endpoints"][0]["url"], "checkout");
}
