//! ReadArtifact: the first message, offsets and limits, pins, digests, and never a clean end over wrong bytes.

use guide_board::wire::pb;
use sha2::{Digest, Sha256};
use tonic::{Code, Status};

use super::fixtures::{Service, Setup, collect, put, put_summary, refused_with, summary};
use crate::support::World;

type Request = pb::ReadArtifactRequest;

const TEN: &[u8] = b"0123456789";

fn of(path: &str) -> Request {
    Request { directory: "d".to_owned(), path: path.to_owned(), ..Request::default() }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A server over one run with `artifacts/x/ten` and what else is put there.
async fn one_run(world: &World) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/x/ten", TEN);
    Setup::new(&world.path("")).start().await
}

async fn messages(service: &Service, request: Request) -> Result<Vec<pb::ReadArtifactResponse>, Status> {
    collect(service.retained().read_artifact(request).await).await
}

/// Reads, and checks that messages are well formed: a header first, absolute offsets without a gap, bounded data.
async fn read(service: &Service, request: Request) -> (pb::ReadArtifactResponse, Vec<u8>) {
    let mut messages = messages(service, request.clone()).await.expect("bytes");
    let header = messages.remove(0);
    assert!(header.data.is_empty() && header.modified_at.is_some() && !header.generation.is_empty());
    assert_eq!(header.offset, request.offset);
    let mut bytes = Vec::new();
    for message in messages {
        assert_eq!(message.offset, request.offset + bytes.len() as i64);
        assert!(!message.data.is_empty() && message.data.len() <= 256 << 10);
        assert!(message.generation.is_empty() && message.size_bytes == 0);
        bytes.extend_from_slice(&message.data);
    }
    (header, bytes)
}

async fn refused(service: &Service, request: Request, code: Code, reason: &str) {
    let shown = format!("{request:?}");
    let status = messages(service, request).await.expect_err(&shown);
    refused_with(status, code, reason);
}

