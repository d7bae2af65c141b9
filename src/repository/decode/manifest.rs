//! The artifact manifest inside an assessment package, streamed: memory does not grow with the number of entries.

use std::borrow::Cow;
use std::fmt;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::document::Document;
use super::guard::{Bound, Guard, GuardState};
use crate::model::{ArtifactEntry, StoredPath};

/// How much is read from the disk at a time.
const BUFFER_BYTES: usize = 64 << 10;
/// The largest entry, in bytes as written.
const MAX_ENTRY_BYTES: u64 = 1 << 20;

/// Whether a package has a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManifestPresence {
    /// It has one, possibly empty.
    Present,
    /// It has none.
    Missing,
}

/// Why a package could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The package is not what the contract says. The text says why and is fit for a client.
    #[error("{0}")]
    Malformed(String),
    /// One of its entries is larger than is read.
    #[error("one of its entries exceeds 1 MiB")]
    EntryTooLarge,
    /// Reading failed.
    #[error("it could not be read")]
    Read(#[source] std::io::Error),
}

/// Reads a package and hands every manifest entry to `visit`, in file order, until it breaks off.
///
/// # Errors
/// When the package is malformed, exceeds a bound, or cannot be read. Entries handed over before stay handed over.
pub fn read_manifest(
    package: impl Read,
    visit: &mut dyn FnMut(ArtifactEntry) -> ControlFlow<()>,
) -> Result<ManifestPresence, ManifestError> {
    let state = GuardState::new(MAX_ENTRY_BYTES);
    let reader = BufReader::with_capacity(BUFFER_BYTES, Guard::new(package, &state));
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut walk = Walk { state: &state, visit, presence: ManifestPresence::Missing, stopped: false };
    let outcome = (&mut deserializer).deserialize_map(PackageVisitor(&mut walk)).and_then(|()| deserializer.end());
    let (presence, stopped) = (walk.presence, walk.stopped);
    match outcome {
        _ if stopped => Ok(presence),
        Ok(()) => Ok(presence),
        Err(error) => Err(explain(&state, &error)),
    }
}

fn explain(state: &GuardState, error: &serde_json::Error) -> ManifestError {
    if let Some(kind) = state.failed() {
        return ManifestError::Read(kind.into());
    }
    match state.broken() {
        Some(Bound::ItemSize) => ManifestError::EntryTooLarge,
        Some(bound) => ManifestError::Malformed(bound.to_string()),
        None => ManifestError::Malformed(format!(
            "it is not a valid package near line {}, column {}",
            error.line(),
            error.column()
        )),
    }
}

struct Walk<'a> {
    state: &'a GuardState,
    visit: &'a mut dyn FnMut(ArtifactEntry) -> ControlFlow<()>,
    presence: ManifestPresence,
    stopped: bool,
}

struct PackageVisitor<'w, 'a>(&'w mut Walk<'a>);

impl<'de> Visitor<'de> for PackageVisitor<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an assessment package: a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'_, str>>()? {
            if key != "artifact_manifest" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if self.0.presence == ManifestPresence::Present {
                return Err(serde::de::Error::custom("artifact_manifest stands twice"));
            }
            map.next_value_seed(ManifestSeed(self.0))?;
        }
        Ok(())
    }
}

struct ManifestSeed<'w, 'a>(&'w mut Walk<'a>);

impl<'de> DeserializeSeed<'de> for ManifestSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ManifestSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("artifact_manifest as a list of entries")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        self.0.presence = ManifestPresence::Present;
        self.0.state.begin_item();
        while let Some(raw) = sequence.next_element::<Box<RawValue>>()? {
            let entry = decode_entry(&raw).ok_or_else(|| serde::de::Error::custom("an entry is no object"))?;
            if (self.0.visit)(entry).is_break() {
                self.0.stopped = true;
                return Err(serde::de::Error::custom("stopped"));
            }
            self.0.state.begin_item();
        }
        self.0.state.end_items();
        Ok(())
    }
}

