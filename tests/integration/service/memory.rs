//! What the server holds in memory while it serves what is large, as the system counts it: the peak of a process of its own beyond what it
//! held before.

use guide_board::wire::pb;

use serde_json::json;

use super::fixtures::{put, put_summary, summary};
use super::served::Served;
use crate::support::World;

const MIB: u64 = 1 << 20;

/// The memory of a process, watched from now on.
struct Watched {
    pid: u32,
    before: u64,
}

impl Watched {
    fn begin(pid: u32) -> Self {
        // Sets the peak back to what is held now.
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("set back");
        Self { pid, before: bytes_of(pid, "VmRSS:") }
    }

    /// Asserts that the process never held so much more than at the beginning.
    fn grew_by_less_than(&self, bound: u64, what: &str) {
        let grown = bytes_of(self.pid, "VmHWM:").saturating_sub(self.before);
        assert!(grown < bound, "{what}: {} KiB", grown >> 10);
    }
}

fn bytes_of(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// The entries of a manifest, read to its end and not kept.
async fn entries_of(server: &Served, request: &pb::StreamArtifactManifestRequest) -> u64 {
    let reply = server.client.retained().stream_artifact_manifest(request.clone()).await;
    let mut stream = reply.expect("a stream").into_inner();
    let mut count = 0;
    while let Some(message) = stream.message().await.expect("a message") {
        count += message.artifact_manifest.len() as u64;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_two_hundred_thousand_entries_streams_in_bounded_memory() {
    let world = World::new();
    // Bare paths: little to read, and ten times as much to hold for whoever would hold them.
    for (directory, count) in [("small", 10), ("large", 200_000)] {
        put_summary(&world.path("runs"), directory, &summary(directory, "2026-01-01T00:00:00Z"));
        let entries: Vec<String> = (0..count).map(|number| format!("\"artifacts/{number}\"")).collect();
        let package = format!("{{\"artifact_manifest\":[{}]}}", entries.join(","));
        put(&world.path("runs"), &format!("{directory}/reports/assessment-package.json"), package);
    }
    let server = Served::start(&world, &[]).await;
    let of = |directory: &str| pb::StreamArtifactManifestRequest {
        directory: directory.to_owned(),
        include_unlisted: true,
        ..Default::default()
    };
    assert_eq!(entries_of(&server, &of("small")).await, 11);
    let watched = Watched::begin(server.pid());
    assert_eq!(entries_of(&server, &of("large")).await, 200_001);
    watched.grew_by_less_than(32 * MIB, "the manifest");
}

/// How large a bomb is: nearly as large as a document may be where there is time, else large enough to tell how many times its size it
/// becomes in memory.
fn bomb_size() -> usize {
    if std::env::var_os("GUIDE_BOARD_LOOP_SECONDS").is_some() { 15 << 20 } else { 256 << 10 }
}

/// Documents of about that size that become something else in memory than they are on the disk, where a reader lets them.
fn bombs(size: usize) -> Vec<(&'static str, String)> {
    let fill = |head: &str, unit: &str, tail: &str| {
        format!("{head}{}{tail}", unit.repeat((size - head.len() - tail.len()) / unit.len()))
    };
    let keys: Vec<String> = (0..size / 12).map(|number| format!("\"k{number:x}\":1")).collect();
    vec![
        ("an endless array", fill("{\"x\":", "[", "")),
        ("arrays in arrays, closed", fill("{\"x\":", "[", "") + &"]".repeat(size - 5) + "}"),
        ("objects in objects", fill("", "{\"a\":", "")),
        ("a key many times", fill("{", "\"x\":1,", "\"x\":1}")),
        ("many keys", format!("{{{}}}", keys.join(","))),
        ("a long text", fill("{\"x\":\"", "x", "\"}")),
        ("a long text of escapes", fill("{\"x\":\"", "\\u0001", "\"}")),
        ("a long key", fill("{\"", "x", "\":1}")),
        ("a long number", fill("{\"x\":", "9", "}")),
        ("a long fraction", fill("{\"x\":0.", "3", "}")),
        ("a large exponent", "{\"x\":1e999999999}".to_owned()),
        ("many numbers", fill("{\"documents\":[{\"path\":\"a\",\"x\":[", "0,", "0]}]}")),
        ("many documents", fill("{\"documents\":[", "[],", "[]]}")),
        ("many empty documents", fill("{\"documents\":[", "{},", "{}]}")),
        ("many entries", fill("{\"artifact_manifest\":[", "\"a\",", "\"a\"]}")),
        (
            "many evidence refs",
            fill("{\"artifact_manifest\":[{\"path\":\"a\",\"evidence_refs\":[", "\"\",", "\"\"]}]}"),
        ),
        ("blanks", fill("{", " ", "}")),
        ("no end of the text", fill("{\"x\":\"", "x", "")),
        ("zeros", "\0".repeat(size)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bomb_in_any_document_is_answered_in_bounded_memory() {
    let world = World::new();
    // An absolute path has to be looked up in the run record.
    let mut absolute = summary("r", "2026-01-01T00:00:00Z");
    absolute["report_paths"] = json!({"moved": "/elsewhere/reports/report.md"});
    put_summary(&world.path("runs"), "d", &absolute);
    put(&world.path("runs"), "d/reports/report.md", "fine");
    let server = Served::start(&world, &[]).await;
    ask_everything(&server, "d").await;
    let size = bomb_size();
    for document in ["run.json", "reports/submission-package.json", "reports/assessment-package.json"] {
        for (what, bomb) in bombs(size) {
            put(&world.path("runs"), &format!("d/{document}"), &bomb);
            let watched = Watched::begin(server.pid());
            ask_everything(&server, "d").await;
            // The bytes themselves are held, and something beside them.
            watched.grew_by_less_than(4 * MIB + 4 * size as u64, &format!("{what} in {document}"));
        }
        std::fs::remove_file(world.path("runs/d").join(document)).expect("removed");
    }
}

/// Every call about one run. Each answers, or refuses for what the documents are.
async fn ask_everything(server: &Served, directory: &str) {
    use tonic::Code::{DataLoss, FailedPrecondition};
    let mut client = server.client.retained();
    let directory = directory.to_owned();
    let request = pb::GetRetainedRunRequest { directory: directory.clone(), ..Default::default() };
    client.get_retained_run(request).await.expect("the summary is sound");
    let request =
        pb::GetRetainedRunReportsRequest { directory: directory.clone(), report_unsafe: true, ..Default::default() };
    client.get_retained_run_reports(request).await.expect("the reports are there");
    let request = pb::StreamArtifactManifestRequest { directory, report_unsafe: true, ..Default::default() };
    match client.stream_artifact_manifest(request).await {
        Ok(stream) => {
            let mut stream = stream.into_inner();
            while stream.message().await.expect("a message").is_some() {}
        }
        Err(status) => assert!(matches!(status.code(), DataLoss | FailedPrecondition), "{status:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_for_summaries_are_listed_for_what_they_are_in_bounded_memory() {
    let world = World::new();
    put_summary(&world.path("runs"), "good", &summary("good", "2026-01-01T00:00:00Z"));
    // As large as a summary may be, and one that is larger.
    let mut bombs = bombs((1 << 20) - 64);
    bombs.push(("too large", "{}".to_owned() + &" ".repeat(8 << 20)));
    for (number, (_, bomb)) in bombs.iter().enumerate() {
        let bomb = bomb.replacen('{', "{\"run_id\":\"r\",", 1);
        put(&world.path("runs"), &format!("bomb-{number}/retention-summary.json"), bomb);
    }
    let server = Served::start(&world, &["--poll-interval", "600"]).await;
    let request = pb::ListRetainedRunsRequest::default();
    let list = server.client.retained().list_retained_runs(request).await.expect("a list").into_inner();
    let request = pb::ListProblemsRequest { page_size: 500, ..Default::default() };
    let problems = server.client.retained().list_problems(request).await.expect("problems").into_inner().problems;
    let broken = problems.iter().filter(|problem| problem.reason() != pb::ProblemReason::RunIdDuplicate).count();
    assert_eq!(list.runs.len() + broken, bombs.len() + 1, "each is a run or a problem");
    assert!(list.runs.iter().any(|run| run.run_id == "good") && list.runs.len() > 5 && broken > 5);
    for run in &list.runs {
        let request = pb::GetRetainedRunRequest { directory: run.directory.clone(), ..Default::default() };
        server.client.retained().get_retained_run(request).await.expect("what is listed can be got");
    }
    let peak = bytes_of(server.pid(), "VmHWM:");
    assert!(peak < 96 * MIB, "{} KiB", peak >> 10);
}
