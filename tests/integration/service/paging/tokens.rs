//! Page tokens: bound to call, root and query; the same from every server; a place and a fingerprint inside and nothing else; and
//! whatever is done to one, it is refused or holds a place.

use std::cmp::Reverse;

use data_encoding::BASE64URL_NOPAD;
use guide_board::wire::pb;
use jiff::Timestamp;
use serde_json::{Value, json};
use tonic::Code;

use super::super::fixtures::{Service, Setup, directories, put, put_summary, refused_field, summary};
use super::super::served::Served;
use super::history::Place;
use crate::support::World;

type List = pb::ListRetainedRunsRequest;
type Problems = pb::ListProblemsRequest;

/// What is in a token.
pub(super) struct Inside {
    fingerprint: String,
    place: Value,
}

pub(super) fn inside(token: &str) -> Inside {
    let json = BASE64URL_NOPAD.decode(token.as_bytes()).expect("base64url");
    let (version, fingerprint, place): (u8, String, Value) = serde_json::from_slice(&json).expect("three values");
    assert_eq!(version, 1);
    Inside { fingerprint, place }
}

impl Inside {
    pub(super) fn run_place(self) -> Place {
        type Parts = (Option<(i64, i32)>, String, String);
        let (time, run_id, directory): Parts = serde_json::from_value(self.place).expect("a place");
        let time = time.map(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).expect("a time"));
        Place { completed_at: Reverse(time), run_id, directory }
    }
}

/// Six runs and three problems in each of two roots that are the same.
async fn two_equal_roots(world: &World) -> Service {
    let roots = [world.path("one"), world.path("two")];
    for root in &roots {
        for number in 0..6 {
            let mut run = summary(&format!("run-{number}"), &format!("2026-01-01T00:00:0{number}.5Z"));
            run["source_commits"] = json!({"core": "4b3f65572fea78cff219b81894de767e630bba94"});
            put_summary(root, &format!("d{number}"), &run);
        }
        for number in 0..3 {
            put(root, &format!("broken-{number}/run.json"), "{}");
        }
    }
    Setup::over(&world.path(""), &[("one", &roots[0]), ("two", &roots[1])]).start().await
}

