//! StreamArtifactManifest: the header first, bounded messages whose merge is the whole, states, unlisted files, unsafe paths.

use guide_board::services::MAX_MESSAGE_BYTES;
use guide_board::wire::pb;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;

use super::fixtures::{Service, Setup, collect, put, put_summary, refused_with, stream_error, summary};
use crate::support::World;

type Request = pb::StreamArtifactManifestRequest;
type Messages = Vec<pb::StreamArtifactManifestResponse>;

fn of(directory: &str) -> Request {
    Request { directory: directory.to_owned(), ..Request::default() }
}

async fn manifest(service: &Service, request: Request) -> Messages {
    let messages = collect(service.retained().stream_artifact_manifest(request).await).await.expect("a manifest");
    let header = messages.first().expect("a header");
    assert!(header.run.is_some() && header.artifact_manifest.is_empty());
    for message in &messages[1..] {
        assert!(message.run.is_none() && message.compatibility.is_empty() && message.entry_count == 0);
        assert!(message.artifact_manifest.len() <= 500 && message.encoded_len() <= (256 << 10) + 1024);
    }
    messages
}

fn entries(messages: &Messages) -> Vec<&pb::Artifact> {
    messages.iter().flat_map(|message| &message.artifact_manifest).collect()
}

fn shown(messages: &Messages) -> Vec<(&str, pb::FileState, bool)> {
    entries(messages).into_iter().map(|entry| (entry.path.as_str(), entry.state(), entry.unlisted)).collect()
}

fn put_package(world: &World, directory: &str, manifest: &Value) {
    let package = json!({"summary": {}, "artifact_manifest": manifest, "findings": []});
    put(&world.path("runs"), &format!("{directory}/reports/assessment-package.json"), package.to_string());
}

