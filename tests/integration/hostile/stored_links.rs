//! Links and special files in the place of a run's documents, and run ids that are no names.

use guide_board::wire::pb;
use serde_json::json;

use super::calls::methods;
use super::expected::{FINE, NOT_A_FILE, Outcome, RUN_NOT_FOUND, UNSAFE_PATH, assert_outcome};
use super::mechanisms;
use super::server::Server;
use super::tree::Tree;

/// What is put in the place of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    LinkOutside,
    LinkToSibling,
    Loop,
    Fifo,
    Directory,
}

const STANDS: [Stand; 5] = [Stand::LinkOutside, Stand::LinkToSibling, Stand::Loop, Stand::Fifo, Stand::Directory];

const DOCUMENTS: [&str; 11] = [
    "retention-summary.json",
    "run.json",
    "plan.json",
    "sources.lock.json",
    "reports/assessment-package.json",
    "reports/submission-package.json",
    "reports/report.md",
    "normalized/evidence.json",
    "normalized/findings.json",
    "reports",
    "artifacts",
];

fn replace(tree: &Tree, directory: &str, document: &str, stand: Stand) {
    let name = format!("runs/{directory}/{document}");
    let path = tree.path(&name);
    if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }.expect("removed");
    match stand {
        Stand::LinkOutside => tree.link(&name, tree.path("outside").join(document)),
        Stand::LinkToSibling => {
            tree.link(&name, format!("{}.sibling/{document}", "../".repeat(name.matches('/').count() - 1)))
        }
        Stand::Loop => tree.link(&name, path.file_name().expect("a name")),
        Stand::Fifo => tree.fifo(&name),
        Stand::Directory => tree.put(&format!("{name}/x"), "below"),
    };
}

/// What a call about the run in that directory answers.
fn outcome(call: &str, document: &str, stand: Stand) -> Outcome {
    let is_directory = stand == Stand::Directory;
    let no_file = if is_directory { NOT_A_FILE } else { UNSAFE_PATH };
    // A FIFO in the place of a directory is no directory, so beneath it is nothing.
    let gone = stand == Stand::Fifo && matches!(document, "reports" | "artifacts");
    match (call, document) {
        ("GetRetainedRun" | "GetRetainedRunReports", "retention-summary.json") => UNSAFE_PATH,
        (
            "GetRetainedRunReports",
            "reports/assessment-package.json" | "reports/submission-package.json" | "reports/report.md",
        ) => UNSAFE_PATH,
        ("GetRetainedRunReports" | "StreamArtifactManifest", "reports") if !is_directory && !gone => UNSAFE_PATH,
        ("StreamArtifactManifest", "reports/assessment-package.json") => no_file,
        ("ListFindings", "normalized/findings.json") | ("ListEvidence", "normalized/evidence.json") => no_file,
        _ => FINE,
    }
}

/// By run id, and with what is refused reported.
async fn ask_in_other_ways(server: &Server, tree: &Tree, calls: &[&str], directory: &str, document: &str) {
    for call in calls {
        let answer = server.ask(tree, call, &json!({"run_id": directory})).await;
        let is_gone = document == "retention-summary.json";
        let expected = if is_gone { RUN_NOT_FOUND } else { outcome(call, document, Stand::LinkOutside) };
        assert_outcome(&(call, directory), &answer, expected);
    }
    let request = json!({"directory": directory, "report_unsafe": true, "include_contents": true});
    let answer = server.ask(tree, "GetRetainedRunReports", &request).await;
    if answer.refusal.is_none() {
        let reports = answer.merged::<pb::GetRetainedRunReportsResponse>().reports;
        let is_refused = |path: &str| path == document || path.starts_with(&format!("{document}/"));
        for report in reports {
            assert_eq!(report.state() == pb::FileState::NotRegularFile, is_refused(&report.path), "{report:?}");
        }
    }
    let request = json!({"directory": directory, "report_unsafe": true, "include_unlisted": true});
    server.ask(tree, "StreamArtifactManifest", &request).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_place_of_a_document_is_not_followed() {
    let tree = Tree::bare();
    // Passed over by scans, so that only a link could show what stands in it.
    tree.run_of_canaries("runs/.sibling");
    let mut cases = Vec::new();
    for document in DOCUMENTS {
        for stand in STANDS {
            let directory = format!("{}-{stand:?}", document.replace(['/', '.'], "-"));
            tree.run(&format!("runs/{directory}"), &directory);
            replace(&tree, &directory, document, stand);
            cases.push((directory, document, stand));
        }
    }
    let known: Vec<String> = methods().iter().map(|method| method.name().to_owned()).collect();
    let calls = ["GetRetainedRun", "GetRetainedRunReports", "StreamArtifactManifest", "ListFindings", "ListEvidence"];
    let calls: Vec<&str> = calls.into_iter().filter(|call| known.contains(&(*call).to_owned())).collect();
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        for (directory, document, stand) in &cases {
            let (document, stand) = (*document, *stand);
            for call in &calls {
                let answer = server.ask(&tree, call, &json!({"directory": directory})).await;
                assert_outcome(&(call, directory), &answer, outcome(call, document, stand));
            }
            if stand == Stand::LinkOutside {
                ask_in_other_ways(&server, &tree, &calls, directory, document).await;
            }
            let read = server.ask(&tree, "ReadArtifact", &json!({"directory": directory, "path": document})).await;
            let refused = if stand == Stand::Directory { NOT_A_FILE } else { UNSAFE_PATH };
            assert_outcome(directory, &read, refused);
        }
        let listed: pb::ListProblemsResponse =
            server.ask(&tree, "ListProblems", &json!({"page_size": 500})).await.merged();
        let not_regular: Vec<&str> = listed
            .problems
            .iter()
            .filter(|problem| problem.reason() == pb::ProblemReason::SummaryNotRegular)
            .map(|problem| problem.directory.as_str())
            .collect();
        assert_eq!(not_regular.len(), STANDS.len(), "{not_regular:?}");
        assert!(
            not_regular.iter().all(|directory| directory.starts_with("retention-summary-json-")),
            "{not_regular:?}"
        );
        server.ask(&tree, "ListRetainedRuns", &json!({"page_size": 500})).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_ids_that_are_no_names_are_problems_and_lead_nowhere() {
    let tree = Tree::bare();
    let ids = [
        "..",
        ".",
        "../run",
        "/etc",
        "a/b",
        ".hidden",
        "-x",
        "run\0",
        "a\\b",
        "ｒｕｎ",
        " run",
        "run\n",
        &"n".repeat(129),
    ];
    for (number, id) in ids.iter().enumerate() {
        tree.run(&format!("runs/d{number}"), id);
    }
    tree.run("runs/run", "run");
    for containment in mechanisms() {
        let server = Server::start(&tree, &mut tree.command(), containment).await;
        let listed: pb::ListRetainedRunsResponse = server.ask(&tree, "ListRetainedRuns", &json!({})).await.merged();
        assert_eq!(listed.runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>(), ["run"]);
        let problems: pb::ListProblemsResponse =
            server.ask(&tree, "ListProblems", &json!({"reasons": ["run_id_invalid"]})).await.merged();
        assert_eq!(problems.problems.len(), ids.len(), "{problems:?}");
    }
}
