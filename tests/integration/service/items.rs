//! ListFindings and ListEvidence: typed items in file order, filters and counts, items and documents that are not what they should be.

use std::path::Path;

use guide_board::services::MAX_MESSAGE_BYTES;
use guide_board::wire::pb;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;

use super::fixtures::{Service, Setup, committed_root, put, put_summary, refused, refused_field, summary};
use crate::support::World;

type Findings = pb::ListFindingsRequest;
type Evidence = pb::ListEvidenceRequest;

const FINDINGS: &str = "normalized/findings.json";
const EVIDENCE: &str = "normalized/evidence.json";

pub(super) fn findings_of(directory: &str) -> Findings {
    Findings { directory: directory.to_owned(), ..Findings::default() }
}

fn evidence_of(directory: &str) -> Evidence {
    Evidence { directory: directory.to_owned(), ..Evidence::default() }
}

pub(super) async fn findings(service: &Service, request: Findings) -> pb::ListFindingsResponse {
    let page = service.retained().list_findings(request).await.expect("findings").into_inner();
    assert!(page.encoded_len() <= MAX_MESSAGE_BYTES);
    page
}

async fn evidence(service: &Service, request: Evidence) -> pb::ListEvidenceResponse {
    service.retained().list_evidence(request).await.expect("evidence").into_inner()
}

pub(super) fn ids(page: &pb::ListFindingsResponse) -> Vec<&str> {
    page.findings.iter().map(|finding| finding.id.as_str()).collect()
}

