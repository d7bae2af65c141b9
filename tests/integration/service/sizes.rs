//! What is too large for a message: for every call data that would exceed 3 MiB. The clients of these tests refuse larger messages, so that
//! a reply at all is one within the bound. What was left out is marked, and pages are complete.

use std::collections::BTreeSet;

use guide_board::services::MAX_MESSAGE_BYTES;
use guide_board::wire::pb;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;

use super::fixtures::{Service, Setup, all_pages, collect, put, put_summary, refused, summary};
use crate::support::World;

/// Just under the largest summary that is read.
const NEARLY_A_MEBIBYTE: usize = (1 << 20) - 1024;

/// What makes a summary nearly 1 MiB large, each by another part of it.
const GIANTS: [&str; 11] = [
    "profile refs",
    "a result word",
    "a schema version",
    "a label",
    "labels",
    "evidence counts",
    "finding counts",
    "commits",
    "unsafe report paths",
    "report paths",
    "unknown keys",
];

/// The keys of such a summary. Written by hand, since a million of them take their time.
fn giant(what: &str) -> String {
    let text = |length: usize| "x".repeat(length);
    // As short as so many different keys can be: on the wire an entry of a map weighs more than in JSON.
    let keys = |value: &str, count: u32| -> String {
        let entries: Vec<String> = (0..count).map(|number| format!("\"{number:x}\":{value}")).collect();
        entries.join(",")
    };
    let half = text(NEARLY_A_MEBIBYTE / 2);
    match what {
        "profile refs" => format!("\"target_profile_ref\":\"{half}\",\"assessment_profile_ref\":\"{half}\""),
        "a result word" => format!("\"result_status\":\"{}\"", text(NEARLY_A_MEBIBYTE)),
        "a schema version" => format!("\"schema_version\":\"{}\"", text(NEARLY_A_MEBIBYTE)),
        "a label" => format!("\"labels\":{{\"note\":\"{}\"}}", text(NEARLY_A_MEBIBYTE)),
        "labels" => format!("\"labels\":{{{}}}", keys("\"\"", 90_000)),
        "evidence counts" => format!("\"evidence_counts\":{{{}}}", keys("1", 90_000)),
        "finding counts" => format!("\"finding_counts\":{{{}}}", keys("18446744073709551615", 30_000)),
        "commits" => format!("\"source_commits\":{{{}}}", keys("\"4b3f655\"", 50_000)),
        "unsafe report paths" => format!("\"report_paths\":{{{}}}", keys("\"..\"", 80_000)),
        "report paths" => format!("\"report_paths\":{{{}}}", keys("\"a\"", 80_000)),
        _ => keys("1", 90_000),
    }
}

/// Runs of some giants, each with an id of its own, completed a second after the one before.
async fn serve_giants(world: &World, wanted: &[&str]) -> (Service, Vec<String>) {
    let mut directories = Vec::new();
    for (number, what) in wanted.iter().enumerate() {
        let text =
            format!("{{\"run_id\":\"r{number}\",\"completed_at\":\"1970-01-01T00:00:{number:02}Z\",{}}}", giant(what));
        assert!((700_000..=1 << 20).contains(&text.len()), "{what}: {}", text.len());
        let directory = what.replace(' ', "-");
        put(&world.path("runs"), &format!("{directory}/retention-summary.json"), text);
        directories.push(directory);
    }
    // Scanned once: what was just written would be read again at every look.
    let setup = Setup::new(&world.path("")).with(|config| config.poll_interval = std::time::Duration::from_secs(600));
    (setup.start().await, directories)
}

