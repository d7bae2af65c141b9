//! Every path that the protos declare, and what the existing service's users ask.

use std::collections::BTreeSet;

use guide_board::wire::{Rules, pb, to_json};
use serde_json::{Value, json};

use super::super::fixtures::{Setup, put_summary, summary};
use super::client::{ask, get, get_with, post};
use super::{RUN, with_a_run};
use crate::support::World;

/// A path that fits a template over the world of [`with_a_run`], and for POST the body.
fn sample(call: &str, template: &str) -> (String, Value) {
    let path = template.replace("{run_id}", "r1").replace("{directory}", "d1").replace("{job_id}", "none");
    let path = path.replace("{path=**}", "artifacts/x/a.json");
    let body = match call {
        "ValidateProfile" => json!({"kind": "target", "document": "{}"}),
        "PlanAssessment" | "StartRun" => json!({"target": "profiles/none.json", "assessment": "profiles/none.json"}),
        _ => json!({}),
    };
    (path, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_of_the_descriptor_set_is_a_path_that_is_answered() {
    let (_world, service) = with_a_run().await;
    let mut calls = BTreeSet::new();
    for rule in Rules::read().expect("rules").iter() {
        let (path, body) = sample(rule.call.name(), &rule.template);
        let answer = match rule.method {
            "GET" => get(service.address, &path).await,
            _ => post(service.address, &path, &body).await,
        };
        match rule.call.name() {
            "GetRun" | "WatchRun" | "CancelRun" | "GetRunReports" => {
                answer.refused(404, "NOT_FOUND", "JOB_NOT_FOUND");
            }
            "PlanAssessment" | "StartRun" => {
                assert!(answer.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID").contains("target"));
            }
            "ReadArtifact" => assert_eq!(answer.expect(200).text(), "{ }"),
            _ => assert!(answer.expect(200).json().is_object()),
        }
        calls.insert(rule.call.full_name().to_owned());
        if rule.method == "GET" {
            let whole = get(service.address, &path).await;
            let head = ask(service.address, "HEAD", &path, &[], b"").await;
            assert_eq!((head.code, head.body.len()), (whole.code, 0), "{path}");
            for name in ["content-type", "content-length", "etag"] {
                assert_eq!(head.header(name), whole.header(name), "{path} {name}");
            }
        }
    }
    let services: Vec<_> = guide_board::wire::pool().expect("a pool").services().collect();
    let services = services.iter().filter(|service| service.package_name() == "guideboard.v1");
    let declared: Vec<_> = services.flat_map(|service| service.methods()).collect();
    assert_eq!(calls, declared.iter().map(|call| call.full_name().to_owned()).collect::<BTreeSet<_>>());
}

/// The answer over HTTP is the answer over gRPC in the dialect.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_answers_what_it_answers_over_grpc() {
    let (_world, service) = with_a_run().await;
    let over_http = async |path: &str| get(service.address, path).await.expect(200).json();
    let request = pb::GetRetainedRunRequest { run_id: "r1".into(), ..Default::default() };
    let reply = service.retained().get_retained_run(request).await.expect("a run").into_inner();
    assert_eq!(over_http(RUN).await, to_json(&reply).expect("JSON"));
    assert_eq!(over_http("/retained-directories/d1?runs_dir=runs").await, to_json(&reply).expect("JSON"));
    let request =
        pb::ListFindingsRequest { run_id: "r1".into(), severities: vec!["high".into()], ..Default::default() };
    let reply = service.retained().list_findings(request).await.expect("findings").into_inner();
    assert_eq!(over_http("/retained-runs/r1/findings?severities=high").await, to_json(&reply).expect("JSON"));
    let request =
        pb::GetRetainedRunReportsRequest { run_id: "r1".into(), include_contents: true, ..Default::default() };
    let reply = service.retained().get_retained_run_reports(request).await.expect("reports").into_inner();
    assert_eq!(over_http("/retained-runs/r1/reports?includeContents=true").await, to_json(&reply).expect("JSON"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_existing_service_are_answered() {
    let (_world, service) = with_a_run().await;
    let over_http = async |path: &str| get(service.address, path).await.expect(200).json();
    assert_eq!(over_http("/health").await, json!({"status": "ok"}));
    assert!(over_http("/extensions").await["extensions"].is_array());
    assert_eq!(over_http("/retained-runs?runs_dir=runs").await["runs"][0]["run_id"], "r1");
    assert_eq!(over_http("/retained-runs/latest?runs_dir=runs&target=a-target").await["run"]["directory"], "d1");
    assert_eq!(over_http("/retained-runs/r1/reports?runs_dir=runs").await["reports"][0]["kind"], "assessment_package");
    let manifest = over_http("/retained-runs/r1/artifact-manifest?runs_dir=runs").await;
    assert_eq!(manifest["artifact_manifest"][1]["path"], "artifacts/x/b.html");
    let verdict = post(service.address, "/profiles/validate", &json!({"kind": "target", "document": "{}"})).await;
    assert_eq!(verdict.expect(200).json()["valid"], false);
    assert_eq!(over_http("/runs").await, json!({"runs": [], "next_page_token": "", "total_size": 0}));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_one_word_and_not_serving_before_the_first_scan() {
    let world = World::new();
    let missing = world.path("missing");
    let service = Setup::over(&world.path(""), &[("runs", &missing)]).start_unready().await;
    let answer = get(service.address, "/health").await;
    assert_eq!((answer.code, answer.json()), (503, json!({"status": "not_serving"})));
    let head = ask(service.address, "HEAD", "/health", &[], b"").await;
    assert_eq!((head.code, head.body.len()), (503, 0));
    ask(service.address, "POST", "/health", &[], b"").await.refused(405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_without_a_page_is_the_whole_list_and_with_one_a_page() {
    let world = World::new();
    for number in 0..1_203 {
        let at = format!("2026-01-01T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60);
        put_summary(&world.path("runs"), &format!("d{number:04}"), &summary(&format!("r{number:04}"), &at));
    }
    let service = Setup::new(&world.path("")).start().await;
    service.wait_for_counts(1_203, 0).await;
    let whole = get(service.address, "/retained-runs?target=a-target").await.expect(200);
    assert_eq!(whole.header("transfer-encoding"), Some("chunked"));
    let whole = whole.json();
    let ids: Vec<_> = whole["runs"].as_array().expect("runs").iter().map(|run| run["run_id"].clone()).collect();
    let expected: Vec<_> = (0..1_203).rev().map(|number| json!(format!("r{number:04}"))).collect();
    assert!(ids == expected, "{} of them", ids.len());
    assert_eq!((&whole["total_size"], &whole["next_page_token"]), (&json!(1_203), &json!("")));
    assert_eq!(whole["status_counts"], json!({"completed": 1_203}));
    let keys: Vec<_> = whole.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(keys[..2], ["runs", "next_page_token"]);
    for (query, count) in
        [("page_size=7", 7), ("page_size=7&page_token=", 7), ("page_size=0", 50), ("page_size=&page_token=", 1_203)]
    {
        let page = get(service.address, &format!("/retained-runs?{query}")).await.expect(200).json();
        assert_eq!(page["runs"].as_array().map(Vec::len), Some(count), "{query}");
        assert_eq!(page["next_page_token"] == "", count == 1_203, "{query}");
    }
    let page = get(service.address, "/retained-runs?page_size=2").await.json();
    let token = page["next_page_token"].as_str().expect("a token");
    let rest = get(service.address, &format!("/retained-runs?page_token={token}")).await.expect(200).json();
    assert_eq!((rest["runs"].as_array().map(Vec::len), &rest["runs"][0]["run_id"]), (Some(50), &json!("r1200")));
    let lines =
        get_with(service.address, "/retained-runs", &[("accept", "application/x-ndjson")]).await.expect(200).lines();
    assert_eq!(
        lines.iter().map(|page| page["runs"].as_array().map_or(0, Vec::len)).collect::<Vec<_>>(),
        [500, 500, 203]
    );
    get(service.address, "/retained-runs?runs_dir=none").await.refused(404, "NOT_FOUND", "ROOT_NOT_FOUND");
}
