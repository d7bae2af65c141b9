//! Refusals over HTTP: their codes and their one shape, whatever was wrong.

use serde_json::json;

use super::super::fixtures::{Setup, put, put_summary, summary};
use super::client::{ask, get, get_with, post};
use super::{RUN, with_a_run};
use crate::support::World;

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_means_nothing_is_not_found_and_another_method_not_allowed() {
    let (_world, service) = with_a_run().await;
    for path in ["/", "/run", "/runs/", "/retained-runs/r1/nothing", "/guideboard.v1.RunService", "/Health"] {
        get(service.address, path).await.refused(404, "NOT_FOUND", "PATH_NOT_FOUND");
    }
    for (method, path, allow) in [
        ("POST", "/retained-runs", "GET, HEAD"),
        ("DELETE", "/retained-runs/r1", "GET, HEAD"),
        ("PUT", "/runs", "GET, HEAD, POST"),
        ("OPTIONS", "/runs", "GET, HEAD, POST"),
        ("GET", "/profiles/validate", "POST"),
        ("HEAD", "/runs/x/cancel", "POST"),
        ("PATCH", "/retained-runs/r1/artifacts/reports/report.md", "GET, HEAD"),
    ] {
        let answer = ask(service.address, method, path, &[], b"").await;
        assert_eq!((answer.code, answer.header("allow")), (405, Some(allow)), "{method} {path}");
        if method != "HEAD" {
            answer.refused(405, "UNIMPLEMENTED", "METHOD_NOT_ALLOWED");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_is_decoded_once_and_what_no_segment_may_hold_is_refused() {
    let (world, service) = with_a_run().await;
    put(&world.path("runs"), "d1/artifacts/%2e%2e", "odd");
    put(&world.path("runs"), "d1/artifacts/a b+c%", "odder");
    let at = |path: &str| format!("{RUN}/artifacts/{path}");
    assert_eq!(get(service.address, &at("artifacts/%252e%252e")).await.expect(200).text(), "odd");
    assert_eq!(get(service.address, &at("artifacts/a%20b+c%25")).await.expect(200).text(), "odder");
    assert_eq!(get(service.address, "/%72etained-runs/%72%31").await.expect(200).json()["run"]["run_id"], "r1");
    for path in [
        "artifacts/%2e%2e",
        "artifacts/../run.json",
        "artifacts/%2e%2e/run.json",
        "artifacts//x/a.json",
        "artifacts/./x/a.json",
        "",
        "/artifacts/x/a.json",
        "artifacts/x/a.json/",
        "artifacts%2Fx%2Fa.json",
        "artifacts/x%5Ca.json",
        "artifacts/x/a.json%00",
        "artifacts/x\\a.json",
        "artifacts/%ff",
        "artifacts/%c0%af",
        "artifacts/%",
        "artifacts/%2",
        "artifacts/%zz",
    ] {
        get(service.address, &at(path)).await.refused(400, "INVALID_ARGUMENT", "PATH_INVALID");
    }
    for path in ["/retained-runs/..%2fx", "/%5Cruns", "/runs/%00", "/retained-runs%2Flatest", "/nothing%2Fhere"] {
        get(service.address, path).await.refused(400, "INVALID_ARGUMENT", "PATH_INVALID");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn latest_is_no_run_id() {
    let world = World::new();
    put_summary(&world.path("runs"), "latest", &summary("latest", "2026-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    service.wait_for_counts(1, 0).await;
    for path in [
        "/retained-runs/latest/reports",
        "/retained-runs/lates%74/findings",
        "/retained-runs/latest/artifacts/run.json",
    ] {
        let said = get(service.address, path).await.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
        assert!(said.contains("run_id") && said.contains("by its directory"), "{said}");
    }
    assert_eq!(get(service.address, "/retained-runs/latest").await.expect(200).json()["run"]["directory"], "latest");
    get(service.address, "/retained-directories/latest/reports").await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_does_not_fit_is_refused_naming_its_parameter() {
    let (_world, service) = with_a_run().await;
    for (path, field) in [
        ("/retained-runs?limit=1", "limit"),
        ("/retained-runs?limit=", "limit"),
        ("/retained-runs?page_size=-1", "page_size"),
        ("/retained-runs?page_size=many", "page_size"),
        ("/retained-runs?page_token=x", "page_token"),
        ("/retained-runs?completed_after=now", "completed_after"),
        ("/retained-runs?target=a&target=b", "target"),
        ("/retained-runs?x=%zz", "query"),
        ("/retained-runs/r1?run_id=r2", "run_id"),
        ("/retained-runs/r1?directory=d1", "directory"),
        ("/retained-runs/r1/artifacts/reports/report.md?offset=3", "offset"),
        ("/retained-runs/r1/artifacts/reports/report.md?limit=3", "limit"),
        ("/retained-runs/r1/reports?report_unsafe=perhaps", "report_unsafe"),
        ("/server?x=1", "x"),
    ] {
        let answer = get(service.address, path).await;
        answer.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
        assert_eq!(answer.json()["error"]["field_violations"][0]["field"], field, "{path}");
    }
    let empty = get(service.address, "/retained-runs?target=&statuses=&labels.branch=main&page_size=").await;
    assert_eq!(empty.expect(200).json()["total_size"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_json_of_a_bounded_size_and_names_what_does_not_fit() {
    let (_world, service) = with_a_run().await;
    let send = async |headers: &[(&str, &str)], body: &[u8]| {
        ask(service.address, "POST", "/profiles/validate", headers, body).await
    };
    let good = br#"{"kind": "PROFILE_KIND_TARGET", "document": "{}", "extensionDirs": []}"#;
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/vnd.x+json",
        "application/x-www-form-urlencoded",
    ] {
        send(&[("content-type", kind)], good).await.expect(200);
    }
    for headers in [
        &[][..],
        &[("content-type", "text/plain")],
        &[("content-type", "text/json")],
        &[("content-type", "multipart/form-data")],
        // What curl sends without being told; from a page it could come from anywhere.
        &[("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")],
    ] {
        send(headers, good).await.refused(415, "INVALID_ARGUMENT", "CONTENT_TYPE_UNSUPPORTED");
    }
    let of_a_page = [("content-type", "application/x-www-form-urlencoded"), ("origin", "https://example.invalid")];
    send(&of_a_page, good).await.refused(403, "PERMISSION_DENIED", "ORIGIN_NOT_ALLOWED");
    for (body, field) in [
        (&b"{"[..], "body"),
        (b"[]", "body"),
        (b"7", "body"),
        (b"\xff", "body"),
        (br#"{"kind": "targets"}"#, "kind"),
        (br#"{"kind": "target", "file": "x"}"#, "file"),
        (br#"{"kind": "target", "extension_dirs": "x"}"#, "extension_dirs"),
    ] {
        let answer = send(&[JSON], body).await;
        answer.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
        assert_eq!(answer.json()["error"]["field_violations"][0]["field"], field, "{}", String::from_utf8_lossy(body));
    }
    let deep = "[".repeat(100_000);
    send(&[JSON], deep.as_bytes()).await.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
    let large = json!({"kind": "target", "document": "x".repeat(256 << 10)});
    post(service.address, "/profiles/validate", &large).await.refused(413, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE");
    // Without a word about its size.
    let piece = "x".repeat(64 << 10);
    let chunks = format!("{:x}\r\n{piece}\r\n", piece.len()).repeat(5) + "0\r\n\r\n";
    let answer = ask_chunked(service.address, &chunks).await;
    answer.refused(413, "INVALID_ARGUMENT", "REQUEST_TOO_LARGE");
    let query = ask(service.address, "POST", "/profiles/validate?kind=target", &[JSON], b"{}").await;
    query.refused(400, "INVALID_ARGUMENT", "FIELD_INVALID");
}

async fn ask_chunked(address: std::net::SocketAddr, chunks: &str) -> super::client::Answer {
    let headers = [JSON, ("transfer-encoding", "chunked")];
    super::client::ask_raw(address, "POST", "/profiles/validate", &headers, chunks.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_worth_trying_again_says_when() {
    let world = World::new();
    let missing = world.path("missing");
    let service = Setup::over(&world.path(""), &[("runs", &missing)]).start_unready().await;
    let answer = super::super::fixtures::eventually("the root to be away", async || {
        let answer = get(service.address, "/retained-runs").await;
        (answer.json()["error"]["reason"] == "ROOT_AWAY").then_some(answer)
    })
    .await;
    answer.refused(503, "UNAVAILABLE", "ROOT_AWAY");
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert!(!answer.text().contains(missing.to_str().expect("text")));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_over_http_count_among_the_calls_that_are_served_at_once() {
    let world = World::new();
    put_summary(&world.path("runs"), "d1", &summary("r1", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d1/artifacts/large", vec![7; 24 << 20]);
    let service = Setup::new(&world.path("")).with(|config| config.max_concurrent_calls = 1).start().await;
    let path = format!("{RUN}/artifacts/artifacts/large");
    let mut readers = Vec::new();
    let refused = super::super::fixtures::eventually("a refusal", async || {
        // The first may itself be refused: the look whether the server is ready has a place until its end is seen.
        readers.push(super::client::send(service.address, "GET", &path, &[], b"").await);
        let answer = get(service.address, "/runs").await;
        (answer.code != 200).then_some(answer)
    })
    .await;
    refused.refused(429, "RESOURCE_EXHAUSTED", "LIMIT_REACHED");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(get(service.address, "/health").await.code, 200);
    // A reader that hangs up gives its place back.
    drop(readers);
    super::super::fixtures::eventually("a place", async || {
        (get(service.address, "/runs").await.code == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_between_client_and_server_of_grpc_is_passed_over_in_a_request_of_http() {
    let (_world, service) = with_a_run().await;
    for header in [
        ("grpc-encoding", "gzip"),
        ("grpc-accept-encoding", "gzip"),
        ("grpc-status", "7"),
        ("grpc-status-details-bin", "AAAA"),
        ("content-encoding", "gzip"),
        ("te", "trailers"),
        ("x-grpc-web", "1"),
    ] {
        let answer = get_with(service.address, RUN, &[header]).await.expect(200);
        assert_eq!(answer.json()["run"]["run_id"], "r1", "{header:?}");
        assert_eq!(answer.header("cross-origin-resource-policy"), Some("same-origin"));
    }
}
