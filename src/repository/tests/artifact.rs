//! Reading outputs: offsets and limits, pins and digests, and files that change while they are read.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::fixtures::{CANARY, Fixture, by_directory, by_run_id, path};
use crate::repository::{ArtifactReader, Error, ReadRequest, RunsRoot};

const NAME: &str = "artifacts/data.bin";
/// More than two pieces.
const SIZE: usize = (600 << 10) + 17;

struct Data {
    fixture: Fixture,
    root: Arc<RunsRoot>,
    bytes: Vec<u8>,
}

impl Data {
    fn new() -> Self {
        // 251 is a prime, so that bytes at a wrong offset differ.
        Self::of((0..SIZE).map(|number| u8::try_from(number % 251).unwrap_or(0)).collect())
    }

    fn of(bytes: Vec<u8>) -> Self {
        let fixture = Fixture::new();
        fixture.run("run").file(NAME, &bytes).summary();
        let root = fixture.scanned();
        Self { fixture, root, bytes }
    }

    fn file(&self) -> PathBuf {
        self.fixture.path("runs/run").join(NAME)
    }

    fn open(&self, request: &ReadRequest) -> Result<ArtifactReader, Error> {
        self.root.locate(&by_directory("run")).expect("is found").read(path(NAME), request)
    }

    fn read(&self, request: &ReadRequest) -> Vec<u8> {
        drain(&mut self.open(request).expect("opens"), request.offset).expect("is read")
    }

    fn sha256(&self) -> String {
        hex(&self.bytes)
    }
}

fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))
}

/// Reads to the end, and insists on offsets without gap and pieces of a bounded size.
fn drain(reader: &mut ArtifactReader, offset: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    assert_eq!(reader.position(), offset);
    while let Some(piece) = reader.next_piece()? {
        assert_eq!(piece.offset, offset + bytes.len() as u64);
        assert!(!piece.data.is_empty() && piece.data.len() <= 256 << 10);
        bytes.extend(piece.data);
        assert_eq!(reader.position(), offset + bytes.len() as u64);
    }
    assert!(reader.next_piece()?.is_none(), "an end stays an end");
    Ok(bytes)
}

fn at(offset: usize, limit: Option<usize>) -> ReadRequest {
    ReadRequest { offset: offset as u64, limit: limit.map(|limit| limit as u64), ..ReadRequest::default() }
}

#[test]
fn offsets_at_the_beginning_the_middle_and_the_end_give_the_rest() {
    let data = Data::new();
    for offset in [0, 1, 256 << 10, (256 << 10) + 1, SIZE - 1, SIZE] {
        assert_eq!(data.read(&at(offset, None)), &data.bytes[offset..], "{offset}");
    }
    let reader = data.open(&at(SIZE, None)).expect("the facts alone");
    assert_eq!(reader.size(), SIZE as u64);
    assert_eq!(reader.media_type(), "application/octet-stream");
    assert!(reader.modified().0 > 0 && reader.sha256.is_none());
}

#[test]
fn an_offset_beyond_the_end_is_out_of_range() {
    let data = Data::new();
    for offset in [SIZE as u64 + 1, u64::MAX] {
        let refused = data.open(&ReadRequest { offset, ..ReadRequest::default() });
        assert!(
            matches!(refused, Err(Error::OffsetBeyondEnd { offset: told, size }) if told == offset && size == SIZE as u64)
        );
    }
    let empty = Data::of(Vec::new());
    assert!(empty.read(&at(0, None)).is_empty());
    assert!(matches!(empty.open(&at(1, None)), Err(Error::OffsetBeyondEnd { .. })));
}

#[test]
fn limits_end_early_and_never_beyond_the_end() {
    let data = Data::new();
    for (offset, limit) in [(0, 0), (0, 1), (5, 256 << 10), (0, SIZE), (0, SIZE + 1), (SIZE - 3, 10), (SIZE, 1)] {
        let end = SIZE.min(offset + limit);
        assert_eq!(data.read(&at(offset, Some(limit))), &data.bytes[offset..end], "{offset} {limit}");
    }
    assert_eq!(data.read(&at(7, Some(usize::MAX))), &data.bytes[7..]);
}

