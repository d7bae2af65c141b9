//! What only looks hostile is served byte for byte: odd names of runs and outputs, the longest paths, hard links.

use std::os::fd::AsFd as _;

use guide_board::wire::pb;
use rustix::fs::{Mode, OFlags, mkdirat, open, openat};
use serde_json::json;

use super::mechanisms;
use super::server::Server;
use super::tree::{ODD, Tree};

/// Puts a file at a path that is too long to be named from anywhere but the run.
fn put_deep(tree: &Tree, path: &str, contents: &[u8]) {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let mut at = open(tree.path("runs/run"), flags, Mode::empty()).expect("opened");
    let (above, name) = path.rsplit_once('/').expect("a path of several components");
    for component in above.split('/') {
        // Some are there already.
        let _ = mkdirat(&at, component, Mode::RWXU);
        at = openat(at.as_fd(), component, flags, Mode::empty()).expect("opened");
    }
    let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(&at, name, create, Mode::RUSR | Mode::WUSR).expect("made");
    assert_eq!(rustix::io::write(&file, contents).expect("written"), contents.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_names_and_the_longest_paths_are_served_byte_for_byte() {
    let tree = Tree::bare();
    tree.run("runs/run", "run");
    let longest = format!("artifacts/{}", vec!["d".repeat(255); 16].join("/"))[..4_095].to_owned();
    let many = format!("artifacts/{}ffff", "dddddd/".repeat(583));
    assert_eq!((longest.len(), many.len()), (4_095, 4_095));
    let mut paths = vec![longest, many, format!("artifacts/{}", "n".repeat(255))];
    for path in &paths {
        put_deep(&tree, path, format!("{} bytes", path.len()).as_bytes());
    }
    for name in ODD.iter().chain(&["...", "..a", "a..", "artifacts", "CON", "a:b", "\u{feff}"]) {
        for path in
            [format!("artifacts/{name}"), format!("normalized/{name} below/{name}"), format!("reports/{name}.md")]
        {
            tree.put(&format!("runs/run/{path}"), format!("{} bytes", path.len()));
            paths.push(path);
        }
        tree.run(&format!("runs/d{name}"), "r").put(&format!("runs/d{name}/artifacts/plain.txt"), format!("d{name}"));
    }
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        for path in &paths {
            let answer = server.ask(&tree, "ReadArtifact", &json!({"directory": "run", "path": path})).await;
            assert_eq!(answer.data(), format!("{} bytes", path.len()).into_bytes(), "{path:?}");
        }
        let manifest = json!({"directory": "run", "include_unlisted": true});
        let manifest: pb::StreamArtifactManifestResponse =
            server.ask(&tree, "StreamArtifactManifest", &manifest).await.merged();
        let listed: Vec<&str> = manifest.artifact_manifest.iter().map(|artifact| artifact.path.as_str()).collect();
        // The walk for unlisted files has a bound on its depth, which the one of hundreds of directories exceeds.
        let missing: Vec<_> =
            paths.iter().filter(|path| path.len() < 4_000 && !listed.contains(&path.as_str())).collect();
        assert!(missing.is_empty() && manifest.unlisted_truncated, "{missing:?}");
        for name in ODD {
            let answer = server
                .ask(&tree, "ReadArtifact", &json!({"directory": format!("d{name}"), "path": "artifacts/plain.txt"}))
                .await;
            assert_eq!(answer.data(), format!("d{name}").into_bytes(), "{name:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hard_link_is_a_file_like_any_other_and_served() {
    let tree = Tree::bare();
    tree.run("runs/run", "run").put("elsewhere.txt", "shared by two names");
    for (there, here) in [("elsewhere.txt", "artifacts/hard.txt"), ("elsewhere.txt", "reports/hard.md")] {
        std::fs::hard_link(tree.path(there), tree.path("runs/run").join(here)).expect("linked");
    }
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        for path in ["artifacts/hard.txt", "reports/hard.md"] {
            let answer = server.ask(&tree, "ReadArtifact", &json!({"run_id": "run", "path": path})).await;
            assert_eq!(answer.data(), b"shared by two names");
        }
    }
}