async fn second_page(service: &Service, request: &List) -> String {
    service.list(List { page_size: 2, ..request.clone() }).await.next_page_token
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_another_query_call_or_root_is_refused() {
    let world = World::new();
    let service = two_equal_roots(&world).await;
    let time = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let queries = [
        List::default(),
        List { runs_dir: "two".into(), ..List::default() },
        List { target: "a-target".into(), ..List::default() },
        // The same text in another field.
        List { assessment: "a-target".into(), ..List::default() },
        List { assessment: "an-assessment".into(), ..List::default() },
        List { statuses: vec!["completed".into()], ..List::default() },
        List { statuses: vec!["completed".into(), "failed".into()], ..List::default() },
        List { completed_after: time(0), ..List::default() },
        List { completed_before: time(4_000_000_000), ..List::default() },
        List { completed_after: time(0), completed_before: time(4_000_000_000), ..List::default() },
        List { source_commit: "4b3f655".into(), ..List::default() },
        List { source_commit: "4b3f6557".into(), ..List::default() },
        List { labels: [("a".into(), "b".into())].into(), ..List::default() },
    ];
    for query in &queries {
        let page_token = second_page(&service, query).await;
        if page_token.is_empty() {
            continue;
        }
        for other in &queries {
            let request = List { page_token: page_token.clone(), ..other.clone() };
            let reply = service.retained().list_retained_runs(request).await;
            if query == other {
                assert_eq!(reply.expect("the next page").get_ref().runs.len(), 4, "{query:?}");
            } else {
                refused_field(reply, "FIELD_INVALID", "page_token").saying("another query");
            }
        }
        let problems = Problems { page_token: page_token.clone(), ..Problems::default() };
        refused_field(service.retained().list_problems(problems).await, "FIELD_INVALID", "page_token");
        let jobs = pb::ListRunsRequest { page_token, ..Default::default() };
        refused_field(service.runs().list_runs(jobs).await, "FIELD_INVALID", "page_token");
    }
    let problems = Problems { page_size: 2, ..Problems::default() };
    let first = service.retained().list_problems(problems.clone()).await.expect("problems").into_inner();
    let page_token = first.next_page_token;
    for other in [
        Problems { runs_dir: "two".into(), page_token: page_token.clone(), ..problems.clone() },
        Problems { reasons: vec!["incomplete".into()], page_token: page_token.clone(), ..problems.clone() },
    ] {
        refused_field(service.retained().list_problems(other).await, "FIELD_INVALID", "page_token");
    }
    let runs = List { page_token: page_token.clone(), ..List::default() };
    refused_field(service.retained().list_retained_runs(runs).await, "FIELD_INVALID", "page_token");
    let rest = service.retained().list_problems(Problems { page_token, ..problems }).await.expect("the rest");
    assert_eq!(rest.get_ref().problems.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_holds_a_place_and_a_fingerprint_and_no_secret() {
    let world = World::new();
    let service = two_equal_roots(&world).await;
    let query = List { target: "a-target".into(), ..List::default() };
    let token = second_page(&service, &query).await;
    let Inside { fingerprint, place } = inside(&token);
    assert_eq!(place, json!([[1_767_225_604, 500_000_000], "run-4", "d4"]), "what the page showed anyway");
    assert_eq!(BASE64URL_NOPAD.decode(fingerprint.as_bytes()).expect("base64url").len(), 9);
    // A fingerprint of the question alone: no key is in it, and nothing of this machine or this moment.
    let replica = Setup::over(&world.path(""), &[("one", &world.path("one"))]).start().await;
    assert_eq!(second_page(&replica, &query).await, token);
    let elsewhere = World::new();
    assert_eq!(second_page(&two_equal_roots(&elsewhere).await, &query).await, token);
    let problems = Problems { page_size: 2, ..Problems::default() };
    let reply = service.retained().list_problems(problems).await.expect("problems").into_inner();
    assert_eq!(inside(&reply.next_page_token).place, json!(["broken-1", "incomplete"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_tampered_with_is_refused_or_holds_a_place() {
    let world = World::new();
    let service = two_equal_roots(&world).await;
    let whole = service.list(List::default()).await.runs;
    let whole = directories(&whole);
    let token = second_page(&service, &List::default()).await;
    let json = BASE64URL_NOPAD.decode(token.as_bytes()).expect("base64url");
    let cut = (1..token.len()).map(|length| token[..length].to_owned());
    let flipped = |text: &[u8]| {
        let flip = |(at, bit): (usize, u8)| {
            let mut text = text.to_vec();
            text[at] ^= 1 << bit;
            text
        };
        (0..text.len()).flat_map(|at| (0..8).map(move |bit| (at, bit))).map(flip).collect::<Vec<_>>()
    };
    let flipped_outside = flipped(token.as_bytes()).into_iter().filter_map(|text| String::from_utf8(text).ok());
    let flipped_inside = flipped(&json).into_iter().map(|inside| BASE64URL_NOPAD.encode(&inside));
    let more = [format!("{token}A"), format!("{token}="), format!(" {token}"), format!("{token}{token}")];
    let made_up = [
        json!([1, inside(&token).fingerprint, [[i64::MAX, 0], "r", "d"]]),
        json!([1, inside(&token).fingerprint, [[0, i32::MIN], "r", "d"]]),
        json!([1, inside(&token).fingerprint, [[-1, 1], "r", "d"]]),
        json!([1, inside(&token).fingerprint, [null, "", "x".repeat(2000)]]),
        json!([1, inside(&token).fingerprint, ["d", "r"]]),
        json!([2, inside(&token).fingerprint, [null, "r", "d"]]),
        json!([1, "", [null, "r", "d"]]),
        json!({"0": 1}),
    ];
    let made_up = made_up.map(|json| BASE64URL_NOPAD.encode(json.to_string().as_bytes()));
    let (mut refused, mut held) = (0, 0);
    for page_token in cut.chain(flipped_outside).chain(flipped_inside).chain(more).chain(made_up) {
        match service.retained().list_retained_runs(List { page_token: page_token.clone(), ..List::default() }).await {
            Ok(page) => {
                // A place somewhere in the order: what comes after it is the end of the whole.
                assert!(whole.ends_with(&directories(&page.get_ref().runs)), "{page_token}");
                held += 1;
            }
            error if error.as_ref().is_err_and(|status| status.code() == Code::InvalidArgument) => {
                refused_field(error, "FIELD_INVALID", "page_token");
                refused += 1;
            }
            Err(status) => panic!("{page_token}: {status:?}"),
        }
    }
    assert!(refused > 500 && held > 50, "{refused} refused, {held} held a place");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_on_where_it_was_after_the_server_is_killed() {
    let world = World::new();
    for number in 0..9 {
        put_summary(
            &world.path("runs"),
            &format!("d{number}"),
            &summary(&format!("r{number}"), "2026-01-01T00:00:00Z"),
        );
    }
    let mut request = List { page_size: 2, ..List::default() };
    let mut seen = Vec::new();
    let mut server = Served::start(&world, &[]).await;
    loop {
        let page = server.client.retained().list_retained_runs(request.clone()).await.expect("a page");
        let page = page.into_inner();
        seen.extend(page.runs.into_iter().map(|run| run.directory));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
        server.kill();
        server = Served::start(&world, &[]).await;
    }
    assert_eq!(seen, (0..9).map(|number| format!("d{number}")).collect::<Vec<_>>());
}
