//! ListProblems: every reason of the contract from real directories, filtered, paged, counted, and never a run lost.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use guide_board::wire::pb;
use serde_json::json;

use super::fixtures::{Service, Setup, put, put_summary, refused_field, summary};
use crate::support::World;

type Problems = pb::ListProblemsRequest;

/// One directory for every reason but `summary_unreadable`, which a superuser cannot make. Returns the lock that a run in the making holds.
async fn every_reason(world: &World) -> (Service, std::fs::File) {
    let root = world.path("runs");
    let making = std::fs::File::create(put(&root, "making/run.json", "{}")).expect("opened");
    rustix::fs::flock(&making, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    put(&root, "broken-off/run.json", "{}");
    put(&root, "too-large/retention-summary.json", format!("{{\"run_id\":\"r\",\"x\":\"{}\"}}", "x".repeat(1 << 20)));
    put(&root, "not-json/retention-summary.json", "{\"run_id\": \"r\"");
    put(&root, "no-object/retention-summary.json", "[]");
    put(&root, "is-directory/retention-summary.json/x", "");
    put_summary(&root, "no-id", &json!({"status": "completed"}));
    put_summary(&root, "bad-id", &json!({"run_id": "../x"}));
    put_summary(&root, "twin-1", &summary("twin", "2026-01-01T00:00:00Z"));
    put_summary(&root, "twin-2", &summary("twin", "2026-01-02T00:00:00Z"));
    put_summary(&root, "good", &summary("good", "2026-01-03T00:00:00Z"));
    std::os::unix::fs::symlink(root.join("good"), root.join("link")).expect("linked");
    std::fs::create_dir_all(root.join("linked-summary")).expect("made");
    std::os::unix::fs::symlink("../good/retention-summary.json", root.join("linked-summary/retention-summary.json"))
        .expect("linked");
    std::fs::create_dir(root.join(OsStr::from_bytes(b"raw-\xff"))).expect("made");
    put(&root, "a-file", "no directory, so nothing to tell");
    put(&root, ".hidden/retention-summary.json", "{}");
    put(&root, "lost+found/x", "");
    (Setup::new(&world.path("")).start().await, making)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_reason_is_told_by_directory_and_never_fails_the_list() {
    let world = World::new();
    let (service, _making) = every_reason(&world).await;
    let reply = service.retained().list_problems(Problems::default()).await.expect("problems").into_inner();
    let shown: Vec<_> =
        reply.problems.iter().map(|problem| (problem.directory.as_str(), problem.reason().as_str_name())).collect();
    let expected = [
        ("bad-id", "RUN_ID_INVALID"),
        ("broken-off", "INCOMPLETE"),
        ("is-directory", "SUMMARY_NOT_REGULAR"),
        ("link", "DIRECTORY_IS_LINK"),
        ("linked-summary", "SUMMARY_NOT_REGULAR"),
        ("making", "IN_PROGRESS"),
        ("no-id", "RUN_ID_MISSING"),
        ("no-object", "SUMMARY_NOT_OBJECT"),
        ("not-json", "SUMMARY_NOT_JSON"),
        ("raw-\\xff", "DIRECTORY_NAME_NOT_UTF8"),
        ("too-large", "SUMMARY_TOO_LARGE"),
        ("twin-1", "RUN_ID_DUPLICATE"),
        ("twin-2", "RUN_ID_DUPLICATE"),
    ];
    let words: Vec<_> = expected.map(|(directory, word)| (directory, format!("PROBLEM_REASON_{word}"))).into();
    assert_eq!(shown, words.iter().map(|(directory, word)| (*directory, word.as_str())).collect::<Vec<_>>());
    assert_eq!(reply.total_size, 13);
    assert_eq!(reply.reason_counts["summary_not_regular"], 2);
    assert!(reply.problems.iter().all(|problem| problem.runs_dir == "runs" && problem.message.len() > 10));
    let raw = reply.problems.iter().find(|problem| problem.directory.starts_with("raw")).expect("there");
    assert_eq!(raw.directory_bytes.as_ref(), b"raw-\xff");
    let twin = &reply.problems[11];
    assert!(twin.run_id == "twin" && twin.message.contains("twin-2"), "{twin:?}");
    let list = service.list(pb::ListRetainedRunsRequest::default()).await;
    assert_eq!((list.total_size, list.problem_count, list.in_progress_count), (3, 12, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_in_the_making_becomes_incomplete_when_its_writer_dies_and_a_run_when_it_finishes() {
    let world = World::new();
    let root = world.path("runs");
    let making = std::fs::File::create(put(&root, "making/run.json", "{}")).expect("opened");
    rustix::fs::flock(&making, rustix::fs::FlockOperation::LockExclusive).expect("locked");
    let service = Setup::new(&world.path("")).start().await;
    service.wait_for_counts(0, 0).await;
    drop(making);
    service.wait_for_counts(0, 1).await;
    put_summary(&root, "making", &summary("made", "2026-01-01T00:00:00Z"));
    service.wait_for_counts(1, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reasons_filter_and_an_unknown_word_is_refused_with_the_known_ones() {
    let world = World::new();
    let (service, _making) = every_reason(&world).await;
    let reasons = vec!["incomplete".to_owned(), "run_id_duplicate".to_owned()];
    let reply = service.retained().list_problems(Problems { reasons, ..Problems::default() }).await.expect("problems");
    let reply = reply.into_inner();
    let shown: Vec<_> = reply.problems.iter().map(|problem| problem.directory.as_str()).collect();
    assert_eq!(shown, ["broken-off", "twin-1", "twin-2"]);
    assert_eq!((reply.total_size, reply.reason_counts.len()), (3, 2));
    for word in ["nonsense", "INCOMPLETE", "PROBLEM_REASON_INCOMPLETE", ""] {
        let request = Problems { reasons: vec![word.to_owned()], ..Problems::default() };
        refused_field(service.retained().list_problems(request).await, "FIELD_INVALID", "reasons").saying("incomplete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_problems_hold_each_once_and_a_token_keeps_to_its_filter() {
    let world = World::new();
    let (service, _making) = every_reason(&world).await;
    let whole = service.retained().list_problems(Problems::default()).await.expect("problems").into_inner().problems;
    let mut paged = Vec::new();
    let mut request = Problems { page_size: 4, ..Problems::default() };
    loop {
        let page = service.retained().list_problems(request.clone()).await.expect("a page").into_inner();
        assert_eq!(page.total_size, 13);
        paged.extend(page.problems);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
        let other = Problems { reasons: vec!["incomplete".to_owned()], ..request.clone() };
        refused_field(service.retained().list_problems(other).await, "FIELD_INVALID", "page_token");
    }
    assert_eq!(paged, whole);
    for (page_size, page_token, field) in [(-1, "", "page_size"), (0, "x", "page_token"), (0, "e30", "page_token")] {
        let request = Problems { page_size, page_token: page_token.to_owned(), ..Problems::default() };
        refused_field(service.retained().list_problems(request).await, "FIELD_INVALID", field);
    }
}
