//! ListRetainedRuns and GetLatestRetainedRun: order, filters, pages, tokens, counts.

use guide_board::wire::pb;
use prost_types::Timestamp;
use serde_json::json;
use tonic::Code;

use super::fixtures::{Service, Setup, all_pages, directories, put_summary, refused, refused_field, summary};
use crate::support::World;

type List = pb::ListRetainedRunsRequest;
type Latest = pb::GetLatestRetainedRunRequest;

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 0 })
}

/// 2026-01-01T00:00:00Z.
const NEW_YEAR: i64 = 1_767_225_600;

/// Five runs: two of one second, one a nanosecond later, one of the year before, one without times.
async fn five_runs(world: &World) -> Service {
    let root = world.path("runs");
    let mut late = summary("run-c", "2026-01-01T00:00:00.000000001Z");
    late["labels"] = json!({"branch": "main", "kind": "nightly"});
    late["source_commits"] = json!({"core": "4b3f65572fea78cff219b81894de767e630bba94", "docs": "c0ffee0"});
    let mut failed = summary("run-b", "2026-01-01T00:00:00Z");
    failed["result_status"] = json!("failed");
    failed["labels"] = json!({"branch": "dev"});
    let mut odd = summary("run-a", "2026-01-01T01:00:00+01:00");
    odd["result_status"] = json!("half-done");
    odd["target_profile_ref"] = json!("b-target");
    let mut old = summary("run-d", "2025-01-01T00:00:00Z");
    old["assessment_profile_ref"] = json!("b-assessment");
    put_summary(&root, "z-late", &late);
    put_summary(&root, "y-failed", &failed);
    put_summary(&root, "x-odd", &odd);
    put_summary(&root, "w-old", &old);
    put_summary(&root, "v-timeless", &json!({"run_id": "run-e"}));
    Setup::new(&world.path("")).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn newest_first_then_run_id_then_directory_and_the_timeless_last() {
    let world = World::new();
    let service = five_runs(&world).await;
    let list = service.list(List::default()).await;
    assert_eq!(directories(&list.runs), ["z-late", "x-odd", "y-failed", "w-old", "v-timeless"]);
    let last = list.runs.last().expect("five");
    assert_eq!((last.result_status(), last.result_status_word.as_str()), (pb::ResultStatus::Unspecified, ""));
    assert!(last.completed_at.is_none() && last.runs_dir == "runs");
    assert_eq!(list.runs[1].result_status_word, "half-done");
    assert_eq!(list.status_counts.get("").copied(), Some(1), "{:?}", list.status_counts);
    assert!(list.scanned_at.is_some() && list.next_page_token.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_filter_keeps_what_matches_and_latest_agrees() {
    let world = World::new();
    let service = five_runs(&world).await;
    let label = |key: &str, value: &str| [(key.to_owned(), value.to_owned())].into();
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let cases: Vec<(List, &[&str])> = vec![
        (List { target: "b-target".into(), ..List::default() }, &["x-odd"]),
        (List { assessment: "b-assessment".into(), ..List::default() }, &["w-old"]),
        (List { target: "a-target".into(), assessment: "b-assessment".into(), ..List::default() }, &["w-old"]),
        (List { statuses: words(&["failed", "half-done"]), ..List::default() }, &["x-odd", "y-failed"]),
        (List { statuses: words(&["no-such-word"]), ..List::default() }, &[]),
        (List { completed_after: at(NEW_YEAR), ..List::default() }, &["z-late", "x-odd", "y-failed"]),
        (List { completed_before: at(NEW_YEAR), ..List::default() }, &["w-old"]),
        (List { completed_after: Some(Timestamp { seconds: NEW_YEAR, nanos: 1 }), ..List::default() }, &["z-late"]),
        (List { completed_after: at(NEW_YEAR), completed_before: at(NEW_YEAR), ..List::default() }, &[]),
        (List { source_commit: "4b3f655".into(), ..List::default() }, &["z-late"]),
        (List { source_commit: "c0ffee0".into(), ..List::default() }, &["z-late"]),
        (List { source_commit: "4b3f656".into(), ..List::default() }, &[]),
        (List { labels: label("branch", "main"), ..List::default() }, &["z-late"]),
        (List { labels: label("branch", ""), ..List::default() }, &[]),
    ];
    for (request, expected) in cases {
        let list = service.list(request.clone()).await;
        assert_eq!(directories(&list.runs), expected, "{request:?}");
        assert_eq!(list.total_size, expected.len() as i64, "{request:?}");
        assert_eq!(list.status_counts.values().sum::<i64>(), list.total_size, "{request:?}");
        let latest = service.retained().get_latest_retained_run(latest_of(request.clone())).await;
        match expected.first() {
            Some(first) => {
                let reply = latest.expect("a latest").into_inner();
                assert_eq!(reply.run.expect("a run").directory, *first, "{request:?}");
                assert!(reply.summary.is_some());
            }
            None => drop(refused(latest, Code::NotFound, "RUN_NOT_FOUND")),
        }
    }
}

fn latest_of(list: List) -> Latest {
    Latest {
        runs_dir: list.runs_dir,
        target: list.target,
        assessment: list.assessment,
        statuses: list.statuses,
        completed_after: list.completed_after,
        completed_before: list.completed_before,
        source_commit: list.source_commit,
        labels: list.labels,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_do_not_parse_are_named() {
    let world = World::new();
    let service = five_runs(&world).await;
    let cases: Vec<(List, &str)> = vec![
        (List { page_size: -1, ..List::default() }, "page_size"),
        (List { page_size: i32::MIN, ..List::default() }, "page_size"),
        (List { source_commit: "4b3f65".into(), ..List::default() }, "source_commit"),
        (List { completed_after: at(i64::MAX), ..List::default() }, "completed_after"),
        (List { completed_before: Some(Timestamp { seconds: 0, nanos: -1 }), ..List::default() }, "completed_before"),
        (List { target: "t".repeat(5000), ..List::default() }, "target"),
        (List { statuses: vec!["x".into(); 65], ..List::default() }, "statuses"),
        (List { labels: (0..65).map(|n| (n.to_string(), String::new())).collect(), ..List::default() }, "labels"),
        (List { page_token: "garbage!".into(), ..List::default() }, "page_token"),
        (List { page_token: "e30".into(), ..List::default() }, "page_token"),
        (List { page_token: "A".repeat(100_000), ..List::default() }, "page_token"),
    ];
    for (request, field) in cases {
        let is_paging = field.starts_with("page_");
        refused_field(service.retained().list_retained_runs(request.clone()).await, "FIELD_INVALID", field);
        if !is_paging {
            let outcome = service.retained().get_latest_retained_run(latest_of(request)).await;
            refused_field(outcome, "FIELD_INVALID", field);
        }
    }
}

fn many(world: &World, count: usize) {
    for number in 0..count {
        // Three runs a second, so that ties cross the pages.
        let time = format!("2026-01-01T00:{:02}:{:02}Z", number / 3 / 60, number / 3 % 60);
        put_summary(&world.path("runs"), &format!("d{number:04}"), &summary(&format!("run-{number:04}"), &time));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_fifty_by_default_and_five_hundred_at_the_most() {
    let world = World::new();
    many(&world, 620);
    let service = Setup::new(&world.path("")).start().await;
    for (asked, given) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
        let page = service.list(List { page_size: asked, ..List::default() }).await;
        assert_eq!((page.runs.len(), page.total_size), (given, 620), "{asked}");
        assert!(!page.next_page_token.is_empty());
    }
    let whole = all_pages(&service, List { page_size: 500, ..List::default() }).await;
    assert_eq!(whole.len(), 620);
    let small = all_pages(&service, List { page_size: 7, ..List::default() }).await;
    assert_eq!(directories(&small), directories(&whole));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_for_its_query_only_and_with_another_page_size() {
    let world = World::new();
    many(&world, 10);
    let service = Setup::new(&world.path("")).start().await;
    let query = List { page_size: 3, target: "a-target".into(), ..List::default() };
    let page_token = service.list(query.clone()).await.next_page_token;
    let next = service.list(List { page_size: 100, page_token: page_token.clone(), ..query.clone() }).await;
    assert_eq!(next.runs.len(), 7);
    for other in [
        List { target: String::new(), page_token: page_token.clone(), ..query.clone() },
        List { statuses: vec!["completed".into()], page_token: page_token.clone(), ..query.clone() },
        List { completed_after: at(0), page_token: page_token.clone(), ..query.clone() },
        List { labels: [("a".to_owned(), "b".to_owned())].into(), page_token: page_token.clone(), ..query.clone() },
    ] {
        refused_field(service.retained().list_retained_runs(other).await, "FIELD_INVALID", "page_token");
    }
    let problems = pb::ListProblemsRequest { page_token, ..Default::default() };
    refused_field(service.retained().list_problems(problems).await, "FIELD_INVALID", "page_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_works_after_a_restart_on_another_replica_and_through_the_configured_path() {
    let world = World::new();
    many(&world, 9);
    let first = Setup::new(&world.path("")).start().await;
    let page = first.list(List { page_size: 4, ..List::default() }).await;
    first.stop().await;
    let mut request = List { page_size: 4, page_token: page.next_page_token, ..List::default() };
    let restarted = Setup::new(&world.path("")).start().await;
    let replica = Setup::new(&world.path("")).start().await;
    let second = restarted.list(request.clone()).await;
    assert_eq!(directories(&replica.list(request.clone()).await.runs), directories(&second.runs));
    request.page_token = second.next_page_token;
    request.runs_dir = world.path("runs").to_str().expect("UTF-8").to_owned();
    let third = replica.list(request).await;
    let all = [page.runs, second.runs, third.runs].concat();
    assert_eq!(directories(&all), directories(&replica.list(List::default()).await.runs));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_stays_appears_exactly_once_while_others_come_and_go() {
    let world = World::new();
    many(&world, 30);
    let service = Setup::new(&world.path("")).start().await;
    let mut seen = Vec::new();
    let mut request = List { page_size: 5, ..List::default() };
    for round in 0_i64.. {
        let page = service.list(request.clone()).await;
        seen.extend(page.runs.iter().map(|run| run.directory.clone()));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        // One before and one after the present place comes, and the very run that the token names goes.
        put_summary(
            &world.path("runs"),
            &format!("new-{round}"),
            &summary(&format!("n-{round}"), "2026-06-01T00:00:00Z"),
        );
        put_summary(
            &world.path("runs"),
            &format!("old-{round}"),
            &summary(&format!("o-{round}"), "2020-06-01T00:00:00Z"),
        );
        std::fs::remove_dir_all(world.path("runs").join(seen.last().expect("five"))).expect("removed");
        service.wait_for_counts(30 + round + 1, 0).await;
    }
    let stayed: Vec<_> = seen.iter().filter(|directory| directory.starts_with('d')).cloned().collect();
    let mut unique = stayed.clone();
    unique.sort();
    unique.dedup();
    assert_eq!((unique.len(), stayed.len()), (30, 30));
    assert!(!seen.iter().any(|directory| directory.starts_with("new-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_end_early_rather_than_exceed_three_mebibytes() {
    let world = World::new();
    for number in 0..8 {
        let mut large = summary(&format!("run-{number}"), "2026-01-01T00:00:00Z");
        large["labels"] = json!({"note": "x".repeat(900_000)});
        put_summary(&world.path("runs"), &format!("d{number}"), &large);
    }
    let service = Setup::new(&world.path("")).start().await;
    let first = service.list(List::default()).await;
    assert!((1..8).contains(&first.runs.len()) && !first.next_page_token.is_empty());
    assert_eq!(all_pages(&service, List::default()).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn result_words_of_any_length_do_not_outgrow_the_reply() {
    let world = World::new();
    for number in 0..9 {
        let mut large = summary(&format!("run-{number}"), "2026-01-01T00:00:00Z");
        large["result_status"] = json!(format!("{number}{}", "x".repeat(900_000)));
        put_summary(&world.path("runs"), &format!("d{number}"), &large);
    }
    put_summary(&world.path("runs"), "plain", &summary("plain", "2026-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    let runs = all_pages(&service, List::default()).await;
    assert_eq!(runs.len(), 10);
    assert_eq!(service.list(List::default()).await.status_counts.get("completed"), Some(&1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_latest_that_two_directories_would_win_is_refused_with_their_names() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "one", &summary("run-twice", "2026-01-01T00:00:00Z"));
    put_summary(&root, "two", &summary("run-twice", "2026-01-01T00:00:00Z"));
    put_summary(&root, "older", &summary("run-once", "2025-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    let latest = service.retained().get_latest_retained_run(Latest::default()).await;
    refused(latest, Code::FailedPrecondition, "RUN_ID_AMBIGUOUS").saying("one, two");
    let older = Latest { completed_before: at(NEW_YEAR), ..Latest::default() };
    let reply = service.retained().get_latest_retained_run(older).await.expect("another match").into_inner();
    assert_eq!(reply.run.expect("a run").directory, "older");
    let listed = service.list(List::default()).await.runs;
    assert!(listed.iter().filter(|run| run.compatibility == ["run-id-duplicate"]).count() == 2, "{listed:?}");
}