async fn refused_field(service: &Service, request: Request, reason: &str, field: &str) {
    let status = messages(service, request).await.expect_err("a refusal");
    let refusal = refused_with(status, Code::InvalidArgument, reason);
    let violations = &refusal.details.bad_request().expect("a BadRequest").field_violations;
    assert_eq!(violations[0].field, field);
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_and_limits_at_the_beginning_the_middle_the_end_and_beyond() {
    let world = World::new();
    let service = one_run(&world).await;
    let cases: [(i64, i64, &[u8]); 8] = [
        (0, 0, TEN),
        (0, 3, b"012"),
        (4, 0, b"456789"),
        (4, 2, b"45"),
        (9, 5, b"9"),
        (10, 0, b""),
        (10, 7, b""),
        (0, i64::MAX, TEN),
    ];
    for (offset, limit, expected) in cases {
        let (header, bytes) = read(&service, Request { offset, limit, ..of("artifacts/x/ten") }).await;
        assert_eq!(bytes, expected, "{offset} {limit}");
        assert_eq!((header.size_bytes, header.media_type.as_str()), (10, "application/octet-stream"));
    }
    for offset in [11, i64::MAX] {
        refused(&service, Request { offset, ..of("artifacts/x/ten") }, Code::OutOfRange, "OFFSET_BEYOND_END").await;
    }
    refused_field(&service, Request { offset: -1, ..of("artifacts/x/ten") }, "FIELD_INVALID", "offset").await;
    refused_field(&service, Request { limit: -1, ..of("artifacts/x/ten") }, "FIELD_INVALID", "limit").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_gives_the_first_message_alone_and_its_digest_still_counts() {
    let world = World::new();
    let service = one_run(&world).await;
    put(&world.path("runs"), "d/artifacts/x/empty", "");
    let (header, bytes) = read(&service, of("artifacts/x/empty")).await;
    assert!(bytes.is_empty() && header.size_bytes == 0);
    let wrong = Request { expected_sha256: hex(TEN), ..of("artifacts/x/empty") };
    let status = messages(&service, wrong).await.expect_err("never a clean end over wrong bytes");
    assert!(matches!(status.code(), Code::DataLoss | Code::FailedPrecondition), "{status:?}");
    refused_with(status.clone(), status.code(), "DIGEST_MISMATCH");
    let right = Request { expected_sha256: hex(b""), ..of("artifacts/x/empty") };
    read(&service, right).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_an_output_is_served_by_id_and_on_incomplete_runs_and_nothing_else_is() {
    let world = World::new();
    let service = one_run(&world).await;
    let root = world.path("runs");
    let odd =
        ["artifacts/foo..bar", "artifacts/...", "artifacts/%2e%2e", "artifacts/a b", "artifacts/é/ü", "artifacts/-rf"];
    let documents =
        ["run.json", "plan.json", "sources.lock.json", "normalized/x.json", "reports/own.html", "exports/e"];
    for path in odd.into_iter().chain(documents) {
        put(&root, &format!("d/{path}"), path);
        put(&root, &format!("broken-off/{path}"), path);
        for request in [
            of(path),
            Request { run_id: "r".into(), directory: String::new(), ..of(path) },
            Request { directory: "broken-off".into(), ..of(path) },
        ] {
            assert_eq!(read(&service, request).await.1, path.as_bytes());
        }
    }
    put(&root, "d/secret.txt", "no output");
    put(&root, "d/other/x", "no output");
    put(&root, "outside", "no output");
    let not_outputs = [
        "secret.txt",
        "other/x",
        "nowhere",
        "other",
        "artifacts/x/nothing",
        "artifacts/x/ten/below",
        ".hidden",
        "retention-summary.json.tmp",
    ];
    for path in not_outputs {
        refused(&service, of(path), Code::NotFound, "ARTIFACT_NOT_FOUND").await;
    }
    for path in ["artifacts", "artifacts/x", "reports"] {
        refused(&service, of(path), Code::FailedPrecondition, "NOT_A_FILE").await;
    }
    for path in [
        "",
        "/etc/passwd",
        "artifacts/",
        "a//b",
        "../outside",
        "artifacts/../../outside",
        "./run.json",
        "a\\b",
        "a\0b",
        &"x".repeat(4096),
    ] {
        refused_field(&service, of(path), "PATH_INVALID", "path").await;
    }
    refused(&service, Request { directory: "gone".into(), ..of("run.json") }, Code::NotFound, "RUN_NOT_FOUND").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_special_files_are_refused_wherever_they_stand() {
    let world = World::new();
    let service = one_run(&world).await;
    let run = world.path("runs/d");
    std::os::unix::fs::symlink("x/ten", run.join("artifacts/inside")).expect("linked");
    std::os::unix::fs::symlink("/etc", run.join("artifacts/etc")).expect("linked");
    std::os::unix::fs::symlink("nowhere", run.join("artifacts/dangling")).expect("linked");
    std::os::unix::fs::symlink("artifacts", run.join("reports")).expect("linked");
    super::retained_run::make_fifo(&run.join("artifacts/fifo"));
    drop(std::os::unix::net::UnixListener::bind(run.join("artifacts/socket")).expect("bound"));
    let paths = [
        "artifacts/inside",
        "artifacts/etc/passwd",
        "artifacts/dangling",
        "reports/x/ten",
        "artifacts/fifo",
        "artifacts/socket",
    ];
    for path in paths {
        refused(&service, of(path), Code::FailedPrecondition, "UNSAFE_PATH").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_generation_stays_while_the_file_does_and_pins_a_resume() {
    let world = World::new();
    let service = one_run(&world).await;
    let generation = read(&service, of("artifacts/x/ten")).await.0.generation;
    assert_eq!(read(&service, Request { offset: 5, ..of("artifacts/x/ten") }).await.0.generation, generation);
    let pinned = Request { offset: 5, expected_generation: generation.clone(), ..of("artifacts/x/ten") };
    assert_eq!(read(&service, pinned.clone()).await.1, b"56789");
    put(&world.path("runs"), "d/artifacts/x/aside", TEN);
    std::fs::rename(world.path("runs/d/artifacts/x/aside"), world.path("runs/d/artifacts/x/ten")).expect("renamed");
    refused(&service, pinned, Code::FailedPrecondition, "GENERATION_MISMATCH").await;
    assert_ne!(read(&service, of("artifacts/x/ten")).await.0.generation, generation);
    let other = Request { expected_generation: "nonsense".into(), ..of("artifacts/x/ten") };
    refused(&service, other, Code::FailedPrecondition, "GENERATION_MISMATCH").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expected_digest_is_certain_when_known_and_judged_at_the_end_when_not() {
    let world = World::new();
    let service = one_run(&world).await;
    assert_eq!(read(&service, of("artifacts/x/ten")).await.0.sha256, "", "never computed before");
    let wrong = Request { expected_sha256: hex(b"other"), ..of("artifacts/x/ten") };
    let mut stream = service.retained().read_artifact(wrong.clone()).await.expect("a stream").into_inner();
    let mut received = 0;
    let status = loop {
        match stream.message().await {
            Ok(Some(message)) => received += message.data.len(),
            Ok(None) => panic!("a clean end over wrong bytes"),
            Err(status) => break status,
        }
    };
    refused_with(status, Code::DataLoss, "DIGEST_MISMATCH");
    assert!(received < TEN.len(), "the last bytes are held back until the digest is judged");
    // Now it is known.
    refused(&service, wrong.clone(), Code::FailedPrecondition, "DIGEST_MISMATCH").await;
    refused(&service, Request { offset: 4, ..wrong.clone() }, Code::FailedPrecondition, "DIGEST_MISMATCH").await;
    let right = Request { expected_sha256: hex(TEN), ..of("artifacts/x/ten") };
    let (header, bytes) = read(&service, right.clone()).await;
    assert_eq!((header.sha256, bytes), (hex(TEN), TEN.to_vec()));
    // A change forgets it.
    put(&world.path("runs"), "d/artifacts/x/ten", b"9876543210");
    let status = messages(&service, right).await.expect_err("a refusal");
    refused_with(status, Code::DataLoss, "DIGEST_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_is_computed_before_the_first_byte_on_request() {
    let world = World::new();
    let service = one_run(&world).await;
    let request = Request { compute_sha256: true, offset: 8, limit: 1, ..of("artifacts/x/ten") };
    let (header, bytes) = read(&service, request.clone()).await;
    assert_eq!((header.sha256, bytes), (hex(TEN), b"8".to_vec()));
    let wrong = Request { expected_sha256: hex(b"other"), ..request };
    refused(&service, wrong, Code::FailedPrecondition, "DIGEST_MISMATCH").await;
    for text in ["sha256:00", "00", &hex(TEN).to_uppercase(), &"g".repeat(64)] {
        let request = Request { expected_sha256: (*text).to_owned(), ..of("artifacts/x/ten") };
        refused_field(&service, request, "FIELD_INVALID", "expected_sha256").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_many_messages_comes_whole_and_resumes_in_the_middle() {
    let world = World::new();
    let service = one_run(&world).await;
    let bytes: Vec<u8> = (0..5_000_003_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    put(&world.path("runs"), "d/artifacts/x/large.bin", &bytes);
    let whole = Request { expected_sha256: hex(&bytes), ..of("artifacts/x/large.bin") };
    let (header, received) = read(&service, whole).await;
    assert!(received == bytes && header.size_bytes == 5_000_003);
    let middle = Request { offset: 2_500_001, expected_generation: header.generation, ..of("artifacts/x/large.bin") };
    assert!(read(&service, middle).await.1 == bytes[2_500_001..]);
}
