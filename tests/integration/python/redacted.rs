//! A run directory with what differs from run to run made the same, so that two runs can be compared whole.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::support::files;

/// Every file of a run by its path, redacted: the run id, the run directory, times, the version, and the digests and sizes of files that hold
/// one of these.
pub(super) fn redacted(directory: &Path, run_id: &str) -> BTreeMap<String, String> {
    let at = directory.to_str().expect("UTF-8");
    let mut originals = BTreeMap::new();
    for path in files(directory) {
        let text = std::fs::read_to_string(directory.join(&path)).expect("text");
        originals.insert(path, text);
    }
    let plain = |text: &str| times(&text.replace(run_id, "RUN-ID").replace(at, "RUN-DIRECTORY"));
    let version = format!("guide-board {}", env!("CARGO_PKG_VERSION"));
    let mut changed: Vec<(String, &str)> = Vec::new();
    for (path, text) in &originals {
        // Documents hold digests of others, so their own differ, too.
        if !path.starts_with("artifacts/") || plain(text) != *text {
            changed.push((hex(text), path));
        }
    }
    let mut made = BTreeMap::new();
    for (path, text) in &originals {
        let mut text = plain(text).replace(&version, "guide-board VERSION");
        for (digest, of) in &changed {
            text = text.replace(digest, &format!("SHA256-OF {of}"));
        }
        if path.ends_with(".json") {
            let mut value: Value = serde_json::from_str(&text).expect("JSON");
            without_sizes(&mut value, &changed);
            if let Some(tool) = value.get_mut("tool") {
                tool["version"] = "VERSION".into();
            }
            if let Some(tool) = value.pointer_mut("/reported_metadata/tool") {
                tool["version"] = "VERSION".into();
            }
            text = format!("{value:#}\n");
        }
        made.insert(path.clone(), text);
    }
    made
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `2026-05-08T16:43:34Z` becomes `TIME`.
fn times(text: &str) -> String {
    let (mut made, mut rest) = (String::new(), text);
    while let Some(found) = rest.find("T").filter(|_| !rest.is_empty()) {
        let is_time = found >= 10
            && rest.get(found - 10..found + 10).is_some_and(|time| {
                let form: String = time.chars().map(|one| if one.is_ascii_digit() { '0' } else { one }).collect();
                form == "0000-00-00T00:00:00Z"
            });
        if is_time {
            made.push_str(&rest[..found - 10]);
            made.push_str("TIME");
            rest = &rest[found + 10..];
        } else {
            made.push_str(&rest[..=found]);
            rest = &rest[found + 1..];
        }
    }
    made + rest
}

/// The size of a file whose content differs is no fact.
fn without_sizes(value: &mut Value, changed: &[(String, &str)]) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| without_sizes(item, changed)),
        Value::Object(fields) => {
            let is_changed = fields
                .get("path")
                .and_then(Value::as_str)
                .is_some_and(|path| changed.iter().any(|(_, changed)| *changed == path));
            if let (true, Some(size)) = (is_changed, fields.get_mut("size_bytes")) {
                *size = "SIZE".into();
            }
            fields.values_mut().for_each(|value| without_sizes(value, changed));
        }
        _ => {}
    }
}
