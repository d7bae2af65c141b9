//! What a pull leaves out of its directory whatever a server says, and a server whose root is away.

use super::*;
use crate::support::files;

/// The SHA-256 of `12345`.
const DIGEST: &str = "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5";

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_writes_nothing_that_is_no_output_whatever_a_manifest_names() {
    let service = Odd::default();
    let whole = pb::ReadArtifactResponse { sha256: DIGEST.to_owned(), ..header(5, 0).expect("a header") };
    Odd::answers(&service.reads, [Ok(vec![Ok(whole), piece(0, "12345")])]);
    let odd =
        [".git/hooks/post-checkout", ".bashrc", "Makefile", ".pull/x", "artifacts", "run.json/x", "../x", "/tmp/x"];
    let entry = |path: &str, unlisted: bool| pb::Artifact {
        path: path.to_owned(),
        state: pb::FileState::Present.into(),
        sha256: DIGEST.to_owned(),
        unlisted,
        ..Default::default()
    };
    let mut artifact_manifest: Vec<_> = odd.iter().map(|path| entry(path, path.len() % 2 == 0)).collect();
    artifact_manifest.push(entry("artifacts/ext/plain.txt", false));
    let first = pb::StreamArtifactManifestResponse {
        run: Some(pb::RetainedRun { directory: "x".to_owned(), ..Default::default() }),
        entry_count: 1,
        ..Default::default()
    };
    let rest = pb::StreamArtifactManifestResponse { artifact_manifest, ..Default::default() };
    Odd::answers(&service.manifests, [Ok(vec![Ok(first), Ok(rest)])]);
    let world = World::new();
    let ended = ask(&world, service.serve().await, &[&["pull", "--json"], &ONE[..], &["copy"]].concat());
    assert_eq!(ended.code, Some(7), "{ended:?}");
    let told: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let refused: Vec<_> = told["problems"].as_array().expect("a list").iter().collect();
    let paths: Vec<_> = refused.iter().map(|problem| problem["path"].as_str().expect("a path")).collect();
    assert_eq!(paths, odd, "{told}");
    assert!(refused.iter().all(|problem| problem["state"] == "unsafe_path"), "{told}");
    let mut copied = files(&world.path("copy"));
    copied.sort();
    let whole = ["artifacts/ext/plain.txt", "plan.json", "retention-summary.json", "run.json", "sources.lock.json"];
    assert_eq!(copied, whole);
    // Nor is any of it asked for.
    let asked = service.asked.lock().expect("a lock").clone();
    assert!(asked.iter().all(|one| !odd.contains(&one.path.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_away_at_a_server_is_no_history_that_is_not_there() {
    let service = Odd::default();
    let away = || said(Code::Unavailable, "ROOT_AWAY", "the runs root `runs` is away");
    Odd::answers(&service.lists, [Err(away())]);
    Odd::answers(&service.reads, [Err(away())]);
    let first = pb::StreamArtifactManifestResponse { run: Some(odd_run()), ..Default::default() };
    Odd::answers(&service.manifests, [Ok(vec![Ok(first)])]);
    let address = service.serve().await;
    let world = World::new();
    let ended = ask(&world, address, &["list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(8), "error: the runs root `runs` is away\n"));
    let ended = ask(&world, address, &[&["pull"], &ONE[..], &["copy"]].concat());
    assert_eq!(ended.code, Some(8), "{ended:?}");
    assert!(ended.stderr.contains("is away; what was pulled stays in DIR, and the same command goes on"), "{ended:?}");
}
