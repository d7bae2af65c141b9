//! Every HTTP path of the protos: the same credentials, scopes and roots as the call that it stands for, and the same refusals.

use guide_board::wire::Rules;
use serde_json::json;

use super::{ALL, CI, READ, RUN, everybody, guarded};
use crate::service::fixtures::{PATIENCE, Service, Setup, put_summary, summary};
use crate::service::http::client::{Answer, ask, ask_raw, send};
use crate::support::World;

async fn two_roots(world: &World) -> Service {
    for root in ["zqxlab", "ci"] {
        put_summary(&world.path(root), "d", &summary("r", "2026-01-01T00:00:00Z"));
    }
    let (lab, ci) = (world.path("zqxlab"), world.path("ci"));
    let setup = Setup::over(&world.path(""), &[("zqxlab", &lab), ("ci", &ci)]);
    guarded(setup, &world.path("tokens.toml"), &everybody()).start().await
}

/// A path with something in each of its places.
fn filled(template: &str) -> String {
    let places = template.split('{').map(|part| match part.split_once('}') {
        Some((_, rest)) => format!("x{rest}"),
        None => part.to_owned(),
    });
    places.collect()
}

async fn asked(service: &Service, method: &str, path: &str, token: Option<&str>) -> Answer {
    let bearer = token.map(|token| format!("Bearer {token}"));
    let mut headers: Vec<(&str, &str)> = bearer.iter().map(|value| ("authorization", value.as_str())).collect();
    if method != "GET" {
        headers.push(("content-type", "application/json"));
    }
    let body: &[u8] = if method == "GET" { b"" } else { b"{}" };
    ask(service.address, method, path, &headers, body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_wants_a_token_that_is_known_and_has_the_scope_of_its_call() {
    let world = World::new();
    let service = two_roots(&world).await;
    let rules = Rules::read().expect("the paths");
    assert!(rules.iter().count() > 15);
    for rule in rules.iter() {
        let (method, path) = (rule.method, filled(&rule.template));
        for (token, reason) in [(None, "CREDENTIALS_MISSING"), (Some("token-that-nobody-has"), "CREDENTIALS_INVALID")] {
            let answer = asked(&service, method, &path, token).await;
            answer.refused(401, "UNAUTHENTICATED", reason);
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{path}");
        }
        let needs_run = matches!(rule.call.name(), "StartRun" | "CancelRun");
        let (has, lacks) = if needs_run { (RUN, READ) } else { (READ, RUN) };
        asked(&service, method, &path, Some(lacks)).await.refused(403, "PERMISSION_DENIED", "SCOPE_MISSING");
        for token in [has, ALL] {
            let answer = asked(&service, method, &path, Some(token)).await;
            assert!(matches!(answer.code, 200 | 400 | 404), "{method} {path}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_query_is_told_only_to_those_who_may_call() {
    let world = World::new();
    let service = two_roots(&world).await;
    let rules = Rules::read().expect("the paths");
    for rule in rules.iter() {
        let needs_run = matches!(rule.call.name(), "StartRun" | "CancelRun");
        let (has, lacks) = if needs_run { (RUN, READ) } else { (READ, RUN) };
        for query in ["zqx=1", "%zz", "runs_dir=%ff"] {
            let path = format!("{}?{query}", filled(&rule.template));
            asked(&service, rule.method, &path, None).await.refused(401, "UNAUTHENTICATED", "CREDENTIALS_MISSING");
            let answer = asked(&service, rule.method, &path, Some(lacks)).await;
            answer.refused(403, "PERMISSION_DENIED", "SCOPE_MISSING");
            let answer = asked(&service, rule.method, &path, Some(has)).await;
            answer.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
        }
    }
    let path = "/retained-runs/r/artifacts/reports/x?offset=1";
    asked(&service, "GET", path, None).await.refused(401, "UNAUTHENTICATED", "CREDENTIALS_MISSING");
    asked(&service, "GET", path, Some(READ)).await.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
    // What is no path of the service, and how paths are asked, stands in the documents.
    asked(&service, "GET", "/zqx?a=1", None).await.refused(404, "NOT_FOUND", "PATH_NOT_FOUND");
    asked(&service, "POST", "/retained-runs", None).await.refused(405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hidden_root_is_an_unknown_one_on_every_path_that_names_roots() {
    let world = World::new();
    let service = two_roots(&world).await;
    let rules = Rules::read().expect("the paths");
    let mut compared = 0;
    let names_roots = |rule: &&guide_board::wire::Rule| rule.call.input().get_field_by_name("runs_dir").is_some();
    for rule in rules.iter().filter(names_roots).filter(|rule| !rule.takes_body) {
        let path = filled(&rule.template);
        let mut told = Vec::new();
        for root in ["zqxlab", "zqxnil"] {
            let answer = asked(&service, rule.method, &format!("{path}?runs_dir={root}"), Some(CI)).await;
            answer.refused(404, "NOT_FOUND", "ROOT_NOT_FOUND");
            let headers: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"))
                .cloned()
                .collect();
            told.push((headers, answer.text().replace(root, "ROOT")));
        }
        assert_eq!(told[0], told[1], "{path}");
        compared += 1;
    }
    assert!(compared > 5, "{compared}");
    let listed = asked(&service, "GET", "/retained-runs?page_size=5", Some(CI)).await.expect(200).json();
    assert_eq!(listed["runs"][0]["runs_dir"], json!("ci"));
}

#[tokio::test(flavor = "multi_thread")]
async fn health_over_http_is_a_word_and_asks_for_nothing() {
    let world = World::new();
    let service = two_roots(&world).await;
    for token in [None, Some("token-that-nobody-has")] {
        assert_eq!(asked(&service, "GET", "/health", token).await.expect(200).json(), json!({"status": "ok"}));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_one_who_may_not_call_no_body_is_waited_for() {
    use tokio::io::AsyncReadExt as _;
    let world = World::new();
    let service = two_roots(&world).await;
    let rules = Rules::read().expect("the paths");
    let mut asked = 0;
    for rule in rules.iter().filter(|rule| rule.takes_body) {
        for bearer in [
            "Bearer token-that-nobody-has",
            &format!("Bearer {}", if rule.call.name().ends_with("Run") { READ } else { RUN }),
        ] {
            // A body that is announced and never comes.
            let headers = [("authorization", bearer), ("content-type", "application/json"), ("content-length", "9")];
            let mut stream = send(service.address, rule.method, &filled(&rule.template), &headers, b"").await;
            let mut said = Vec::new();
            let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
            read.expect("answered and closed").expect("read");
            let code = String::from_utf8_lossy(&said).split(' ').nth(1).map(str::to_owned);
            assert!(matches!(code.as_deref(), Some("401" | "403")), "{} {code:?}", rule.template);
            asked += 1;
        }
    }
    assert!(asked >= 6, "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_come_is_waited_for_no_longer_than_a_call_may_take() {
    let world = World::new();
    let setup = Setup::new(&world.path(""));
    let service = setup.with(|config| config.calls.call_time = std::time::Duration::from_millis(300)).start().await;
    let headers = [("content-type", "application/json"), ("content-length", "9")];
    let answer = ask_raw(service.address, "POST", "/assessments/plan", &headers, b"{").await;
    answer.refused(504, "DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED");
}
