//! The whole story with the real binary: serve, assess, kill, restart, find again, fetch, verify; and the quickstart that tells it.

use std::time::SystemTime;

use guide_board::services::reason_of;
use guide_board::wire::pb;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tonic::Code;

use crate::service::served::{Served, ended, start};
use crate::support::{self, World};

/// A small tree without git, with a licence and no security policy.
fn repository(world: &World) {
    let files = [
        (
            "README.md",
            "# Sample\n\nA sample repository, long enough to tell what it is for.\n\n## Usage\n\nRun `make`, then read the output.\n",
        ),
        (
            "LICENSE",
            "MIT License\n\nCopyright (c) 2026 Sample\n\nPermission is hereby granted, free of charge, to any person\n",
        ),
        ("src/main.c", "int main(void) { return 0; }\n"),
    ];
    for (name, text) in files {
        let path = world.path("repository").join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
}

fn put_profiles(world: &World) {
    std::fs::create_dir_all(world.path("profiles")).expect("made");
    let target = json!({
        "id": "story-target", "subject_type": "repository", "endpoints": [{"binding": "filesystem", "url": "../repository"}],
    });
    let assessment = json!({"id": "story-assessment", "extensions": ["repository-baseline"]});
    for (name, profile) in [("target", target), ("assessment", assessment)] {
        std::fs::write(world.path("profiles").join(format!("{name}.json")), profile.to_string()).expect("written");
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn read(server: &Served, request: pb::ReadArtifactRequest) -> Vec<u8> {
    let mut stream = server.client.retained().read_artifact(request).await.expect("a stream").into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await.expect("a whole stream") {
        bytes.extend_from_slice(&message.data);
    }
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_found_and_verified_after_its_server_was_killed() {
    let world = World::new();
    repository(&world);
    put_profiles(&world);
    std::fs::create_dir(world.path("runs")).expect("made");
    let server = Served::start(&world, &[]).await;
    let request = pb::StartRunRequest {
        target: "profiles/target.json".to_owned(),
        assessment: "profiles/assessment.json".to_owned(),
        labels: [("story".to_owned(), "told".to_owned())].into(),
        ..Default::default()
    };
    let job = start(server.client.runs(), request).await;
    let job = ended(server.client.runs(), &job.job_id).await;
    assert_eq!(job.status(), pb::JobStatus::Succeeded, "{job:?}");
    let progress = job.progress.clone().expect("progress");
    assert!(progress.total > 0 && progress.done == progress.total, "{progress:?}");
    let first = server.pid();
    server.kill();

    let server = Served::start(&world, &[]).await;
    assert_ne!(server.pid(), first);
    let forgotten =
        server.client.runs().get_run(pb::GetRunRequest { job_id: job.job_id }).await.expect_err("a restart");
    assert_eq!((forgotten.code(), reason_of(&forgotten).as_deref()), (Code::NotFound, Some("JOB_NOT_FOUND")));
    let request = pb::GetLatestRetainedRunRequest {
        target: "story-target".to_owned(),
        assessment: "story-assessment".to_owned(),
        labels: [("story".to_owned(), "told".to_owned())].into(),
        ..Default::default()
    };
    let latest = server.client.retained().get_latest_retained_run(request).await.expect("the run").into_inner();
    let (run, summary) = (latest.run.expect("a run"), latest.summary.expect("a summary"));
    assert_eq!((&run.run_id, &run.directory), (&job.run_id, &job.directory));
    assert!(run.compatibility.is_empty(), "of the newest generation: {:?}", run.compatibility);
    assert!(summary.finding_counts["total"] > 0, "the repository has no security policy: {summary:?}");

    let request =
        pb::StreamArtifactManifestRequest { run_id: run.run_id.clone(), include_unlisted: true, ..Default::default() };
    let mut stream = server.client.retained().stream_artifact_manifest(request).await.expect("a stream").into_inner();
    let mut entries = Vec::new();
    let mut header = None;
    while let Some(message) = stream.message().await.expect("a manifest") {
        entries.extend(message.artifact_manifest.clone());
        header.get_or_insert(message);
    }
    let (listed, unlisted): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| !entry.unlisted);
    assert_eq!(header.expect("a header").entry_count, listed.len() as u64);
    assert!(!listed.is_empty());
    for entry in &listed {
        assert_eq!(entry.state(), pb::FileState::Present, "{entry:?}");
        let request = pb::ReadArtifactRequest {
            run_id: run.run_id.clone(),
            path: entry.path.clone(),
            expected_sha256: entry.sha256.clone(),
            ..Default::default()
        };
        let bytes = read(&server, request).await;
        assert_eq!((hex(&bytes), Some(bytes.len() as u64)), (entry.sha256.clone(), entry.size_bytes), "{}", entry.path);
    }

    // Every document beyond the artifacts is there with the digest that the submission package records.
    let request = pb::ReadArtifactRequest {
        run_id: run.run_id.clone(),
        path: "reports/submission-package.json".to_owned(),
        ..Default::default()
    };
    let package: Value = serde_json::from_slice(&read(&server, request).await).expect("JSON");
    let documents = package["documents"].as_array().expect("documents");
    assert!(documents.len() >= 8, "{documents:?}");
    for document in documents {
        let request = pb::ReadArtifactRequest {
            run_id: run.run_id.clone(),
            path: document["path"].as_str().expect("a path").to_owned(),
            compute_sha256: true,
            expected_sha256: document["sha256"].as_str().expect("a digest").to_owned(),
            ..Default::default()
        };
        assert_eq!(read(&server, request).await.len() as u64, document["size_bytes"].as_u64().expect("a size"));
    }
    assert!(unlisted.iter().any(|entry| entry.path == "normalized/findings.json"), "{unlisted:?}");
    let request = pb::GetRetainedRunReportsRequest {
        run_id: run.run_id,
        kind: "report".to_owned(),
        include_contents: true,
        ..Default::default()
    };
    let reports =
        server.client.retained().get_retained_run_reports(request).await.expect("reports").into_inner().reports;
    let report = reports[0].contents.as_deref().expect("contents");
    assert_eq!(hex(report), reports[0].sha256);
    assert!(String::from_utf8_lossy(report).contains("story-target"));
}

#[test]
fn the_quickstart_tells_every_step_once_and_ends() {
    let world = World::new();
    repository(&world);
    let repo = world.path("repository");
    let output = world.command().args(["quickstart", "--once", "--repo"]).arg(&repo).output().expect("the binary runs");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    let steps: Vec<&str> =
        stdout.lines().filter(|line| line.starts_with(|letter: char| letter.is_ascii_digit())).collect();
    let expected = [
        ("1. ", "listens on 127.0.0.1:"),
        ("2. ", "StartRun"),
        ("3. ", "GetRun: the job succeeded"),
        ("4. ", "SIGKILL"),
        ("5. ", "Another server listens"),
        ("6. ", "GetLatestRetainedRun finds"),
        ("7. ", "StreamArtifactManifest"),
        ("8. ", "ReadArtifact"),
    ];
    assert_eq!(steps.len(), expected.len(), "{stdout}");
    for (step, (number, said)) in steps.iter().zip(expected) {
        assert!(step.starts_with(number) && step.contains(said), "{said}: {step}");
    }
    assert!(!stdout.contains("grpcurl"), "it does not invite to a server that has ended");
    assert!(world.path("runs/.quickstart").is_dir());
    let runs: Vec<_> = std::fs::read_dir(world.path("runs")).expect("listed").collect();
    assert_eq!(runs.len(), 2, "one run, and the quickstart's own directory");
    // Times are recorded in seconds, and of two runs of one second the newest is not known; so the second one begins in a later second.
    let second = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let told = second();
    support::eventually("the next second", None, || (second() > told).then_some(()));
    let again = world.command().args(["quickstart", "--once", "--repo"]).arg(&repo).output().expect("the binary runs");
    assert_eq!(
        again.status.code(),
        Some(0),
        "a second time over the same runs: {}",
        String::from_utf8_lossy(&again.stderr)
    );
}
