//! What whoever wrote a document is told of its faults: for every kind of document several at once, each with its file, JSON pointer, what was found
//! and what was expected. `told.txt` has all of it; `GUIDE_BOARD_BLESS=1` writes it anew; read the difference before keeping it.

use std::fmt::Write as _;
use std::path::Path;

use guide_board::assessment::schema::{Schema, problems};
use serde_json::{Value, json};

/// The documents that people and runners write, each with the mistakes that are easily made: a misspelled key, a wrong type, a word that is
/// not listed, a missing key, a key that belongs to another kind, a wrong form where there are several.
fn documents() -> Vec<(Schema, Value)> {
    let entry = |more: Value| {
        let mut entry = json!({"id": "e", "match": {"check_id": "c"}, "reason": "Because.", "owner": "me", "expires": "2026-12-31"});
        entry.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        entry
    };
    vec![
        (
            Schema::TargetProfile,
            json!({
                "id": "no blanks", "subject_typ": "repository", "credentials_ref": "hunter2", "known_gaps": {"id": 1},
                "endpoints": [{"binding": "https"}, {"binding": "", "url": 7}, "https://example.invalid"],
                "declared_capabilities": "many", "schema_version": 1,
            }),
        ),
        (
            Schema::AssessmentProfile,
            json!({
                "id": "a", "extensions": ["x", "x", 7], "frameworks": "one", "waivers_ref": ["w.json"], "waiver_ref": "w.json",
                "check_groups": [{"extension": "x", "check_group": "g"}],
                "runtime_policy": {"offline": "yes", "timeout_seconds": 0, "max_output_bytes": 2_000_000_000},
                "retention_policy": {"summary_days": -1},
            }),
        ),
        (
            Schema::Extension,
            json!({
                "id": "x", "version": 2, "supported_frameworks": [7, {"version": "1"}],
                "profile_schemas": ["target", {"id": "s", "profile_kind": "tgt", "path": "s.json"}],
                "check_groups": [
                    {"id": "g", "runner": "r", "checks": []},
                    {"id": "h", "runner_ref": "r", "checks": [{"id": "c", "requirement_refs": "one"}], "timeout_seconds": "10"},
                ],
                "runner_entrypoints": [
                    {"id": "r", "kind": "command", "path": "r.py"},
                    {"id": "s", "kind": "python_module", "command": ["python3", "r.py"]},
                    {"id": "t", "kind": "shell", "command": "run.sh"},
                    {"id": "u", "kind": "external", "callable": "not a name"},
                ],
                "normalizers": [
                    {"id": "n", "kind": "junit", "input": "a.xml"},
                    {"id": "m", "kind": "junit-xml"},
                    {"id": "l", "kind": "python_module", "input": 7},
                    {"id": "k", "kind": "tap-14", "input": [], "callable": "run"},
                ],
                "mappings": [
                    {"id": "both", "path": "m.json", "entries": []},
                    {"id": "neither"},
                    {"id": "inline", "entries": [{"requirement": "r", "control_refs": []}]},
                ],
                "report_fragments": [{"id": "f", "title": "", "kind": "markdown", "path": "f.md"}],
            }),
        ),
        (
            Schema::MappingSet,
            json!({"id": "", "entries": [{"requirement_ref": 7, "control_refs": "c"}, {"note": 1}], "entry": []}),
        ),
        (
            Schema::ExpectationSet,
            json!({"id": "e", "expectations": [
                {"id": "e", "match": {}, "reason": ""},
                {"id": "f", "match": {"check": "c", "classification": "failure"}, "reason": 7, "expires": "2026-12-31"},
                {"id": "g", "match": {"check_id": "c", "classification": ["fail", 7]}},
            ]}),
        ),
        (
            Schema::WaiverSet,
            json!({"id": "w", "waivers": [entry(json!({"owner": null})), entry(json!({"expires": 2026})), {"id": "w"}], "waiver": []}),
        ),
        (Schema::ChallengeSet, json!({"challenges": [entry(json!({"review_status": 7, "match": "c"}))]})),
        (Schema::ExclusionSet, json!({"id": "x", "exclusions": {"id": "x"}, "version": ""})),
        (
            Schema::RunnerResult,
            json!({
                "evidence": [
                    {"check_id": "c", "result": "passed"},
                    {"check": "c", "result": "fail", "severity": "grave", "observations": "one"},
                    {"check_id": "", "result": "pass", "locations": [{"line": 0}, "src/a.rs:7"], "facts": []},
                    7,
                ],
                "metadata": [],
            }),
        ),
        (Schema::PreflightResult, json!({"ready": "yes", "reason": 7, "blocked_reason": "missing"})),
        (Schema::FragmentResult, json!({"markdwon": "text", "structured": null})),
    ]
}

