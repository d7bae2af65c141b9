//! Streamed replies over HTTP.

use guide_board::wire::{pb, to_json};
use prost::Message as _;
use serde_json::json;

use super::super::fixtures::{Setup, collect, put, put_summary, summary};
use super::client::{get, get_with};
use super::{RUN, with_a_run};
use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_is_one_document_the_merge_of_its_messages() {
    let (_world, service) = with_a_run().await;
    let answer = get(service.address, &format!("{RUN}/artifact-manifest?include_unlisted=true")).await.expect(200);
    let request =
        pb::StreamArtifactManifestRequest { run_id: "r1".into(), include_unlisted: true, ..Default::default() };
    let messages = collect(service.retained().stream_artifact_manifest(request).await).await.expect("a manifest");
    let bytes: Vec<u8> = messages.iter().flat_map(pb::StreamArtifactManifestResponse::encode_to_vec).collect();
    let merged = pb::StreamArtifactManifestResponse::decode(bytes.as_slice()).expect("a merge");
    assert_eq!(answer.text().trim_end(), to_json(&merged).expect("JSON").to_string());
    assert!(merged.artifact_manifest.len() > 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_lines_is_a_message_a_line() {
    let (_world, service) = with_a_run().await;
    let path = format!("{RUN}/artifact-manifest");
    for accept in ["application/x-ndjson", "text/html, application/x-ndjson;q=0.9, */*", "Application/NDJSON"] {
        let answer = get_with(service.address, &path, &[("accept", accept)]).await.expect(200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        let lines = answer.lines();
        assert_eq!((lines.len(), &lines[0]["entry_count"], &lines[0]["artifact_manifest"]), (2, &json!(2), &json!([])));
        assert_eq!(lines[1]["artifact_manifest"][0]["path"], "artifacts/x/a.json");
    }
    for accept in ["*/*", "application/json", "text/event-stream", "nonsense"] {
        assert!(get_with(service.address, &path, &[("accept", accept)]).await.expect(200).json()["run"].is_object());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_refused_is_refused_like_any_call() {
    let (world, service) = with_a_run().await;
    let unsafe_entry = json!({"artifact_manifest": [{"path": "../x"}]});
    put(&world.path("runs"), "d1/reports/assessment-package.json", unsafe_entry.to_string());
    for accept in ["*/*", "application/x-ndjson"] {
        let answer = get_with(service.address, &format!("{RUN}/artifact-manifest"), &[("accept", accept)]).await;
        answer.refused(400, "FAILED_PRECONDITION", "UNSAFE_PATH");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_breaks_off_is_never_whole() {
    use tokio::io::AsyncReadExt as _;
    let world = World::new();
    put_summary(&world.path("runs"), "d1", &summary("r1", "2026-01-01T00:00:00Z"));
    // More than sockets hold, so that the server is still in the middle of it.
    let deep = "x/".repeat(1_000);
    let entries: Vec<_> = (0..7_500).map(|number| json!({"path": format!("artifacts/{deep}{number}")})).collect();
    let package = json!({"artifact_manifest": entries}).to_string();
    let file = put(&world.path("runs"), "d1/reports/assessment-package.json", &package);
    let service = Setup::new(&world.path("")).start().await;
    service.wait_for_counts(1, 0).await;
    for accept in ["application/json", "application/x-ndjson"] {
        std::fs::write(&file, &package).expect("written");
        let headers = [("accept", accept)];
        let mut stream =
            super::client::send(service.address, "GET", &format!("{RUN}/artifact-manifest"), &headers, b"").await;
        let mut raw = vec![0; 1_000];
        stream.read_exact(&mut raw).await.expect("a beginning");
        std::fs::write(&file, r#"{"artifact_manifest": []}"#).expect("written");
        let _ = stream.read_to_end(&mut raw).await;
        let text = String::from_utf8_lossy(&raw);
        assert!(text.starts_with("HTTP/1.1 200 OK") && !text.ends_with("\r\n0\r\n\r\n"), "{}", raw.len());
        assert_eq!(text.contains("CHANGED_WHILE_READING"), accept.ends_with("ndjson"), "{}", raw.len());
    }
}
