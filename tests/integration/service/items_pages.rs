//! Pages of ListFindings and ListEvidence: each item exactly once, bound to one query and one generation of the file, in bounded memory.

use std::fmt::Write as _;

use data_encoding::BASE64URL_NOPAD;
use guide_board::wire::pb;
use prost::Message;
use serde_json::{Value, json};
use tonic::Code;

use super::fixtures::{Service, put, put_summary, refused, refused_field, summary};
use super::items::{findings, findings_of, ids, with_findings};
use crate::support::World;

type Findings = pb::ListFindingsRequest;

const PLACE: &str = "d/normalized/findings.json";

fn numbered(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({"id": n.to_string(), "severity": if n % 3 == 0 { "high" } else { "low" }})).collect()
}

/// The ids of all pages, and how many pages there were. Every page says the same of the whole.
async fn all_pages(service: &Service, mut request: Findings, total: i64) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = findings(service, request.clone()).await;
        assert_eq!(page.total_size, total);
        assert_eq!(page.severity_counts.is_empty(), pages > 0 || total == 0, "counts stand on the first page");
        assert!(!page.findings.is_empty() || page.next_page_token.is_empty(), "no page in the middle is empty");
        pages += 1;
        found.extend(ids(&page).into_iter().map(str::to_owned));
        if page.next_page_token.is_empty() {
            return (found, pages);
        }
        request.page_token = page.next_page_token;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_of_any_size_give_each_item_exactly_once_in_file_order() {
    let world = World::new();
    let mut list = numbered(40);
    for place in [0, 7, 8, 39] {
        list.insert(place, json!("malformed"));
    }
    let service = with_findings(&world, "[]").await;
    for document in
        [Value::from(list.clone()).to_string(), format!("{:#}", json!({"x": [], "findings": list, "y": {}}))]
    {
        put(&world.path("runs"), PLACE, &document);
        for page_size in [1, 2, 7, 13, 39, 40, 41, 0] {
            let request = Findings { page_size, ..findings_of("d") };
            let (found, pages) = all_pages(&service, request.clone(), 40).await;
            assert_eq!(found, (0..40).map(|n| n.to_string()).collect::<Vec<_>>(), "page_size {page_size}");
            let size = if page_size == 0 { 50 } else { usize::try_from(page_size).expect("positive") };
            assert_eq!(pages, 40_usize.div_ceil(size), "page_size {page_size}");
            let request = Findings { severities: vec!["high".into()], ..request };
            let (found, _) = all_pages(&service, request, 14).await;
            assert_eq!(found, (0..40).step_by(3).map(|n| n.to_string()).collect::<Vec<_>>(), "page_size {page_size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn page_sizes_are_50_unless_given_and_500_at_the_most() {
    let world = World::new();
    let service = with_findings(&world, Value::from(numbered(600)).to_string()).await;
    for (page_size, expected) in [(0, 50), (1, 1), (500, 500), (501, 500), (i32::MAX, 500)] {
        let page = findings(&service, Findings { page_size, ..findings_of("d") }).await;
        assert_eq!(page.findings.len(), expected, "{page_size}");
    }
    let request = Findings { page_size: -1, ..findings_of("d") };
    refused_field(service.retained().list_findings(request).await, "FIELD_INVALID", "page_size");
    let request = pb::ListEvidenceRequest { page_size: -1, directory: "d".into(), ..Default::default() };
    refused_field(service.retained().list_evidence(request).await, "FIELD_INVALID", "page_size");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_ends_early_rather_than_outgrow_its_message() {
    let world = World::new();
    let list: Vec<Value> = (0..8).map(|n| json!({"id": n.to_string(), "title": "x".repeat(800 << 10)})).collect();
    let service = with_findings(&world, Value::from(list).to_string()).await;
    let (found, pages) = all_pages(&service, findings_of("d"), 8).await;
    assert_eq!(found, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert_eq!(pages, 3);
    // Counts of endless words do not push the items out.
    let words: Vec<Value> = (0..200)
        .map(|n| json!({"severity": "s".repeat(2000 + n), "disposition": "d".repeat(2000 + n), "title": "x".repeat(12 << 10)}))
        .collect();
    put(&world.path("runs"), PLACE, Value::from(words).to_string());
    let page = findings(&service, Findings { page_size: 500, ..findings_of("d") }).await;
    assert!(page.severity_counts.values().sum::<i64>() < page.total_size && !page.severity_counts.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changed_between_pages_is_aborted() {
    let world = World::new();
    let text = Value::from(numbered(10)).to_string();
    let service = with_findings(&world, &text).await;
    let first = findings(&service, Findings { page_size: 2, ..findings_of("d") }).await;
    let next = Findings { page_token: first.next_page_token.clone(), ..findings_of("d") };
    assert_eq!(findings(&service, next.clone()).await.generation, first.generation);
    let place = world.path("runs").join(PLACE);
    for change in ["replaced", "longer", "shorter"] {
        match change {
            "replaced" => {
                put(&world.path("runs"), "d/new.json", &text);
                std::fs::rename(world.path("runs/d/new.json"), &place).expect("replaced");
            }
            "longer" => std::fs::write(&place, format!("{text} ")).expect("written"),
            _ => std::fs::write(&place, "[]").expect("written"),
        }
        let outcome = service.retained().list_findings(next.clone()).await;
        refused(outcome, Code::Aborted, "CHANGED_WHILE_READING").saying("normalized/findings.json");
        assert_ne!(findings(&service, findings_of("d")).await.generation, first.generation, "{change}");
    }
    std::fs::remove_file(&place).expect("removed");
    refused(service.retained().list_findings(next).await, Code::NotFound, "ARTIFACT_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_query_is_refused() {
    let world = World::new();
    let service = with_findings(&world, Value::from(numbered(10)).to_string()).await;
    put_summary(&world.path("runs"), "other", &summary("o", "2026-01-01T00:00:00Z"));
    for document in ["findings", "evidence"] {
        let text = Value::from(numbered(10)).to_string();
        put(&world.path("runs"), &format!("other/normalized/{document}.json"), &text);
        put(&world.path("runs"), &format!("d/normalized/{document}.json"), text);
    }
    let first = findings(&service, Findings { page_size: 2, ..findings_of("d") }).await;
    let with_token = |request: Findings| Findings { page_token: first.next_page_token.clone(), ..request };
    findings(&service, with_token(Findings { page_size: 7, ..findings_of("d") })).await;
    for request in [
        findings_of("other"),
        Findings { run_id: "r".into(), ..Findings::default() },
        Findings { severities: vec!["low".into()], ..findings_of("d") },
        Findings { dispositions: vec!["low".into()], ..findings_of("d") },
        Findings { check_ids: vec![String::new()], ..findings_of("d") },
    ] {
        let outcome = service.retained().list_findings(with_token(request)).await;
        refused_field(outcome, "FIELD_INVALID", "page_token").saying("another query");
    }
    let request = pb::ListEvidenceRequest {
        directory: "d".into(),
        page_token: first.next_page_token.clone(),
        ..Default::default()
    };
    refused_field(service.retained().list_evidence(request).await, "FIELD_INVALID", "page_token");
    let request = pb::ListRetainedRunsRequest { page_token: first.next_page_token.clone(), ..Default::default() };
    refused_field(service.retained().list_retained_runs(request).await, "FIELD_INVALID", "page_token");
    for token in ["x", "!", &"A".repeat(5000)] {
        let request = Findings { page_token: token.to_owned(), ..findings_of("d") };
        refused_field(service.retained().list_findings(request).await, "FIELD_INVALID", "page_token");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_token_gets_an_error_or_items_of_the_same_file() {
    let world = World::new();
    let text = Value::from(numbered(6)).to_string();
    let service = with_findings(&world, &text).await;
    let first = findings(&service, Findings { page_size: 2, ..findings_of("d") }).await;
    let decoded = BASE64URL_NOPAD.decode(first.next_page_token.as_bytes()).expect("base64");
    let token: Value = serde_json::from_slice(&decoded).expect("JSON");
    let forged = |place: usize, value: Value| {
        let mut forged = token.clone();
        forged[2][place] = value;
        Findings { page_token: BASE64URL_NOPAD.encode(forged.to_string().as_bytes()), ..findings_of("d") }
    };
    let known: Vec<String> = (0..6).map(|n| n.to_string()).collect();
    let ends = (0..text.len() + 20).map(|end| json!(end)).chain([json!(u64::MAX), json!(i64::MAX)]);
    let mut answered = 0;
    for end in ends {
        match service.retained().list_findings(forged(1, end.clone())).await {
            Ok(reply) => {
                answered += 1;
                assert!(ids(reply.get_ref()).iter().all(|id| known.iter().any(|known| known == id)), "{end}");
            }
            outcome => drop(refused_field(outcome, "FIELD_INVALID", "page_token")),
        }
    }
    assert!(answered >= 6, "the ends of the items are places: {answered}");
    for (place, value) in [(2, json!(u64::MAX)), (3, json!(u64::MAX)), (3, json!(0)), (4, json!(u64::MAX))] {
        let page = findings(&service, forged(place, value)).await;
        assert!(page.findings.len() <= 4 && page.next_page_token.is_empty());
    }
    for (place, value) in [(1, json!(-1)), (0, json!(7)), (2, json!(1.5))] {
        refused_field(service.retained().list_findings(forged(place, value)).await, "FIELD_INVALID", "page_token");
    }
    let outcome = service.retained().list_findings(forged(0, json!("another generation"))).await;
    refused(outcome, Code::Aborted, "CHANGED_WHILE_READING");
}

#[tokio::test(flavor = "multi_thread")]
async fn later_pages_of_many_items_go_on_where_the_one_before_ended() {
    let world = World::new();
    let mut text = "[".to_owned();
    for n in 0..5_000 {
        let comma = if n == 0 { "" } else { "," };
        let _ =
            write!(text, r#"{comma}{{"id":"{n}","severity":"low","disposition":"expected","title":"finding {n}"}}"#);
    }
    text.push(']');
    let service = with_findings(&world, &text).await;
    let first = findings(&service, Findings { page_size: 500, ..findings_of("d") }).await;
    assert_eq!((first.total_size, first.severity_counts["low"]), (5_000, 5_000));
    let mut token = first.next_page_token;
    for page in 1..6 {
        let request = Findings { page_size: 500, page_token: token, ..findings_of("d") };
        let next = findings(&service, request).await;
        assert_eq!(next.findings[0].id, (page * 500).to_string());
        assert!(next.encoded_len() < 200 << 10);
        token = next.next_page_token;
    }
}
