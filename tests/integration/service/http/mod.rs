//! HTTP/JSON beside gRPC: raw requests over a socket, so that no client mends what is sent.

pub(crate) mod client;

mod artifacts;
mod calls;
mod errors;
mod jobs;
#[cfg(target_os = "linux")]
mod same_answer;
mod streams;
#[cfg(target_os = "linux")]
mod three_faces;
mod web;

use serde_json::json;

use super::fixtures::{Service, Setup, put, put_summary, summary};
use crate::support::World;

/// The run that most tests ask for, by its id.
const RUN: &str = "/retained-runs/r1";

/// A world with one run of every document that calls read, and a server over it.
async fn with_a_run() -> (World, Service) {
    let world = World::new();
    let runs = world.path("runs");
    let mut said = summary("r1", "2026-01-01T00:00:00Z");
    said["report_paths"] = json!({"report": "reports/report.md"});
    said["labels"] = json!({"branch": "main"});
    put_summary(&runs, "d1", &said);
    put(&runs, "d1/reports/report.md", "# Report\n");
    let manifest = json!({"artifact_manifest": [
        {"path": "artifacts/x/a.json", "size_bytes": 3}, {"path": "artifacts/x/b.html", "size_bytes": 9},
    ]});
    put(&runs, "d1/reports/assessment-package.json", manifest.to_string());
    put(&runs, "d1/artifacts/x/a.json", "{ }");
    put(&runs, "d1/artifacts/x/b.html", "<script>!");
    put(&runs, "d1/normalized/findings.json", json!([{"id": "f1", "severity": "high"}]).to_string());
    put(&runs, "d1/normalized/evidence.json", json!([{"id": "e1", "result": "fail"}]).to_string());
    let service = Setup::new(&world.path("")).start().await;
    (world, service)
}
