//! Hostile paths in summaries, manifests, run records and submission packages.

use guide_board::wire::pb;
use serde_json::{Value, json};

use super::expected::{FINE, UNSAFE_PATH, assert_outcome};
use super::mechanisms;
use super::names::{AsPath, Surroundings, names};
use super::server::Server;
use super::tree::{PLAIN, Tree, package, summary};
use pb::FileState::{Missing, NotRegularFile, Present, UnsafePath};

/// Stored paths for the directory `run` whose record says that it was made in `/old/place`, and what stands at each.
pub(super) fn stored(tree: &Tree) -> Vec<(String, pb::FileState)> {
    let state = |path| match path {
        AsPath::Bad => UnsafePath,
        AsPath::Absent => Missing,
        AsPath::Unsafe | AsPath::Directory => NotRegularFile,
        AsPath::Plain => Present,
    };
    let requested = names(tree, Surroundings::default()).into_iter().filter(|name| !name.text.starts_with('/'));
    let mut stored: Vec<(String, pb::FileState)> = requested.map(|name| (name.text, state(name.path))).collect();
    let absolute = [
        ("/", UnsafePath),
        ("//artifacts/plain.txt", UnsafePath),
        ("/artifacts/plain.txt", UnsafePath),
        ("/etc/passwd", UnsafePath),
        (concat!("/proc/self/root", "/etc/passwd"), UnsafePath),
        ("/run", UnsafePath),
        ("/run/", UnsafePath),
        // Beneath the recorded directory.
        ("/old/place/artifacts/plain.txt", Present),
        ("/old/place/artifacts/link-file", NotRegularFile),
        ("/old/place/artifacts/link-directory/secret.txt", NotRegularFile),
        ("/old/place/secret.txt", Missing),
        ("/old/place/artifacts/missing", Missing),
        ("/old/place", UnsafePath),
        ("/old/place/", UnsafePath),
        ("/old/place//artifacts/plain.txt", UnsafePath),
        ("/old/place/../place/artifacts/plain.txt", UnsafePath),
        ("/old/place/artifacts/../../../etc/passwd", UnsafePath),
        ("/old/place/artifacts/plain.txt\0", UnsafePath),
        ("/old/place\\artifacts\\plain.txt", UnsafePath),
        ("/old/place-secret/artifacts/plain.txt", UnsafePath),
        ("/old/./place/artifacts/plain.txt", UnsafePath),
        ("/old/place/%2e%2e/secret.txt", Missing),
        // Beneath a directory of the run's name.
        ("/new/place/run/artifacts/plain.txt", Present),
        ("/run/run/artifacts/plain.txt", Present),
        ("/new/run/artifacts/run/plain.txt", Missing),
        ("/new/run/secret.txt", Missing),
        ("/new/run/.hidden", Missing),
        ("/new/run/artifacts/link-sibling/secret.txt", NotRegularFile),
        ("/new/run/..", UnsafePath),
        ("/new/run/../run-secret/artifacts/secret.txt", UnsafePath),
        ("/new/run//etc/passwd", UnsafePath),
        ("/new/run-secret/artifacts/secret.txt", UnsafePath),
        ("/new/ｒｕｎ/artifacts/plain.txt", UnsafePath),
    ];
    stored.extend(absolute.map(|(path, state)| (path.to_owned(), state)));
    let here = |name: &str| tree.path(name).to_str().expect("text").to_owned();
    let real = [
        ("outside/secret.txt", UnsafePath),
        ("runs-secret/run/secret.txt", Missing),
        ("runs-secret/run/artifacts/plain.txt", Present),
        ("runs/run/secret.txt", Missing),
        ("runs/run/artifacts/plain.txt", Present),
        ("runs/link-run/artifacts/plain.txt", UnsafePath),
    ];
    stored.extend(real.map(|(path, state)| (here(path), state)));
    stored
}

fn kind(number: usize) -> String {
    format!("kind-{number:04}")
}

