//! The bytes of an output over HTTP: ranges, entity tags, and headers under which nothing runs.

use serde_json::json;

use super::super::fixtures::put;
use super::client::{Answer, ask, get, get_with};
use super::{RUN, with_a_run};

const TEN: &str = "0123456789";

async fn with_ten_bytes() -> (crate::support::World, super::Service, String, String) {
    let (world, service) = with_a_run().await;
    put(&world.path("runs"), "d1/artifacts/ten.txt", TEN);
    let path = format!("{RUN}/artifacts/artifacts/ten.txt");
    let tag = get(service.address, &path).await.expect(200).header("etag").expect("a tag").to_owned();
    (world, service, path, tag)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_with_its_size_type_tag_and_a_name() {
    let (_world, service, path, tag) = with_ten_bytes().await;
    let answer = get(service.address, &path).await.expect(200);
    assert_eq!(answer.text(), TEN);
    for (name, value) in [
        ("content-length", "10"),
        ("content-type", "text/plain; charset=utf-8"),
        ("content-disposition", "inline; filename=\"ten.txt\""),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox; default-src 'none'"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "private, no-cache"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
    assert!(tag.len() > 10 && tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert!(answer.header("last-modified").is_some_and(|time| time.ends_with(" GMT")));
    assert_eq!(answer.header("access-control-allow-origin"), None);
    let head = ask(service.address, "HEAD", &path, &[], b"").await.expect(200);
    let lasting = |answer: &Answer| {
        let lasts = |(name, _): &&(String, String)| !matches!(name.as_str(), "date" | "x-request-id");
        answer.headers.iter().filter(lasts).cloned().collect::<Vec<_>>()
    };
    assert_eq!(lasting(&head), lasting(&answer));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_could_act_in_a_browser_is_saved_under_a_harmless_name() {
    let (world, service) = with_a_run().await;
    let runs = world.path("runs");
    for (name, kind) in [
        ("b.html", "text/html; charset=utf-8"),
        ("c.svg", "image/svg+xml"),
        ("d.xhtml", "application/xhtml+xml"),
        ("e.js", "text/javascript; charset=utf-8"),
    ] {
        put(&runs, &format!("d1/artifacts/x/{name}"), "<script>!");
        let answer = get(service.address, &format!("{RUN}/artifacts/artifacts/x/{name}")).await.expect(200);
        assert_eq!(answer.header("content-type"), Some(kind));
        assert_eq!(answer.header("content-disposition"), Some(format!("attachment; filename=\"{name}\"").as_str()));
        assert_eq!(answer.header("content-security-policy"), Some("sandbox; default-src 'none'"));
    }
    put(&runs, "d1/artifacts/a\";\r\nx: \u{202e}txt.md", "odd");
    let odd =
        get(service.address, &format!("{RUN}/artifacts/artifacts/a%22;%0D%0Ax:%20%E2%80%AEtxt.md")).await.expect(200);
    assert_eq!(odd.text(), "odd");
    assert_eq!(odd.header("content-disposition"), Some("inline; filename=\"a_;__x_ _txt.md\""));
    assert_eq!(odd.header("x"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_type_counts_more_than_the_name_and_acts_no_more_than_it_may() {
    let (world, service) = with_a_run().await;
    let runs = world.path("runs");
    let names = ["plain.html", "page.txt", "odd.json", "scan", "unlisted.json"];
    for name in names {
        put(&runs, &format!("d1/artifacts/{name}"), "<script>!");
    }
    let entry = |name: &str, kind: &str| json!({"path": format!("artifacts/{name}"), "media_type": kind});
    let package = |scan: &str| {
        let entries = [
            entry("plain.html", "text/plain"),
            entry("page.txt", "text/html; charset=utf-8"),
            entry("odd.json", "text/html\r\nx-evil: 1"),
            entry("scan", scan),
        ];
        put(&runs, "d1/reports/assessment-package.json", json!({"artifact_manifest": entries}).to_string());
    };
    package("application/sarif+json");
    let asked = async |name: &str| {
        let answer = get(service.address, &format!("{RUN}/artifacts/artifacts/{name}")).await.expect(200);
        let disposition = answer.header("content-disposition").expect("a name").to_owned();
        let kind = disposition.split(';').next().unwrap_or_default().to_owned();
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        (answer.header("content-type").expect("a type").to_owned(), kind)
    };
    let told = |kind: &str, how: &str| (kind.to_owned(), how.to_owned());
    assert_eq!(asked("plain.html").await, told("text/plain; charset=utf-8", "inline"));
    assert_eq!(asked("page.txt").await, told("text/html; charset=utf-8", "attachment"));
    assert_eq!(asked("odd.json").await, told("application/json", "inline"));
    assert_eq!(asked("scan").await.0, "application/sarif+json");
    assert_eq!(asked("unlisted.json").await, told("application/json", "inline"));
    // A package that is another one is looked through again.
    package("application/vnd.another+json");
    assert_eq!(asked("scan").await.0, "application/vnd.another+json");
    put(&runs, "d1/reports/assessment-package.json", "{");
    assert_eq!(asked("scan").await.0, "application/octet-stream");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_is_a_part_and_what_is_none_the_whole() {
    let (world, service, path, tag) = with_ten_bytes().await;
    let ask = async |range: &str| get_with(service.address, &path, &[("range", range)]).await;
    for (range, part, said) in [
        ("bytes=0-0", "0", "bytes 0-0/10"),
        ("bytes=3-5", "345", "bytes 3-5/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=7-99", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=-99", TEN, "bytes 0-9/10"),
    ] {
        let answer = ask(range).await.expect(206);
        assert_eq!((answer.text().as_str(), answer.header("content-range")), (part, Some(said)), "{range}");
        assert_eq!(answer.header("content-length"), Some(part.len().to_string().as_str()), "{range}");
        assert_eq!(answer.header("etag"), Some(tag.as_str()), "{range}");
    }
    for range in ["bytes=5-3", "bytes=a-b", "bytes=0-1,3-4", "lines=0-1", "bytes"] {
        assert_eq!(ask(range).await.expect(200).text(), TEN, "{range}");
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        let answer = ask(range).await;
        answer.refused(416, "OUT_OF_RANGE", "OFFSET_BEYOND_END");
        assert_eq!(answer.header("content-range"), Some("bytes */10"), "{range}");
    }
    put(&world.path("runs"), "d1/artifacts/empty.txt", "");
    let empty = format!("{RUN}/artifacts/artifacts/empty.txt");
    assert_eq!(get(service.address, &empty).await.expect(200).header("content-length"), Some("0"));
    get_with(service.address, &empty, &[("range", "bytes=0-")]).await.refused(416, "OUT_OF_RANGE", "OFFSET_BEYOND_END");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tag_is_the_generation_and_changes_with_the_file() {
    let (world, service, path, tag) = with_ten_bytes().await;
    let ask = async |headers: &[(&str, &str)]| get_with(service.address, &path, headers).await;
    let known = ask(&[("if-none-match", &tag)]).await.expect(304);
    assert_eq!(known.header("etag"), Some(tag.as_str()));
    ask(&[("if-match", &tag)]).await.expect(200);
    assert_eq!(ask(&[("if-range", &tag), ("range", "bytes=8-")]).await.expect(206).text(), "89");
    let generation = tag.trim_matches('"');
    get(service.address, &format!("{path}?expected_generation={generation}")).await.expect(200);
    // Longer, so that no coarse clock hides the change.
    put(&world.path("runs"), "d1/artifacts/ten.txt", "another file");
    assert_eq!(ask(&[("if-none-match", &tag)]).await.expect(200).text(), "another file");
    ask(&[("if-match", &tag)]).await.refused(412, "FAILED_PRECONDITION", "GENERATION_MISMATCH");
    assert_eq!(ask(&[("if-range", &tag), ("range", "bytes=8-")]).await.expect(200).text(), "another file");
    let pinned = get(service.address, &format!("{path}?expected_generation={generation}")).await;
    pinned.refused(400, "FAILED_PRECONDITION", "GENERATION_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_output_is_refused_before_a_byte() {
    let (world, service) = with_a_run().await;
    std::os::unix::fs::symlink("/etc/passwd", world.path("runs/d1/artifacts/link")).expect("linked");
    for (path, code, name, reason) in [
        ("artifacts/none", 404, "NOT_FOUND", "ARTIFACT_NOT_FOUND"),
        ("retention-summary.json.bak", 404, "NOT_FOUND", "ARTIFACT_NOT_FOUND"),
        ("artifacts/link", 400, "FAILED_PRECONDITION", "UNSAFE_PATH"),
        ("artifacts", 400, "FAILED_PRECONDITION", "NOT_A_FILE"),
    ] {
        let path = format!("{RUN}/artifacts/{path}");
        get(service.address, &path).await.refused(code, name, reason);
        get_with(service.address, &path, &[("range", "bytes=0-1")]).await.refused(code, name, reason);
        assert_eq!(ask(service.address, "HEAD", &path, &[], b"").await.code, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_while_it_is_sent_cuts_the_connection() {
    use tokio::io::AsyncReadExt as _;
    let (world, service) = with_a_run().await;
    let file = put(&world.path("runs"), "d1/artifacts/large", vec![7; 32 << 20]);
    let path = format!("{RUN}/artifacts/artifacts/large");
    let mut stream = super::client::send(service.address, "GET", &path, &[], b"").await;
    let mut first = [0; 16];
    stream.read_exact(&mut first).await.expect("a beginning");
    assert!(first.starts_with(b"HTTP/1.1 200 OK"));
    std::fs::write(&file, "another").expect("written");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 32 << 20, "{}", rest.len());
    assert_eq!(get(service.address, &path).await.expect(200).text(), "another");
}