/// Asserts that a run is as its summary says, or marked as cut.
fn is_whole_or_marked(run: &pb::RetainedRun) {
    let free_form = [&run.labels, &run.source_commits].map(|map| map.len()).iter().sum::<usize>()
        + run.evidence_counts.len()
        + run.finding_counts.len();
    assert!(!run.run_id.is_empty() && run.encoded_len() <= (1 << 20) + 4096);
    if run.free_form_omitted {
        assert_eq!(free_form, 0, "{}", run.directory);
    }
    let is_free_form = ["label", "labels", "evidence-counts", "finding-counts", "commits"];
    if is_free_form.iter().any(|what| run.directory.ends_with(what)) {
        assert!(run.free_form_omitted || free_form > 0, "{} is neither whole nor marked", run.directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_giant_runs_ends_its_pages_early_and_loses_none() {
    let world = World::new();
    let (service, directories) = serve_giants(&world, &GIANTS).await;
    let runs = all_pages(&service, pb::ListRetainedRunsRequest::default()).await;
    runs.iter().for_each(is_whole_or_marked);
    let listed: BTreeSet<_> = runs.iter().map(|run| run.directory.clone()).collect();
    assert_eq!((listed.len(), runs.len()), (directories.len(), directories.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_giant_run_fits_into_a_reply_by_every_way_to_it() {
    let world = World::new();
    let giants = ["profile refs", "labels", "report paths", "unknown keys"];
    let (service, directories) = serve_giants(&world, &giants).await;
    for (number, directory) in directories.iter().enumerate() {
        let request = pb::GetRetainedRunRequest { directory: directory.clone(), ..Default::default() };
        let reply = service.retained().get_retained_run(request).await.expect(directory).into_inner();
        is_whole_or_marked(reply.run.as_ref().expect("a run"));
        let summary = reply.summary.as_ref().expect("a summary");
        assert_eq!(summary.run_id, format!("r{number}"));
        assert!(summary.free_form_omitted || summary.encoded_len() > 400_000, "{directory}");
        if number > 1 {
            continue;
        }
        let seconds = number as i64 + 1;
        let completed_before = Some(prost_types::Timestamp { seconds, nanos: 0 });
        let request = pb::GetLatestRetainedRunRequest { completed_before, ..Default::default() };
        let latest = service.retained().get_latest_retained_run(request).await.expect(directory).into_inner();
        assert!(latest.run == reply.run && latest.summary == reply.summary, "{directory}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_of_a_giant_run_come_with_the_contents_that_fit_and_the_others_marked() {
    let world = World::new();
    let (service, _) = serve_giants(&world, &["labels"]).await;
    for report in ["assessment-package.json", "fragments.json", "report.md", "submission-package.json"] {
        put(&world.path("runs"), &format!("labels/reports/{report}"), vec![b'x'; 900_000]);
    }
    let include_contents = true;
    let request =
        pb::GetRetainedRunReportsRequest { directory: "labels".into(), include_contents, ..Default::default() };
    let reply = service.retained().get_retained_run_reports(request.clone()).await.expect("reports").into_inner();
    is_whole_or_marked(&reply.run.expect("a run"));
    let told: Vec<_> =
        reply.reports.iter().map(|report| (report.contents.is_some(), report.contents_omitted)).collect();
    assert!(told.len() == 4 && told.iter().all(|(given, omitted)| given != omitted), "{told:?}");
    assert!(told.contains(&(true, false)) && told.contains(&(false, true)), "{told:?}");
    let request = pb::GetRetainedRunReportsRequest { kind: "submission_package".into(), ..request };
    let one = service.retained().get_retained_run_reports(request).await.expect("one kind").into_inner();
    assert_eq!(one.reports[0].contents.as_ref().map(|bytes| bytes.len()), Some(900_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_of_endless_unsafe_refs_is_short() {
    let world = World::new();
    let (service, _) = serve_giants(&world, &["unsafe report paths"]).await;
    let request = pb::GetRetainedRunReportsRequest { directory: "unsafe-report-paths".into(), ..Default::default() };
    let outcome = service.retained().get_retained_run_reports(request).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "UNSAFE_PATH").saying("80000");
    assert!(refusal.message.len() < 4096, "{}", refusal.message.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_giant_entries_of_a_giant_run_comes_in_bounded_messages() {
    let world = World::new();
    let (service, directories) = serve_giants(&world, &["profile refs", "labels"]).await;
    let entry = |number: usize| match number % 3 {
        0 => json!({"path": format!("artifacts/{number}"), "evidence_refs": ["e".repeat(900_000)]}),
        1 => {
            json!({"path": format!("artifacts/{number}/{}", "p/".repeat(1900) + "q"), "media_type": "m".repeat(100_000)})
        }
        _ => json!({"path": format!("artifacts/{number}"), "evidence_refs": vec!["e"; 20_000]}),
    };
    let manifest: Vec<Value> = (0..12).map(entry).collect();
    for directory in &directories {
        let package = json!({"artifact_manifest": manifest}).to_string();
        put(&world.path("runs"), &format!("{directory}/reports/assessment-package.json"), package);
        let request = pb::StreamArtifactManifestRequest { directory: directory.clone(), ..Default::default() };
        let messages = collect(service.retained().stream_artifact_manifest(request).await).await.expect(directory);
        let (header, rest) = messages.split_first().expect("a header");
        assert!(header.encoded_len() <= MAX_MESSAGE_BYTES && header.entry_count == 12);
        is_whole_or_marked(header.run.as_ref().expect("a run"));
        assert!(rest.iter().all(|message| message.encoded_len() <= (256 + 128) << 10));
        let entries: Vec<_> = rest.iter().flat_map(|message| &message.artifact_manifest).collect();
        assert_eq!(entries.len(), 12);
        assert!(entries.iter().step_by(3).all(|entry| entry.evidence_refs_omitted && entry.evidence_refs.is_empty()));
        assert!(entries.iter().skip(2).step_by(3).all(|entry| entry.evidence_refs.len() == 20_000));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_problems_fit_into_a_page_and_none_is_lost() {
    let world = World::new();
    // A control character takes one byte in a name, and five in a message.
    for number in 0..500 {
        let directory = format!("{}{number}", "\u{1}".repeat(250));
        put_summary(&world.path("runs"), &directory, &summary("twin", "2026-01-01T00:00:00Z"));
    }
    let service = Setup::new(&world.path("")).start().await;
    let mut request = pb::ListProblemsRequest { page_size: 500, ..Default::default() };
    let mut directories = BTreeSet::new();
    loop {
        let page = service.retained().list_problems(request.clone()).await.expect("problems").into_inner();
        assert!(page.total_size == 500 && page.encoded_len() <= MAX_MESSAGE_BYTES);
        let longest = page.problems.iter().map(|problem| problem.message.len()).max().expect("problems");
        assert!(longest > 1500, "a sentence names three of the others: {longest}");
        directories.extend(page.problems.into_iter().map(|problem| problem.directory));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(directories.len(), 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_names_many_long_names_stays_within_what_clients_take() {
    let world = World::new();
    for number in 0..30 {
        let directory = format!("{}{number}", "名".repeat(80));
        put_summary(&world.path("runs"), &directory, &summary("twin", "2026-01-01T00:00:00Z"));
    }
    let service = Setup::new(&world.path("")).start().await;
    let request = pb::GetRetainedRunRequest { run_id: "twin".into(), ..Default::default() };
    let refusal =
        refused(service.retained().get_retained_run(request).await, Code::FailedPrecondition, "RUN_ID_AMBIGUOUS");
    refusal.saying("名");
    let request = pb::GetLatestRetainedRunRequest::default();
    refused(service.retained().get_latest_retained_run(request).await, Code::FailedPrecondition, "RUN_ID_AMBIGUOUS");
}