#[test]
fn every_fault_of_every_document_comes_at_once_with_what_was_found_and_what_was_expected() {
    let mut text = String::new();
    for (schema, document) in documents() {
        let found = problems(schema, &document, &format!("{}.json", schema.name()));
        assert!(found.len() > 1, "{}: {found:?}", schema.name());
        for problem in &found {
            let _ = writeln!(text, "{problem}");
            assert!(problem.message.starts_with("found ") && problem.message.contains(", expected "), "{problem}");
        }
        text.push('\n');
    }
    assert!(!text.contains("hunter2") && !text.contains("keyword"), "{text}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/faults/told.txt");
    let told = std::fs::read_to_string(&file).unwrap_or_default();
    if text != told && std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        std::fs::write(&file, text).expect("written");
        return;
    }
    let first = told.lines().zip(text.lines()).find(|(stands, told)| stands != told);
    assert_eq!(text, told, "told.txt says something else, first at {first:?}");
}

#[test]
fn whatever_people_write_may_name_its_schema_for_an_editor() {
    let people_write = [
        Schema::TargetProfile,
        Schema::AssessmentProfile,
        Schema::Extension,
        Schema::MappingSet,
        Schema::ExpectationSet,
        Schema::WaiverSet,
        Schema::ChallengeSet,
        Schema::ExclusionSet,
    ];
    for schema in people_write {
        let named = problems(schema, &json!({"$schema": "../x.schema.json"}), "x");
        assert!(!named.iter().any(|problem| problem.pointer.contains("$schema")), "{named:?}");
    }
}

#[test]
fn every_schema_says_what_it_is_and_what_people_write_has_every_key_described() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas");
    let guide = std::fs::read_to_string(directory.join("README.md")).expect("the guide");
    let mut bare = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("listed") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        if !name.ends_with(".schema.json") {
            continue;
        }
        let schema: Value =
            serde_json::from_str(&std::fs::read_to_string(directory.join(&name)).expect("text")).expect("JSON");
        assert_eq!(schema["$id"], format!("https://guide-board.invalid/schemas/{name}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
        assert!(guide.contains(&format!("({name})")), "docs/schemas/README.md does not name {name}");
        if !schema["properties"]["$schema"].is_null() {
            undescribed(&schema, &name, &mut bare);
        }
    }
    assert!(bare.is_empty(), "keys without a description: {bare:?}");
}

/// The keys without a description, but for those that stand under a condition.
fn undescribed(schema: &Value, place: &str, found: &mut Vec<String>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        let place = format!("{place}/{key}");
        if value["description"].is_null() {
            found.push(place.clone());
        }
        undescribed(value, &place, found);
    }
    undescribed_in(schema, place, found);
}

fn undescribed_in(schema: &Value, place: &str, found: &mut Vec<String>) {
    let inner = ["items", "additionalProperties"].map(|key| &schema[key]).into_iter().filter(|inner| inner.is_object());
    let several = ["anyOf", "oneOf"].map(|key| schema[key].as_array()).into_iter().flatten().flatten();
    let shared = schema["$defs"].as_object().into_iter().flat_map(|shared| shared.values());
    for inner in inner.chain(several).chain(shared) {
        undescribed(inner, place, found);
    }
}