async fn report(server: &Server, tree: &Tree, request: Value) -> pb::GetRetainedRunReportsResponse {
    let answer = server.ask(tree, "GetRetainedRunReports", &request).await;
    assert_outcome(&request, &answer, FINE);
    answer.merged()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_in_a_summary_are_opened_in_the_run_or_refused_by_their_kind() {
    let tree = Tree::new();
    let stored = stored(&tree);
    let mut document = summary("run", PLAIN);
    for (number, (path, _)) in stored.iter().enumerate() {
        document["report_paths"][kind(number)] = json!(path);
    }
    tree.put("runs/run/retention-summary.json", document.to_string());
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        let listed: pb::ListRetainedRunsResponse =
            server.ask(&tree, "ListRetainedRuns", &json!({"page_size": 500})).await.merged();
        let run = listed.runs.iter().find(|run| run.directory == "run").expect("listed all the same");
        assert!(run.compatibility.contains(&"unsafe-report-ref".to_owned()), "{run:?}");

        let run: pb::GetRetainedRunResponse =
            server.ask(&tree, "GetRetainedRun", &json!({"run_id": "run"})).await.merged();
        let told = run.summary.expect("a summary");
        let is_refused =
            |(number, (_, state)): (usize, &(String, pb::FileState))| (*state == UnsafePath).then(|| kind(number));
        let refused: Vec<String> = stored.iter().enumerate().filter_map(is_refused).collect();
        assert_eq!(told.unsafe_report_paths, refused);
        assert_eq!(told.report_paths.len(), stored.len() + 1 - refused.len());
        assert!(told.report_paths.values().all(|path| !path.starts_with('/')), "{told:?}");

        let unsafe_too = json!({"run_id": "run", "report_unsafe": true, "include_contents": true});
        let reports = report(&server, &tree, unsafe_too).await.reports;
        let whole = server.ask(&tree, "GetRetainedRunReports", &json!({"run_id": "run"})).await;
        assert_outcome(&"all reports", &whole, UNSAFE_PATH);
        let message = whole.refusal.expect("refused").message().to_owned();
        let is_unsafe = |state: pb::FileState| matches!(state, UnsafePath | NotRegularFile);
        let mut unsafe_kinds: Vec<String> =
            reports.iter().filter(|report| is_unsafe(report.state())).map(|report| report.kind.clone()).collect();
        unsafe_kinds.sort();
        let named = unsafe_kinds.iter().filter(|kind| message.contains(kind.as_str())).count();
        assert!(named == 20 && message.contains(&format!("{} in all", unsafe_kinds.len())), "{message}");
        for (number, (path, state)) in stored.iter().enumerate() {
            let found = reports.iter().find(|report| report.kind == kind(number)).expect("reported");
            assert_eq!(found.state(), *state, "{path:?}");
            let contents = (*state == Present).then_some(PLAIN.as_bytes());
            assert_eq!(found.contents.as_deref(), contents, "{path:?}");
            assert_eq!(found.path.is_empty(), *state == UnsafePath, "{path:?}");
            if number % 5 == 0 {
                let alone =
                    server.ask(&tree, "GetRetainedRunReports", &json!({"run_id": "run", "kind": kind(number)})).await;
                assert_outcome(&path, &alone, if is_unsafe(*state) { UNSAFE_PATH } else { FINE });
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paths_in_a_manifest_are_looked_at_in_the_run_or_refused_by_their_entry() {
    let tree = Tree::new();
    let stored = stored(&tree);
    let paths: Vec<&str> = stored.iter().map(|(path, _)| path.as_str()).collect();
    tree.put("runs/run/reports/assessment-package.json", package(&paths).to_string());
    let refused: Vec<usize> = (0..stored.len()).filter(|number| stored[*number].1 == UnsafePath).collect();
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        let answer =
            server.ask(&tree, "StreamArtifactManifest", &json!({"run_id": "run", "include_unlisted": true})).await;
        assert_outcome(&"the manifest", &answer, UNSAFE_PATH);
        assert!(answer.messages.is_empty());
        let message = answer.refusal.expect("refused").message().to_owned();
        assert!(message.contains(&format!("{} of the manifest's {} paths", refused.len(), stored.len())), "{message}");
        let named: Vec<usize> = message
            .split("entry ")
            .skip(1)
            .map(|rest| {
                let (number, _) = rest.split_once(' ').expect("a number");
                number.parse::<usize>().expect("a number") - 1
            })
            .collect();
        assert_eq!(named, refused[..20], "{message}");

        let all = json!({"run_id": "run", "report_unsafe": true});
        let manifest: pb::StreamArtifactManifestResponse =
            server.ask(&tree, "StreamArtifactManifest", &all).await.merged();
        assert!(manifest.compatibility.contains(&"unsafe-report-ref".to_owned()), "{:?}", manifest.compatibility);
        assert_eq!(manifest.artifact_manifest.len(), stored.len());
        for (artifact, (path, state)) in manifest.artifact_manifest.iter().zip(&stored) {
            assert_eq!(artifact.state(), *state, "{path:?}");
            assert_eq!(artifact.path.is_empty(), *state == UnsafePath, "{path:?}");
            assert!(!artifact.path.starts_with('/'), "{artifact:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_lies_about_its_place_leads_nowhere() {
    let tree = Tree::new();
    let lies = [
        json!("/"),
        json!("//"),
        json!(""),
        json!("."),
        json!(".."),
        json!("../outside"),
        json!("/etc"),
        json!("/proc/self/root"),
        json!(concat!("/proc/self/root", "/")),
        json!("/old"),
        json!("/old/place/.."),
        json!("/old/plac"),
        json!("\0"),
        json!(5),
        json!(["/old"]),
        json!(tree.path("").to_str().expect("text")),
        json!(tree.path("runs").to_str().expect("text")),
    ];
    let outside = tree.path("outside/secret.txt");
    let refs = [
        "/etc/passwd",
        concat!("/proc/self/root", "/etc/passwd"),
        "/old/place/../secret.txt",
        outside.to_str().expect("text"),
    ];
    let write = |directory: &str| {
        tree.run(directory, "r");
        let mut document = summary("r", PLAIN);
        for (number, path) in refs.iter().enumerate() {
            document["report_paths"][kind(number)] = json!(path);
        }
        tree.put(&format!("{directory}/retention-summary.json"), document.to_string());
        tree.put(&format!("{directory}/reports/assessment-package.json"), package(&refs).to_string());
    };
    let mut directories = Vec::new();
    for (number, lie) in lies.iter().enumerate() {
        let directory = format!("lie-{number}");
        write(&format!("runs/{directory}"));
        tree.put(&format!("runs/{directory}/run.json"), json!({"run_id": "r", "output_dir": lie}).to_string());
        directories.push(directory);
    }
    // A record that is a link is no record, so what it says of the place does not count.
    write("runs/linked");
    tree.put("outside/run.json", json!({"output_dir": "/etc", "said": tree.canary}).to_string());
    std::fs::remove_file(tree.path("runs/linked/run.json")).expect("removed");
    tree.link("runs/linked/run.json", tree.path("outside/run.json"));
    directories.push("linked".to_owned());
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        for directory in &directories {
            let request = json!({"directory": directory, "report_unsafe": true});
            for found in report(&server, &tree, request.clone()).await.reports {
                let is_ref = found.kind.starts_with("kind-");
                assert!(!is_ref || matches!(found.state(), UnsafePath | Missing), "{directory}: {found:?}");
                assert!(!is_ref || directory != "linked" || found.state() == UnsafePath, "{found:?}");
            }
            let request = json!({"directory": directory, "report_unsafe": true});
            let manifest: pb::StreamArtifactManifestResponse =
                server.ask(&tree, "StreamArtifactManifest", &request).await.merged();
            assert_eq!(manifest.artifact_manifest.len(), refs.len());
            for found in manifest.artifact_manifest {
                assert!(matches!(found.state(), UnsafePath | Missing), "{directory}: {found:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_of_paths_and_recorded_digests_tell_nothing_of_where_they_lead() {
    let tree = Tree::new();
    let place = tree.path("outside").to_str().expect("text").to_owned();
    let mut document = summary("run", PLAIN);
    document.as_object_mut().expect("an object").remove("report_paths");
    let refs = [
        format!("{place}/secret.txt"),
        format!("{place}/"),
        place.clone(),
        format!("{place}/.."),
        "..".to_owned(),
        "/".to_owned(),
    ];
    document["report_refs"] = json!(refs);
    tree.put("runs/run/retention-summary.json", document.to_string());
    let digest = |byte: &str| byte.repeat(32);
    let documents = json!([
        {"path": "reports/../reports/report.md", "sha256": digest("aa")}, {"path": "/etc/reports/report.md", "sha256": digest("bb")},
        {"path": format!("{place}/reports/report.md"), "sha256": digest("cc")}, {"path": "../run/reports/report.md", "sha256": digest("dd")},
    ]);
    tree.put("runs/run/reports/submission-package.json", json!({"documents": documents}).to_string());
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        let told = report(&server, &tree, json!({"directory": "run", "report_unsafe": true})).await;
        let refused = told.reports.iter().filter(|report| report.state() == UnsafePath).count();
        assert_eq!(refused, refs.len(), "{told:?}");
        assert!(told.reports.iter().all(|report| report.sha256.is_empty()), "{told:?}");
    }
}