#[test]
fn a_generation_stays_while_the_file_stays_and_a_pin_to_another_is_refused() {
    let data = Data::new();
    let generation = data.open(&at(0, None)).expect("opens").generation();
    let pinned = ReadRequest { expected_generation: Some(generation.clone()), ..at(3, None) };
    assert_eq!(data.read(&pinned), &data.bytes[3..]);
    assert_eq!(data.open(&at(9, None)).expect("opens").generation(), generation);
    let changes: [&dyn Fn(); 3] = [
        &|| std::fs::write(data.file(), &data.bytes).expect("written"),
        &|| std::fs::write(data.file(), "short").expect("written"),
        &|| {
            std::fs::write(data.file().with_extension("new"), &data.bytes).expect("written");
            std::fs::rename(data.file().with_extension("new"), data.file()).expect("renamed");
        },
    ];
    for change in changes {
        let pin = data.open(&at(0, None)).expect("opens").generation();
        data.fixture.next_tick();
        change();
        let pinned = ReadRequest { expected_generation: Some(pin), ..at(0, None) };
        assert!(matches!(data.open(&pinned), Err(Error::GenerationMismatch { .. })));
    }
    for nonsense in ["", "*", "0"] {
        let pinned = ReadRequest { expected_generation: Some(nonsense.to_owned()), ..at(0, None) };
        assert!(matches!(data.open(&pinned), Err(Error::GenerationMismatch { .. })));
    }
    assert!(!generation.contains('/') && generation.len() == 32);
}

#[test]
fn a_digest_is_known_once_it_was_computed_and_forgotten_when_the_file_changes() {
    let data = Data::new();
    let computing = ReadRequest { compute_sha256: true, ..at(SIZE, None) };
    assert_eq!(data.open(&at(0, None)).expect("opens").sha256, None);
    assert_eq!(data.open(&computing).expect("opens").sha256, Some(data.sha256()));
    assert_eq!(data.open(&at(0, None)).expect("opens").sha256, Some(data.sha256()));
    std::fs::write(data.file(), b"other").expect("written");
    assert_eq!(data.open(&at(0, None)).expect("opens").sha256, None);
    let computing = ReadRequest { compute_sha256: true, ..at(0, None) };
    assert_eq!(data.open(&computing).expect("opens").sha256, Some(hex(b"other")));
}

#[test]
fn an_expected_digest_that_fits_is_silent_and_makes_the_digest_known() {
    let data = Data::new();
    let expecting = ReadRequest { expected_sha256: Some(data.sha256()), ..at(0, None) };
    assert_eq!(data.read(&expecting), data.bytes);
    assert_eq!(data.open(&at(0, None)).expect("opens").sha256, Some(data.sha256()));
    assert_eq!(data.read(&expecting), data.bytes, "also when it is known");
}