/// The keys of an entry as our writer writes them, and under their other names. Anything else is ignored.
#[derive(serde::Deserialize)]
struct EntryKeys<'a> {
    #[serde(borrow)]
    path: Option<Cow<'a, str>>,
    #[serde(borrow, rename = "ref")]
    ref_: Option<Cow<'a, str>>,
    #[serde(borrow)]
    artifact_ref: Option<Cow<'a, str>>,
    size_bytes: Option<u64>,
    size: Option<u64>,
    #[serde(borrow)]
    sha256: Option<Cow<'a, str>>,
    #[serde(borrow)]
    digest: Option<Cow<'a, str>>,
    media_type: Option<String>,
    extension_id: Option<String>,
    evidence_refs: Option<Vec<String>>,
}

/// `None` when the entry is neither an object nor a path.
fn decode_entry(raw: &RawValue) -> Option<ArtifactEntry> {
    if let Ok(path) = serde_json::from_str::<String>(raw.get()) {
        return Some(entry_of_path(&path));
    }
    match serde_json::from_str::<EntryKeys<'_>>(raw.get()) {
        Ok(keys) => {
            let path = keys.path.or(keys.ref_).or(keys.artifact_ref).unwrap_or_default();
            let digest =
                keys.sha256.as_deref().and_then(bare_digest).or_else(|| keys.digest.as_deref().and_then(bare_digest));
            Some(ArtifactEntry {
                path: StoredPath::new(&path),
                size_bytes: keys.size_bytes.or(keys.size),
                sha256: digest,
                media_type: keys.media_type,
                extension_id: keys.extension_id,
                evidence_refs: keys.evidence_refs.unwrap_or_default(),
            })
        }
        Err(_) => decode_odd_entry(raw),
    }
}

/// An entry with some value of an unexpected type: what can be read is read.
fn decode_odd_entry(raw: &RawValue) -> Option<ArtifactEntry> {
    let mut document = Document::parse(raw.get().as_bytes()).ok()?;
    let path = document.take::<String>(&["path", "ref", "artifact_ref"]).unwrap_or_default();
    let digest = document.take::<String>(&["sha256"]).or_else(|| document.take::<String>(&["digest"]));
    Some(ArtifactEntry {
        path: StoredPath::new(&path),
        size_bytes: document.take(&["size_bytes", "size"]),
        sha256: digest.as_deref().and_then(bare_digest),
        media_type: document.take(&["media_type"]),
        extension_id: document.take(&["extension_id"]),
        evidence_refs: document.take(&["evidence_refs"]).unwrap_or_default(),
    })
}

fn entry_of_path(path: &str) -> ArtifactEntry {
    ArtifactEntry {
        path: StoredPath::new(path),
        size_bytes: None,
        sha256: None,
        media_type: None,
        extension_id: None,
        evidence_refs: Vec::new(),
    }
}