/// A server over a retained run `d` of the id `r` with this text as its findings.
pub(super) async fn with_findings(world: &World, text: impl AsRef<[u8]>) -> Service {
    let runs = world.path("runs");
    put_summary(&runs, "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&runs, &format!("d/{FINDINGS}"), text);
    Setup::new(&world.path("")).start().await
}

fn counts(counts: &[(&str, i64)]) -> std::collections::BTreeMap<String, i64> {
    counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_items_of_the_fixture_runs_are_typed() {
    let world = World::new();
    let service = Setup::over(&world.path(""), &[("runs", &committed_root())]).start().await;
    let request = Findings { run_id: "run-20250318T091205Z".into(), ..Findings::default() };
    let page = findings(&service, request).await;
    assert_eq!((page.total_size, page.malformed_count, page.next_page_token.as_str()), (2, 0, ""));
    assert_eq!(page.severity_counts, counts(&[("low", 1), ("high", 1)]));
    assert_eq!(page.disposition_counts, counts(&[("unexpected", 2)]));
    let first = &page.findings[0];
    assert_eq!(
        (first.id.as_str(), first.evidence_id.as_str(), first.check_id.as_str()),
        ("finding-0001", "evidence-0002", "security-policy")
    );
    assert_eq!(
        (first.classification(), first.severity(), first.disposition()),
        (pb::EvidenceResult::Warning, pb::Severity::Low, pb::Disposition::Unexpected)
    );
    assert_eq!(
        (first.classification_word.as_str(), first.severity_word.as_str(), first.disposition_word.as_str()),
        ("", "", "")
    );
    assert!(first.unknown_keys.is_empty() && first.malformed_keys.is_empty() && !first.free_form_omitted, "{first:?}");

    let page = evidence(&service, evidence_of("run-20250318T091205Z")).await;
    assert_eq!(page.result_counts, counts(&[("pass", 1), ("warning", 1), ("fail", 1)]));
    let first = &page.evidence[0];
    assert_eq!((first.result(), first.facts["license"].as_str()), (pb::EvidenceResult::Pass, "\"Apache-2.0\""));
    assert_eq!(first.artifact_refs, ["artifacts/repository-baseline/inventory.json"]);
    assert_eq!(first.completed_at, Some(prost_types::Timestamp { seconds: 1_742_289_151, nanos: 250_000_000 }));
    assert!(first.unknown_keys.is_empty() && first.malformed_keys.is_empty(), "{first:?}");
    assert_eq!(first.severity(), pb::Severity::Unspecified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_ours_comes_back_as_it_was_written() {
    let world = World::new();
    world.target().write();
    world.assessment(&["an-extension"]).write();
    let item = json!({
        "check_id": "one", "result": "fail", "severity": "critical", "observations": ["seen"], "facts": {"n": 1},
        "locations": [{"path": "src/a.rs", "line": 7}],
    });
    let other = json!({"check_id": "two", "result": "unknown", "observations": [], "facts": {}});
    world.extension("an-extension").script(&format!("cat <<'END'\n{}\nEND", json!({"evidence": [item, other]})));
    let run = world.run().arg("--run-id").arg("r").finish();
    std::fs::create_dir(world.path("runs")).expect("made");
    std::fs::rename(&run.directory, world.path("runs/d")).expect("moved");
    let service = Setup::new(&world.path("")).start().await;
    let page = evidence(&service, Evidence { run_id: "r".into(), ..Evidence::default() }).await;
    assert_eq!(page.evidence.len(), 2);
    let first = &page.evidence[0];
    assert_eq!((first.result(), first.severity()), (pb::EvidenceResult::Fail, pb::Severity::Critical));
    assert_eq!(first.locations, [pb::Location { path: "src/a.rs".into(), line: Some(7) }]);
    assert_eq!(page.evidence[1].result(), pb::EvidenceResult::Unknown, "a listed word like any other");
    let found = findings(&service, findings_of("d")).await;
    assert_eq!(found.findings[0].locations, first.locations);
    for rest in page.evidence.iter().map(|item| (&item.unknown_keys, &item.malformed_keys)) {
        assert!(rest.0.is_empty() && rest.1.is_empty(), "our own keys are all known: {rest:?}");
    }
    for rest in found.findings.iter().map(|item| (&item.unknown_keys, &item.malformed_keys)) {
        assert!(rest.0.is_empty() && rest.1.is_empty(), "our own keys are all known: {rest:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_array_may_stand_in_an_object_under_either_name() {
    let world = World::new();
    let service = with_findings(&world, "[]").await;
    let items = json!([{"id": "a"}, {"id": "b"}]);
    for document in [items.clone(), json!({"schema": 1, "findings": items}), json!({"items": items, "of": "old"})] {
        put(&world.path("runs"), &format!("d/{FINDINGS}"), document.to_string());
        assert_eq!(ids(&findings(&service, findings_of("d")).await), ["a", "b"], "{document}");
        let evidence_text = document.to_string().replace("findings", "evidence");
        put(&world.path("runs"), &format!("d/{EVIDENCE}"), evidence_text);
        assert_eq!(evidence(&service, evidence_of("d")).await.evidence.len(), 2, "{document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_take_any_word_and_counts_are_of_what_matches() {
    let world = World::new();
    let list = json!([
        {"id": "1", "severity": "high", "disposition": "unexpected", "check_id": "c", "classification": "fail"},
        {"id": "2", "severity": "grave", "disposition": "waived", "check_id": "c", "classification": "warning"},
        {"id": "3", "severity": "High", "disposition": "unexpected", "check_id": "d", "classification": "odd"},
        {"id": "4"},
        {"id": "5", "severity": 5, "check_id": "d"},
    ]);
    let service = with_findings(&world, list.to_string()).await;
    let all = findings(&service, findings_of("d")).await;
    assert_eq!(all.severity_counts, counts(&[("high", 1), ("grave", 1), ("High", 1), ("", 2)]));
    assert_eq!(all.disposition_counts, counts(&[("unexpected", 2), ("waived", 1), ("", 2)]));
    let unlisted = &all.findings[1];
    assert_eq!((unlisted.severity(), unlisted.severity_word.as_str()), (pb::Severity::Unrecognized, "grave"));
    assert_eq!(all.findings[2].classification_word, "odd");
    assert_eq!(all.findings[3].severity(), pb::Severity::Unspecified);
    assert_eq!(all.findings[4].malformed_keys, ["severity"]);
    assert_eq!(all.findings[4].unknown_keys["severity"], "5");
    let of = || findings_of("d");
    let cases: [(Findings, &[&str]); 8] = [
        (Findings { severities: words(&["high"]), ..of() }, &["1"]),
        (Findings { severities: words(&["grave", "high", "none"]), ..of() }, &["1", "2"]),
        (Findings { severities: words(&[""]), ..of() }, &["4", "5"]),
        (Findings { dispositions: words(&["unexpected"]), ..of() }, &["1", "3"]),
        (Findings { dispositions: words(&["unexpected"]), check_ids: words(&["d"]), ..of() }, &["3"]),
        (Findings { check_ids: words(&["c", "d"]), ..of() }, &["1", "2", "3", "5"]),
        (Findings { classifications: words(&["odd"]), ..of() }, &["3"]),
        (Findings { severities: words(&["low"]), ..of() }, &[]),
    ];
    for (request, expected) in cases {
        let page = findings(&service, request.clone()).await;
        assert_eq!(ids(&page), expected, "{request:?}");
        let total = i64::try_from(expected.len()).expect("few");
        assert_eq!((page.total_size, page.severity_counts.values().sum()), (total, total), "{request:?}");
    }
    let list = json!([{"result": "pass", "check_id": "c"}, {"result": "sad"}, {"result": "pass", "severity": "low"}]);
    put(&world.path("runs"), &format!("d/{EVIDENCE}"), list.to_string());
    for (request, expected) in [
        (Evidence { results: words(&["sad"]), ..evidence_of("d") }, 1),
        (Evidence { results: words(&["pass"]), check_ids: words(&["c"]), ..evidence_of("d") }, 1),
        (Evidence { severities: words(&["low", ""]), ..evidence_of("d") }, 3),
    ] {
        assert_eq!(evidence(&service, request).await.total_size, expected);
    }
    let many = vec!["x".to_owned(); 65];
    let request = Findings { severities: many.clone(), ..of() };
    refused_field(service.retained().list_findings(request).await, "FIELD_INVALID", "severities");
    let request = Evidence { check_ids: many, ..evidence_of("d") };
    refused_field(service.retained().list_evidence(request).await, "FIELD_INVALID", "check_ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_item_is_counted_and_named_and_the_others_come() {
    let world = World::new();
    let service =
        with_findings(&world, r#"[{"id": "a"}, 7, "x", {"id": "b"}, null, {"\ud800": 1}, [], {"id": "c"}]"#).await;
    let page = findings(&service, Findings { page_size: 1, ..findings_of("d") }).await;
    assert_eq!((ids(&page), page.total_size, page.malformed_count), (vec!["a"], 3, 5));
    let named: Vec<_> = page.malformed_items.iter().map(|item| (item.index, item.message.as_str())).collect();
    let no_object = "it is no JSON object";
    assert_eq!(
        named,
        [(1, no_object), (2, no_object), (4, no_object), (5, "one of its keys is no Unicode text"), (6, no_object)]
    );
    let request = Findings { page_token: page.next_page_token, ..findings_of("d") };
    let next = findings(&service, request).await;
    assert_eq!((ids(&next), next.total_size, next.malformed_count), (vec!["b", "c"], 3, 5));
    put(&world.path("runs"), &format!("d/{FINDINGS}"), Value::from(vec![1; 100]).to_string());
    let page = findings(&service, findings_of("d")).await;
    assert_eq!((page.total_size, page.malformed_count, page.malformed_items.len()), (0, 100, 20));
    assert_eq!(page.next_page_token, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn artifact_refs_are_rebased_and_unsafe_ones_left_out_and_counted() {
    let world = World::new();
    let refs = json!([
        "artifacts/x/a",
        "/elsewhere/out/artifacts/x/b",
        "/moved/d/artifacts/x/c",
        "../e",
        "/etc/passwd",
        "artifacts//f",
        "artifacts/%2e%2e",
    ]);
    let list = json!([{"id": "a", "artifact_refs": refs, "locations": [{"path": "/home/user/src/a.rs"}]}]);
    let service = with_findings(&world, list.to_string()).await;
    put(&world.path("runs"), "d/run.json", r#"{"output_dir": "/elsewhere/out"}"#);
    let page = findings(&service, findings_of("d")).await;
    let item = &page.findings[0];
    assert_eq!(item.artifact_refs, ["artifacts/x/a", "artifacts/x/b", "artifacts/x/c", "artifacts/%2e%2e"]);
    assert_eq!(item.unsafe_artifact_refs, 3);
    assert_eq!(item.locations[0].path, "/home/user/src/a.rs", "a place in the target is data");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_above_1_mib_comes_without_its_large_values_and_says_so() {
    let world = World::new();
    let item = |id: &str, size: usize| json!({"id": id, "title": id, "description": "x".repeat(size), "more": "y"});
    let list =
        json!([item("small", 10), item("large", 3 << 20), item("m", 900 << 10), item("n", 900 << 10), item("o", 2)]);
    let service = with_findings(&world, list.to_string()).await;
    let page = findings(&service, findings_of("d")).await;
    assert_eq!(ids(&page), ["small", "large", "m", "n", "o"]);
    let large = &page.findings[1];
    assert!(large.free_form_omitted && large.description.is_empty() && large.unknown_keys.is_empty());
    assert_eq!(large.title, "large");
    assert!(!page.findings[2].free_form_omitted && page.findings[2].description.len() == 900 << 10);
    let facts: serde_json::Map<String, Value> = (0..120_000).map(|n| (n.to_string(), json!(1))).collect();
    let list = json!([{"id": "e", "result": "pass", "facts": facts, "observations": ["seen"]}]);
    put(&world.path("runs"), &format!("d/{EVIDENCE}"), list.to_string());
    let page = evidence(&service, evidence_of("d")).await;
    let item = &page.evidence[0];
    assert!(item.free_form_omitted && item.facts.is_empty() && item.result() == pb::EvidenceResult::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_list_of_items_is_data_loss_that_names_the_document() {
    let world = World::new();
    let service = with_findings(&world, "").await;
    let none = ["", "not JSON", "[{\"id\": 1}", "{}", "\"x\"", r#"{"findings": {"a": []}}"#, "[\"\u{0}\"]"];
    for text in none {
        put(&world.path("runs"), &format!("d/{FINDINGS}"), text);
        let refusal =
            refused(service.retained().list_findings(findings_of("d")).await, Code::DataLoss, "DOCUMENT_MALFORMED");
        assert_eq!(refusal.details.error_info().expect("an ErrorInfo").metadata["document"], FINDINGS, "{text}");
        refusal.saying(FINDINGS);
    }
    put(&world.path("runs"), &format!("d/{FINDINGS}"), format!(r#"[1, {{"title": "{}"}}]"#, "a".repeat(17 << 20)));
    let refusal = refused(
        service.retained().list_findings(findings_of("d")).await,
        Code::FailedPrecondition,
        "DOCUMENT_TOO_LARGE",
    );
    assert_eq!(refusal.details.error_info().expect("an ErrorInfo").metadata["document"], FINDINGS);
    refusal.saying("item 1");
    let file = std::fs::File::create(world.path(&format!("runs/d/{FINDINGS}"))).expect("made");
    file.set_len((1 << 30) + 1).expect("a sparse file");
    let outcome = service.retained().list_findings(findings_of("d")).await;
    refused(outcome, Code::FailedPrecondition, "DOCUMENT_TOO_LARGE").saying("1073741824");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_document_is_not_found_and_anything_but_a_file_in_its_place_refused() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&root, "broken-off/run.json", "{}");
    put(&root, &format!("broken-off/{EVIDENCE}"), r#"[{"id": "e"}]"#);
    put(&root, &format!("bad/{FINDINGS}"), "[]");
    put(&root, "bad/retention-summary.json", "not JSON");
    put(&world.path(""), "outside.json", r#"[{"id": "secret"}]"#);
    let service = Setup::new(&world.path("")).start().await;
    let ask = async |request: Findings| service.retained().list_findings(request).await;
    refused(ask(findings_of("d")).await, Code::NotFound, "ARTIFACT_NOT_FOUND").saying(FINDINGS);
    refused(ask(findings_of("broken-off")).await, Code::NotFound, "ARTIFACT_NOT_FOUND").saying(FINDINGS);
    refused(ask(findings_of("nobody")).await, Code::NotFound, "RUN_NOT_FOUND");
    let by_id = |run_id: &str| Findings { run_id: run_id.to_owned(), ..Findings::default() };
    refused(ask(by_id("broken-off")).await, Code::NotFound, "RUN_NOT_FOUND");
    assert_eq!(evidence(&service, evidence_of("broken-off")).await.evidence[0].id, "e", "an incomplete run is read");
    assert_eq!(ask(findings_of("bad")).await.expect("findings").get_ref().total_size, 0);
    let place = root.join("d").join(FINDINGS);
    let normalized = place.parent().expect("a parent").to_owned();
    std::fs::create_dir_all(&place).expect("made");
    refused(ask(by_id("r")).await, Code::FailedPrecondition, "NOT_A_FILE").saying(FINDINGS);
    std::fs::remove_dir(&place).expect("removed");
    for target in ["../../../outside.json", "evidence.json", "nowhere"] {
        std::os::unix::fs::symlink(target, &place).expect("linked");
        refused(ask(by_id("r")).await, Code::FailedPrecondition, "UNSAFE_PATH").saying(FINDINGS);
        std::fs::remove_file(&place).expect("removed");
    }
    super::retained_run::make_fifo(&place);
    refused(ask(by_id("r")).await, Code::FailedPrecondition, "UNSAFE_PATH");
    std::fs::remove_dir_all(&normalized).expect("removed");
    std::os::unix::fs::symlink(Path::new("../bad/normalized"), &normalized).expect("linked");
    refused(ask(by_id("r")).await, Code::FailedPrecondition, "UNSAFE_PATH");
}