async fn one_run(world: &World, manifest: &Value) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put_package(world, "d", manifest);
    Setup::new(&world.path("")).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_come_in_file_order_with_what_stands_on_disk() {
    let world = World::new();
    let root = world.path("runs");
    put(&root, "d/artifacts/x/present.log", "12345");
    put(&root, "d/artifacts/x/grown.json", "12345");
    put(&root, "d/artifacts/x/any-size", "12345");
    put(&root, "d/artifacts/x/sub/below", "");
    put(&root, "d/secret.txt", "12345");
    std::os::unix::fs::symlink("present.log", root.join("d/artifacts/x/link")).expect("linked");
    super::retained_run::make_fifo(&root.join("d/artifacts/x/fifo"));
    let digest = "0123456789abcdef".repeat(4);
    let list = json!([
        {"path": "artifacts/x/present.log", "size_bytes": 5, "sha256": digest, "media_type": "text/x-own", "extension_id": "x",
         "evidence_refs": ["evidence-1", "evidence-2"]},
        {"ref": "artifacts/x/grown.json", "size": 4, "digest": format!("sha256:{digest}")},
        {"artifact_ref": "artifacts/x/any-size"},
        "artifacts/x/gone",
        "artifacts/x/link", "artifacts/x/fifo", "artifacts/x/sub", "secret.txt", "artifacts/x/present.log/below",
    ]);
    let service = one_run(&world, &list).await;
    let messages = manifest(&service, Request { run_id: "r".into(), ..Request::default() }).await;
    use pb::FileState::{Missing, NotRegularFile, OtherSize, Present};
    assert_eq!(
        shown(&messages),
        [
            ("artifacts/x/present.log", Present, false),
            ("artifacts/x/grown.json", OtherSize, false),
            ("artifacts/x/any-size", Present, false),
            ("artifacts/x/gone", Missing, false),
            ("artifacts/x/link", NotRegularFile, false),
            ("artifacts/x/fifo", NotRegularFile, false),
            ("artifacts/x/sub", NotRegularFile, false),
            ("secret.txt", Missing, false),
            ("artifacts/x/present.log/below", Missing, false),
        ]
    );
    assert_eq!((messages[0].entry_count, messages[0].total_bytes), (9, 9));
    let all = entries(&messages);
    assert_eq!(
        (all[0].size_bytes, all[0].sha256.as_str(), all[0].media_type.as_str()),
        (Some(5), digest.as_str(), "text/x-own")
    );
    assert_eq!((all[0].extension_id.as_str(), all[0].evidence_refs.len()), ("x", 2));
    assert_eq!(
        (all[1].size_bytes, all[1].sha256.as_str(), all[1].media_type.as_str()),
        (Some(4), digest.as_str(), "application/json")
    );
    assert_eq!((all[2].size_bytes, all[2].sha256.as_str()), (None, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_entries_come_in_bounded_messages_whose_merge_is_the_whole() {
    let world = World::new();
    let refs: Vec<String> = (0..20).map(|n| format!("evidence-{n:060}")).collect();
    let list: Vec<Value> = (0..2000)
        .map(|n| json!({"path": format!("artifacts/x/{n:04}"), "size_bytes": 1, "evidence_refs": if n % 2 == 0 { json!(refs) } else { json!([]) }}))
        .collect();
    let service = one_run(&world, &json!(list)).await;
    let messages = manifest(&service, of("d")).await;
    assert!(messages.len() > 5, "{}", messages.len());
    let mut merged = pb::StreamArtifactManifestResponse::default();
    for message in &messages {
        merged.merge(message.encode_to_vec().as_slice()).expect("a merge");
    }
    assert_eq!(merged.artifact_manifest.len(), 2000);
    assert!(merged.artifact_manifest.iter().enumerate().all(|(n, entry)| entry.path == format!("artifacts/x/{n:04}")));
    assert_eq!((merged.entry_count, merged.total_bytes), (2000, 2000));
    assert_eq!(merged.run.expect("the header").run_id, "r");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_too_large_for_a_message_comes_without_what_makes_it_so() {
    let world = World::new();
    let refs: Vec<String> = (0..4000).map(|n| format!("evidence-{n:050}")).collect();
    let long = "x".repeat(400_000);
    let list = json!([
        {"path": "artifacts/a", "evidence_refs": refs}, {"path": "artifacts/b.json", "media_type": long, "extension_id": long},
    ]);
    let service = one_run(&world, &list).await;
    let messages = manifest(&service, of("d")).await;
    let all = entries(&messages);
    assert!(all[0].evidence_refs_omitted && all[0].evidence_refs.is_empty());
    assert_eq!((all[1].media_type.as_str(), all[1].extension_id.as_str()), ("application/json", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_paths_refuse_the_call_naming_twenty_unless_reporting_is_asked_for() {
    let world = World::new();
    let mut list: Vec<Value> = (0..25).map(|n| json!({"path": format!("../{n}"), "size_bytes": 2})).collect();
    list.insert(3, json!({"path": "artifacts/fine"}));
    list.push(json!("/etc/passwd"));
    list.push(json!({"size_bytes": 1}));
    put(&world.path("runs"), "d/artifacts/fine", "fine");
    let service = one_run(&world, &json!(list)).await;
    let status = stream_error(service.retained().stream_artifact_manifest(of("d")).await).await;
    let refusal = refused_with(status, Code::FailedPrecondition, "UNSAFE_PATH").saying("27 of the manifest's 28 paths");
    assert_eq!(refusal.message.matches("entry ").count(), 20, "{}", refusal.message);
    let messages = manifest(&service, Request { report_unsafe: true, ..of("d") }).await;
    let all = shown(&messages);
    assert_eq!(all.len(), 28);
    assert_eq!(all[3], ("artifacts/fine", pb::FileState::Present, false));
    assert!(all.iter().filter(|(path, state, _)| path.is_empty() && *state == pb::FileState::UnsafePath).count() == 27);
    assert!(messages[0].compatibility.contains(&"unsafe-report-ref".to_owned()));
    assert!(!format!("{messages:?}").contains("passwd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unlisted_files_follow_the_listed_ones_in_the_last_messages() {
    use std::os::unix::ffi::OsStrExt;
    let world = World::new();
    let root = world.path("runs");
    put(&root, "d/artifacts/x/listed", "1");
    put(&root, "d/artifacts/x/unlisted.md", "12");
    put(&root, "d/normalized/evidence.json", "[]");
    put(&root, "d/exports/deep/er/x", "");
    put(&root, "d/elsewhere/x", "");
    put(&root, "d/artifacts/back\\slash", "");
    std::fs::write(root.join("d/artifacts").join(std::ffi::OsStr::from_bytes(b"raw-\xff")), "").expect("written");
    std::os::unix::fs::symlink("/etc", root.join("d/artifacts/x/link")).expect("linked");
    let service = one_run(&world, &json!(["artifacts/x/listed"])).await;
    assert_eq!(shown(&manifest(&service, of("d")).await).len(), 1);
    let messages = manifest(&service, Request { include_unlisted: true, ..of("d") }).await;
    use pb::FileState::{NotRegularFile, Present, Unaddressable};
    assert_eq!(
        shown(&messages),
        [
            ("artifacts/x/listed", Present, false),
            ("normalized/evidence.json", Present, true),
            ("reports/assessment-package.json", Present, true),
            ("exports/deep/er/x", Present, true),
            ("artifacts/back\\\\slash", Unaddressable, true),
            ("artifacts/raw-\\xff", Unaddressable, true),
            ("artifacts/x/link", NotRegularFile, true),
            ("artifacts/x/unlisted.md", Present, true),
        ]
    );
    assert_eq!(messages[0].entry_count, 1, "unlisted files are not counted");
    assert_eq!(entries(&messages)[7].size_bytes, Some(2));
    assert!(!messages.last().expect("a message").unlisted_truncated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_before_packages_has_an_empty_manifest_and_its_marker_by_id_too() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    let messages = manifest(&service, Request { run_id: "r".into(), ..Request::default() }).await;
    assert_eq!(messages.len(), 1);
    assert!(messages[0].compatibility.contains(&"assessment-package-missing".to_owned()));
    put(&world.path("runs"), "d/reports/assessment-package.json", "{}");
    let messages = manifest(&service, of("d")).await;
    assert!(messages[0].compatibility.contains(&"artifact-manifest-missing".to_owned()));
    assert!(!messages[0].compatibility.contains(&"assessment-package-missing".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incomplete_run_streams_by_directory() {
    let world = World::new();
    let root = world.path("runs");
    put(&root, "broken-off/run.json", "{}");
    put(&root, "broken-off/artifacts/x/partial.log", "half");
    put(&root, "bad/retention-summary.json", "not JSON");
    let service = Setup::new(&world.path("")).start().await;
    for (directory, count) in [("broken-off", 1), ("bad", 0)] {
        let messages = manifest(&service, Request { include_unlisted: true, ..of(directory) }).await;
        let run = messages[0].run.as_ref().expect("a header");
        assert_eq!((run.runs_dir.as_str(), run.directory.as_str(), run.run_id.as_str()), ("runs", directory, ""));
        assert!(run.compatibility.contains(&"assessment-package-missing".to_owned()));
        assert_eq!(entries(&messages).len(), count);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_is_none_is_data_loss_and_one_of_a_linked_place_unsafe() {
    let world = World::new();
    let service = one_run(&world, &json!([])).await;
    let package = world.path("runs/d/reports/assessment-package.json");
    let cases: [(String, Code, &str); 4] = [
        ("not JSON".into(), Code::DataLoss, "DOCUMENT_MALFORMED"),
        (r#"{"artifact_manifest": {}}"#.into(), Code::DataLoss, "DOCUMENT_MALFORMED"),
        (r#"{"artifact_manifest": ["artifacts/a", 7]}"#.into(), Code::DataLoss, "DOCUMENT_MALFORMED"),
        (
            format!(r#"{{"artifact_manifest": ["{}"]}}"#, "x".repeat(2 << 20)),
            Code::FailedPrecondition,
            "DOCUMENT_TOO_LARGE",
        ),
    ];
    for (text, code, reason) in cases {
        std::fs::write(&package, text).expect("written");
        let status = stream_error(service.retained().stream_artifact_manifest(of("d")).await).await;
        refused_with(status, code, reason).saying("reports/assessment-package.json");
    }
    std::fs::remove_file(&package).expect("removed");
    std::os::unix::fs::symlink("/etc/passwd", &package).expect("linked");
    let status = stream_error(service.retained().stream_artifact_manifest(of("d")).await).await;
    refused_with(status, Code::FailedPrecondition, "UNSAFE_PATH");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_changes_between_the_passes_is_aborted() {
    let world = World::new();
    // More than fits into the windows of a connection, so that the second pass waits for its reader.
    let list: Vec<Value> = (0..20_000).map(|n| json!({"path": format!("artifacts/{}/{n}", "x".repeat(200))})).collect();
    let service = one_run(&world, &json!(list)).await;
    let mut stream = service.retained().stream_artifact_manifest(of("d")).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the header");
    let package = world.path("runs/d/reports/assessment-package.json");
    let opened = std::fs::OpenOptions::new().append(true).open(&package).expect("opened");
    std::io::Write::write_all(&mut &opened, b" ").expect("written");
    let status = loop {
        match stream.message().await {
            Ok(Some(message)) => assert!(message.encoded_len() <= MAX_MESSAGE_BYTES),
            Ok(None) => panic!("a clean end over two generations"),
            Err(status) => break status,
        }
    };
    refused_with(status, Code::Aborted, "CHANGED_WHILE_READING").saying("reports/assessment-package.json");
}