/// `sha256:<hex>` or bare hex of 64 digits, as bare lower-case hex; any other text is no SHA-256.
pub(super) fn bare_digest(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    (hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| hex.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rebase;
    use proptest::prelude::*;

    fn read(json: &str) -> Result<(ManifestPresence, Vec<ArtifactEntry>), ManifestError> {
        let mut entries = Vec::new();
        let presence = read_manifest(json.as_bytes(), &mut |entry| {
            entries.push(entry);
            ControlFlow::Continue(())
        })?;
        Ok((presence, entries))
    }

    fn path_of(entry: &ArtifactEntry) -> Option<String> {
        let rebase = Rebase { output_dir: None, directory: "run-1" };
        entry.path.resolve(rebase).ok().map(|path| path.as_str().to_owned())
    }

    #[test]
    fn entries_are_read_under_all_their_names() {
        let hex = "A".repeat(64);
        let json = format!(
            r#"{{"summary":{{"x":[1,{{}}]}},"artifact_manifest":[
              {{"path":"artifacts/a","size_bytes":3,"sha256":"{hex}","media_type":"text/plain","extension_id":"e","evidence_refs":["1"]}},
              {{"ref":"artifacts/b","size":4,"digest":"sha256:{hex}"}},
              {{"artifact_ref":"artifacts/c"}},
              "artifacts/d",
              {{"path":"artifacts/e","size_bytes":"many","sha256":7}}]}}"#
        );
        let (presence, entries) = read(&json).expect("a package");
        assert_eq!(presence, ManifestPresence::Present);
        let paths: Vec<_> = entries.iter().filter_map(path_of).collect();
        assert_eq!(paths, ["artifacts/a", "artifacts/b", "artifacts/c", "artifacts/d", "artifacts/e"]);
        assert_eq!(entries[1].size_bytes, Some(4));
        assert_eq!(entries[1].sha256.as_deref(), Some("a".repeat(64).as_str()));
        assert_eq!((entries[4].size_bytes, entries[4].sha256.as_deref()), (None, None));
    }

    #[test]
    fn a_package_without_a_manifest_says_so() {
        assert_eq!(read("{}").expect("a package").0, ManifestPresence::Missing);
        assert_eq!(read(r#"{"artifact_manifest":null}"#).expect("a package").0, ManifestPresence::Missing);
        assert_eq!(read(r#"{"artifact_manifest":[]}"#).expect("a package").0, ManifestPresence::Present);
    }

    #[test]
    fn what_is_no_package_is_malformed() {
        for json in [
            "",
            "[]",
            "{",
            r#"{"artifact_manifest":{}}"#,
            r#"{"artifact_manifest":[1]}"#,
            r#"{"artifact_manifest":[]} x"#,
            r#"{"artifact_manifest":[],"artifact_manifest":[]}"#,
        ] {
            assert!(matches!(read(json), Err(ManifestError::Malformed(_))), "{json}");
        }
    }

    #[test]
    fn an_entry_without_a_path_is_an_unsafe_entry_not_a_lost_one() {
        let (_, entries) = read(r#"{"artifact_manifest":[{"size":1}]}"#).expect("a package");
        assert_eq!(entries.len(), 1);
        assert_eq!(path_of(&entries[0]), None);
    }

    #[test]
    fn bombs_of_depth_and_size_are_refused() {
        let deep = format!(r#"{{"x":{}"#, "[".repeat(100_000));
        assert!(matches!(read(&deep), Err(ManifestError::Malformed(text)) if text.contains("128")));
        let large = format!(r#"{{"artifact_manifest":[{{"path":"{}"}}]}}"#, "a".repeat(2 << 20));
        assert!(matches!(read(&large), Err(ManifestError::EntryTooLarge)));
    }

    #[test]
    fn a_large_report_beside_the_manifest_is_passed_over() {
        let json = format!(r#"{{"fragments":"{}","artifact_manifest":["artifacts/a"]}}"#, "a".repeat(3 << 20));
        assert_eq!(read(&json).expect("a package").1.len(), 1);
    }

    #[test]
    fn reading_stops_where_the_visitor_breaks_off() {
        let mut seen = 0;
        let outcome = read_manifest(r#"{"artifact_manifest":["a","b","c"]}"#.as_bytes(), &mut |_| {
            seen += 1;
            ControlFlow::Break(())
        });
        assert!(outcome.is_ok());
        assert_eq!(seen, 1);
    }

    proptest! {
        #[test]
        fn reading_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read_manifest(bytes.as_slice(), &mut |_| ControlFlow::Continue(()));
        }

        #[test]
        fn reading_any_entry_is_total(entry in "[\\[\\]{}\":,a-z0-9 ]{0,40}") {
            let _ = read(&format!(r#"{{"artifact_manifest":[{entry}]}}"#));
        }
    }
}
