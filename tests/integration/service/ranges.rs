//! Pieces of outputs: every kind of range with pins right and wrong, as a golden table, and files that change while they are read.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use guide_board::wire::pb;
use sha2::{Digest, Sha256};
use tonic::Status;

use super::fixtures::{Service, Setup, put, put_summary, refused_with, summary};
use crate::support::World;

type Request = pb::ReadArtifactRequest;

/// Compares with a golden file; GUIDE_BOARD_BLESS=1 writes it anew.
fn golden(name: &str, printed: &str) {
    let file = format!("{}/tests/integration/service/golden/{name}.txt", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("GUIDE_BOARD_BLESS").is_some() {
        std::fs::write(&file, printed).expect("written");
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    let first = written.lines().zip(printed.lines()).find(|(written, printed)| written != printed);
    assert!(
        written == printed,
        "{first:?} in golden/{name}.txt; GUIDE_BOARD_BLESS=1 cargo test --test integration ranges writes it anew"
    );
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn one_run(world: &World) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    Setup::new(&world.path("")).start().await
}

/// What a request pins.
#[derive(Debug, Clone, Copy)]
enum Pin {
    Nothing,
    Generation,
    OtherGeneration,
    Digest,
    OtherDigest,
    ComputedDigest,
    OtherComputedDigest,
}

impl Pin {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Generation,
        Self::OtherGeneration,
        Self::Digest,
        Self::OtherDigest,
        Self::ComputedDigest,
        Self::OtherComputedDigest,
    ];

    fn set(self, request: Request, generation: &str, digest: &str) -> Request {
        let generation = generation.to_owned();
        match self {
            Self::Nothing => request,
            Self::Generation => Request { expected_generation: generation, ..request },
            Self::OtherGeneration => Request { expected_generation: format!("other-{generation}"), ..request },
            Self::Digest => Request { expected_sha256: digest.to_owned(), ..request },
            Self::OtherDigest => Request { expected_sha256: hex(b"other"), ..request },
            Self::ComputedDigest => Request { compute_sha256: true, ..Self::Digest.set(request, "", digest) },
            Self::OtherComputedDigest => Request { compute_sha256: true, ..Self::OtherDigest.set(request, "", "") },
        }
    }
}

/// A reply in one line: the first message, where each further message begins and how long it is, the digest of all bytes, the end.
async fn told(service: &Service, request: Request) -> String {
    let mut told = String::new();
    let mut bytes: Vec<u8> = Vec::new();
    let mut stream = match service.retained().read_artifact(request).await {
        Ok(stream) => stream.into_inner(),
        Err(status) => return refusal(status),
    };
    loop {
        match stream.message().await {
            Ok(Some(message)) if !message.generation.is_empty() => {
                let known = if message.sha256.is_empty() { "unknown" } else { &message.sha256[..8] };
                let (size, at) = (message.size_bytes, message.offset);
                write!(told, "size {size} sha256 {known} at {at};").expect("written");
            }
            Ok(Some(message)) => {
                write!(told, " {}+{}", message.offset, message.data.len()).expect("written");
                bytes.extend_from_slice(&message.data);
            }
            Ok(None) if bytes.is_empty() => return told + " end",
            Ok(None) => return format!("{told} = {}", &hex(&bytes)[..8]),
            Err(status) => return format!("{told} {}", refusal(status)),
        }
    }
}

fn refusal(status: Status) -> String {
    let code = status.code();
    let reason = guide_board::services::reason_of(&status).unwrap_or_default();
    let refusal = refused_with(status, code, &reason);
    let field = refusal.details.bad_request().map(|bad| bad.field_violations[0].field.clone()).unwrap_or_default();
    format!("{code:?} {reason} {field}").trim_end().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_range_with_every_pin_is_answered_as_the_golden_table_says() {
    let world = World::new();
    let service = one_run(&world).await;
    let mut table = String::new();
    let mut number = 0;
    for (name, size) in [("empty", 0_i64), ("ten", 10), ("large", 600_001)] {
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        for pin in Pin::ALL {
            let few = [0, size / 2, size, size + 1, -1];
            let all = [0, 1, size / 2, size - 1, size, size + 1, i64::MAX, -1, i64::MIN];
            let (offsets, limits): (&[i64], &[i64]) = match pin {
                Pin::Nothing if name == "large" => (&all, &[0, 300_000]),
                Pin::Nothing => (&all, &[0, 1, 300_000, i64::MAX, -1]),
                Pin::Digest | Pin::OtherDigest => (&few, &[0, 9]),
                _ => (&few, &[0]),
            };
            let places: BTreeSet<i64> = offsets.iter().copied().collect();
            for (offset, limit) in places.iter().flat_map(|offset| limits.iter().map(move |limit| (*offset, *limit))) {
                // A file of its own for each: a digest that one request computed would be known to the next.
                number += 1;
                let path = format!("artifacts/x/{number}");
                put(&world.path("runs"), &format!("d/{path}"), &bytes);
                let request = Request { directory: "d".into(), path, offset, limit, ..Request::default() };
                let generation = generation_of(&service, &Request { offset: 0, ..request.clone() }).await;
                let answer = told(&service, pin.set(request, &generation, &hex(&bytes))).await;
                writeln!(table, "{name} offset {offset} limit {limit} pin {pin:?}: {answer}").expect("written");
            }
        }
    }
    golden("ranges", &table);
}

async fn generation_of(service: &Service, request: &Request) -> String {
    let request = Request { limit: 1, ..request.clone() };
    let mut stream = service.retained().read_artifact(request).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one").generation
}

/// Larger than all that lies between the server and a reader that waits.
const LARGE: u64 = 8 << 20;

/// What happens to the file at this path.
type Change = fn(&Path);

/// What may happen to a file of zeros, or to the run it is in, while it is read. What is new is never zero.
const CHANGES: [(&str, Change); 10] = [
    ("left alone", |_| {}),
    ("truncated", |file| opened(file).set_len(1 << 20).expect("cut")),
    ("emptied", |file| opened(file).set_len(0).expect("cut")),
    ("grown", |file| opened(file).write_all_at(b"more", LARGE).expect("written")),
    ("rewritten in place", rewrite),
    ("rewritten in place and its time set back", |file| {
        let before = std::fs::metadata(file).expect("there").modified().expect("a time");
        rewrite(file);
        opened(file).set_modified(before).expect("set back");
    }),
    ("replaced", |file| {
        let new = file.with_file_name("new");
        std::fs::write(&new, vec![7; 8 << 20]).expect("written");
        std::fs::rename(new, file).expect("renamed");
    }),
    ("removed", |file| std::fs::remove_file(file).expect("removed")),
    ("removed with its run", |file| std::fs::remove_dir_all(run_of(file)).expect("removed")),
    ("moved away with its run", |file| {
        std::fs::rename(run_of(file), run_of(file).with_extension("elsewhere")).expect("moved");
    }),
];

fn opened(file: &Path) -> std::fs::File {
    OpenOptions::new().write(true).open(file).expect("opened")
}

fn rewrite(file: &Path) {
    opened(file).write_all_at(&vec![7; 8 << 20], 0).expect("written");
}

fn run_of(file: &Path) -> &Path {
    file.ancestors().nth(3).expect("a run")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_under_a_reader_is_aborted_and_a_resume_of_it_refused() {
    let world = World::new();
    let service = one_run(&world).await;
    let mut table = String::new();
    for (what, change) in CHANGES {
        for (pin, offset) in [(Pin::Nothing, 0), (Pin::Nothing, 3 << 20), (Pin::Generation, 3 << 20), (Pin::Digest, 0)]
        {
            let directory = format!("{what} {pin:?} {offset}");
            let answer = changed_while_read(&service, &world.path("runs"), &directory, change, pin, offset).await;
            writeln!(table, "{what}, read from {offset}, pin {pin:?}: {answer}").expect("written");
        }
    }
    golden("changes", &table);
}

/// Reads the first message of a large file, changes it, reads on to the end, and resumes where that was.
async fn changed_while_read(
    service: &Service,
    root: &Path,
    directory: &str,
    change: Change,
    pin: Pin,
    offset: i64,
) -> String {
    let file = put(root, &format!("{directory}/artifacts/x/large"), "");
    opened(&file).set_len(LARGE).expect("grown");
    let request = Request { directory: directory.to_owned(), path: "artifacts/x/large".into(), ..Request::default() };
    let generation = generation_of(service, &request).await;
    let request = Request { offset, ..request };
    // The digest of so many zeros.
    let digest = "2daeb1f36095b44b318410b3f4e8b5d989dcc7bb023d1426c492dab0a3053e74";
    let first = pin.set(request.clone(), &generation, digest);
    let mut stream = service.retained().read_artifact(first).await.expect("a stream").into_inner();
    let header = stream.message().await.expect("a message").expect("the first one");
    assert_eq!((header.generation.as_str(), header.size_bytes), (generation.as_str(), LARGE));
    change(&file);
    let zeros = vec![0; 256 << 10];
    let mut position = offset;
    let end = loop {
        match stream.message().await {
            Ok(Some(message)) => {
                assert_eq!(message.offset, position);
                assert!(message.data == zeros[..message.data.len()], "bytes of another generation");
                position += message.data.len() as i64;
            }
            Ok(None) => {
                assert_eq!(position as u64, LARGE, "a clean end over a part");
                break "whole".to_owned();
            }
            Err(status) => {
                assert!((position as u64) < LARGE);
                break refusal(status);
            }
        }
    };
    let resumed = Pin::Generation.set(Request { offset: position, limit: 1, ..request }, &generation, "");
    format!("{end}; resumed: {}", told(service, resumed).await.replace(&position.to_string(), "there"))
}