#[test]
fn a_digest_that_turns_out_to_differ_is_never_a_clean_end() {
    let data = Data::new();
    let expecting = ReadRequest { expected_sha256: Some(hex(b"other")), ..at(0, None) };
    let mut reader = data.open(&expecting).expect("nothing is known yet");
    let mut received = 0;
    let error = loop {
        match reader.next_piece() {
            Ok(Some(piece)) => received += piece.data.len(),
            Ok(None) => panic!("a clean end over wrong bytes"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::DigestDiffers { .. }));
    assert!(received < SIZE, "the last piece is held back");
    assert!(matches!(reader.next_piece(), Err(Error::DigestDiffers { .. })), "it stays broken");
    // What was learnt refuses the next one before its first byte.
    assert!(matches!(data.open(&expecting), Err(Error::DigestMismatch { .. })));
}

#[test]
fn a_digest_that_is_asked_to_be_computed_refuses_before_the_first_byte() {
    let data = Data::new();
    let request = ReadRequest { expected_sha256: Some(hex(b"other")), compute_sha256: true, ..at(5, Some(1)) };
    assert!(matches!(data.open(&request), Err(Error::DigestMismatch { .. })));
}

#[test]
fn an_empty_file_has_to_have_the_expected_digest_too() {
    let data = Data::of(Vec::new());
    let expecting = |digest| ReadRequest { expected_sha256: Some(digest), ..at(0, None) };
    assert!(data.read(&expecting(hex(b""))).is_empty());
    assert!(matches!(data.open(&expecting(hex(b"x"))), Err(Error::DigestMismatch { .. })));
}

#[test]
fn a_file_that_changes_while_it_is_read_is_never_read_to_a_clean_end() {
    type Change<'a> = (&'a str, &'a dyn Fn(&Data));
    let changes: [Change<'_>; 6] = [
        ("truncated", &|data| {
            std::fs::File::options().write(true).open(data.file()).expect("opens").set_len(300 << 10).expect("cut");
        }),
        ("emptied", &|data| std::fs::write(data.file(), "").expect("written")),
        ("grown", &|data| {
            let mut file = std::fs::File::options().append(true).open(data.file()).expect("opens");
            file.write_all(b"more").expect("written");
        }),
        ("rewritten in place", &|data| std::fs::write(data.file(), vec![0; SIZE]).expect("written")),
        ("replaced", &|data| {
            std::fs::write(data.file().with_extension("new"), &data.bytes).expect("written");
            std::fs::rename(data.file().with_extension("new"), data.file()).expect("renamed");
        }),
        ("removed", &|data| std::fs::remove_file(data.file()).expect("removed")),
    ];
    for (how, change) in changes {
        let data = Data::new();
        let mut reader = data.open(&at(0, None)).expect("opens");
        let first = reader.next_piece().expect("is read").expect("is there");
        assert_eq!(first.data, &data.bytes[..256 << 10]);
        data.fixture.next_tick();
        change(&data);
        assert!(matches!(reader.next_piece(), Err(Error::Changed { .. })), "{how}");
        assert!(matches!(reader.next_piece(), Err(Error::Changed { .. })), "{how}: it stays broken");
    }
}

#[test]
fn what_is_no_output_is_not_found_whether_or_not_it_exists() {
    let fixture = Fixture::new();
    fixture
        .run("run")
        .file("secret.txt", CANARY)
        .file("private/key", CANARY)
        .file(".work/context.json", CANARY)
        .file("run.json.tmp", CANARY)
        .link("to-secret", "secret.txt")
        .fifo("fifo")
        .file("artifactsx/a", CANARY)
        .summary();
    let names = ["secret.txt", "private/key", "private", ".work/context.json", "run.json.tmp", "to-secret", "fifo"];
    let root = fixture.scanned();
    for name in names.into_iter().chain(["artifactsx/a", "missing", "missing/x", "Reports/report.md"]) {
        let read = root.locate(&by_directory("run")).expect("is found").read(path(name), &ReadRequest::default());
        let error = read.map(drop).expect_err("is no output");
        assert!(matches!(&error, Error::ArtifactNotFound { path } if path == name), "{name}: {error}");
    }
}

#[test]
fn what_cannot_be_read_as_a_file_says_what_it_is() {
    let fixture = Fixture::new();
    fixture
        .run("run")
        .file("artifacts/dir/x", "")
        .link("artifacts/link", "dir/x")
        .link("exports", fixture.path("outside"))
        .fifo("artifacts/fifo")
        .summary();
    let root = fixture.scanned();
    let error = |name: &str| {
        let read = root.locate(&by_directory("run")).expect("is found").read(path(name), &ReadRequest::default());
        read.map(drop).expect_err("is no file")
    };
    assert!(matches!(error("artifacts"), Error::NotAFile { .. }));
    assert!(matches!(error("artifacts/dir"), Error::NotAFile { .. }));
    for name in ["artifacts/link", "artifacts/fifo", "exports", "exports/secret.txt"] {
        assert!(matches!(error(name), Error::UnsafePath { .. }), "{name}");
    }
    assert!(matches!(error("artifacts/missing"), Error::ArtifactNotFound { .. }));
    assert!(matches!(error("artifacts/dir/x/below"), Error::ArtifactNotFound { .. }));
    assert!(matches!(error("reports"), Error::ArtifactNotFound { .. }));
    assert!(!error("artifacts/line\nbreak").to_string().contains('\n'), "what is shown cannot forge a line");
}

#[test]
fn every_document_and_everything_beneath_the_output_directories_is_an_output() {
    let fixture = Fixture::new();
    let names = [
        "run.json",
        "plan.json",
        "sources.lock.json",
        "retention-summary.json",
        "normalized/evidence.json",
        "reports/extra/deep.md",
        "exports/export-manifest.json",
        "artifacts/.hidden",
        "artifacts/%2e%2e",
    ];
    let run = names.iter().fold(fixture.run("run"), |run, name| run.file(name, json!({"run_id": "run"}).to_string()));
    assert!(run.path().ends_with("run"));
    let root = fixture.scanned();
    for name in names {
        let located = root.locate(&by_directory("run")).expect("is found");
        let mut reader = located.read(path(name), &ReadRequest::default()).expect("is an output");
        assert_eq!(drain(&mut reader, 0).expect("is read"), br#"{"run_id":"run"}"#, "{name}");
    }
}

#[test]
fn a_run_asked_for_by_id_whose_directory_became_another_run_is_not_read() {
    let fixture = Fixture::new();
    for run in ["a", "b"] {
        fixture.run(run).file("artifacts/x", format!("of {run}")).summary();
    }
    let root = fixture.scanned();
    std::fs::rename(fixture.path("runs/a"), fixture.path("runs/c")).expect("renamed");
    std::fs::rename(fixture.path("runs/b"), fixture.path("runs/a")).expect("renamed");
    let read = root.locate(&by_run_id("a")).expect("stands there").read(path("artifacts/x"), &ReadRequest::default());
    assert!(matches!(read.map(drop), Err(Error::RunNotFound { .. })));
}
