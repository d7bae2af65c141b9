//! Credentials: resolved for the runner only, and taken out of everything that the runner says.
//!
//! `env:A,B` hands over those variables under their names. `file:/path` hands over the file's text as `GUIDE_BOARD_CREDENTIALS`, without its
//! closing line break, and its path as `GUIDE_BOARD_CREDENTIALS_FILE`. They stand in the runner's environment, never in its arguments.
//!
//! Redaction replaces the secret (and, of one with several lines or a JSON document, each line, value and text) as it is, as JSON writes it, in base64 (also in the middle of other text), in hexadecimal, and with percent
//! signs. What a runner encodes otherwise, gives away in pieces, or writes into artifacts of its own is beyond it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use aho_corasick::AhoCorasick;
use serde_json::Value;

use crate::repository::ambient::{self, AmbientError};

/// What stands where a secret was.
pub(super) const REDACTED: &str = "[redacted]";

/// Shorter secrets would tear holes into ordinary words, and their redaction would give them away.
const SHORTEST: usize = 4;

/// A secret is handed over in an environment variable, which the kernel bounds at 128 KiB.
const LONGEST: u64 = 100 * 1024;

/// The runner's credentials.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    /// Variables for the runner's environment.
    pub(super) variables: Vec<(OsString, OsString)>,
    /// Takes the secrets out of what the runner says.
    pub(super) redactor: Redactor,
    /// Why the runner cannot be started, when something is not there: names only.
    pub(super) missing: Option<String>,
}

/// Resolves a `credentials_ref`. `base` is the profile's directory; `environment` looks a variable up.
///
/// # Errors
/// A sentence, when a credential is there but cannot be used safely.
pub(super) fn resolve(
    reference: Option<&str>,
    base: &Path,
    environment: impl Fn(&str) -> Option<OsString>,
) -> Result<Credentials, String> {
    let mut variables: Vec<(OsString, OsString)> = Vec::new();
    let mut secrets: Vec<Vec<u8>> = Vec::new();
    let mut missing: Vec<String> = Vec::new();
    if let Some(names) = reference.and_then(|reference| reference.strip_prefix("env:")) {
        for name in names.split(',') {
            match environment(name).filter(|value| !value.is_empty()) {
                Some(value) => {
                    secrets.push(checked(name, value.as_bytes().to_vec())?);
                    variables.push((name.into(), value));
                }
                None => missing.push(format!("the environment variable {name} is not set")),
            }
        }
    } else if let Some(path) = reference.and_then(|reference| reference.strip_prefix("file:")) {
        let path = base.join(path);
        match ambient::read_bytes(&path, LONGEST) {
            Ok(mut bytes) => {
                while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                    bytes.pop();
                }
                if bytes.is_empty() {
                    missing.push("the credentials file is empty".to_owned());
                } else {
                    let secret = checked("the credentials file", bytes)?;
                    variables.push(("GUIDE_BOARD_CREDENTIALS".into(), OsString::from_vec(secret.clone())));
                    variables.push(("GUIDE_BOARD_CREDENTIALS_FILE".into(), path.into()));
                    secrets.push(secret);
                }
            }
            Err(AmbientError::Unreadable { .. }) => missing.push("the credentials file cannot be read".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    }
    let redactor = Redactor::new(&secrets)?;
    let missing = (!missing.is_empty()).then(|| missing.join("; "));
    Ok(Credentials { variables, redactor, missing })
}

fn checked(name: &str, secret: Vec<u8>) -> Result<Vec<u8>, String> {
    if secret.len() < SHORTEST {
        return Err(format!(
            "the credential in {name} is shorter than {SHORTEST} bytes; it could not be redacted without harm: use a longer one"
        ));
    }
    if secret.contains(&0) {
        return Err(format!("the credential in {name} has a NUL byte; it cannot be handed over in the environment"));
    }
    Ok(secret)
}

/// The parts of a secret of several lines or of a JSON document that are secrets of their own: its lines, what stands behind a `=` or `:` in
/// one, and the texts of a document. Short ones and plain words are left out: they stand in ordinary text.
fn parts(secret: &[u8]) -> Vec<Vec<u8>> {
    const SHORTEST_PART: usize = 8;
    let Ok(text) = std::str::from_utf8(secret) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    let mut waiting: Vec<Value> = serde_json::from_str(text).into_iter().collect();
    while let Some(value) = waiting.pop() {
        match value {
            Value::String(text) => found.extend(text.lines().map(str::to_owned)),
            Value::Array(items) => waiting.extend(items),
            Value::Object(fields) => waiting.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    if text.trim_end().contains('\n') {
        for line in text.lines() {
            found.push(line.trim().to_owned());
            let behind = line.split_once(['=', ':']).map(|(_, value)| value.trim());
            found.extend(behind.map(|value| value.trim_matches(['"', '\'', ',']).to_owned()));
        }
    }
    let is_word = |part: &str| part.len() < 16 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    found.retain(|part| part.len() >= SHORTEST_PART && part != text && !is_word(part));
    found.sort_unstable();
    found.dedup();
    found.into_iter().map(String::into_bytes).collect()
}

/// The forms in which programs commonly write a secret out: base64 at each of the three offsets that it can have in a longer text, as far as
/// the characters hold nothing of what stands beside it; hexadecimal; percent signs. Short forms are left out: they stand in ordinary text.
fn encoded(secret: &[u8]) -> Vec<Vec<u8>> {
    use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
    const SHORTEST_FORM: usize = 8;
    let mut forms = Vec::new();
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        for (offset, touched) in [(0, 0), (1, 2), (2, 3)] {
            let mut bytes = vec![0; offset];
            bytes.extend_from_slice(secret);
            let text = encoding.encode(&bytes);
            let whole = bytes.len() * 8 / 6;
            forms.extend(text.get(touched..whole).map(str::to_owned));
        }
    }
    forms.extend([HEXLOWER.encode(secret), HEXUPPER.encode(secret)]);
    for unreserved in [&b"-._~"[..], b"-._~/", b""] {
        let form: String = secret
            .iter()
            .map(|byte| match byte {
                byte if byte.is_ascii_alphanumeric() || unreserved.contains(byte) => char::from(*byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        forms.push(form);
    }
    forms.sort_unstable();
    forms.dedup();
    forms.into_iter().map(String::into_bytes).filter(|form| form.len() >= SHORTEST_FORM && form != secret).collect()
}

/// Takes secrets out of text, whatever way the text comes in.
#[derive(Debug, Clone)]
pub(super) struct Redactor {
    patterns: Option<AhoCorasick>,
    longest: usize,
}

impl Redactor {
    fn new(secrets: &[Vec<u8>]) -> Result<Self, String> {
        let mut patterns: Vec<Vec<u8>> = Vec::new();
        let parts: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| parts(secret)).collect();
        for secret in secrets.iter().chain(&parts) {
            patterns.push(secret.clone());
            patterns.extend(encoded(secret));
            // A secret with quotes or line breaks looks different inside JSON.
            if let Some(json) = std::str::from_utf8(secret).ok().and_then(|text| serde_json::to_string(text).ok()) {
                let inside = json.get(1..json.len().saturating_sub(1)).unwrap_or_default().as_bytes().to_vec();
                if inside != *secret {
                    patterns.push(inside);
                }
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let patterns = match patterns.as_slice() {
            [] => None,
            patterns => Some(AhoCorasick::new(patterns).map_err(|error| error.to_string())?),
        };
        Ok(Self { patterns, longest })
    }

    /// The longest secret's length in bytes; 0 without secrets.
    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    /// The ranges of `bytes` that secrets cover, merged where they overlap or touch, in order.
    pub(super) fn covered(&self, bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
        let Some(patterns) = &self.patterns else { return Vec::new() };
        let mut found: Vec<_> = patterns.find_overlapping_iter(bytes).map(|found| found.start()..found.end()).collect();
        found.sort_unstable_by_key(|range| (range.start, range.end));
        let mut merged: Vec<std::ops::Range<usize>> = Vec::new();
        for range in found {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }

    /// The text without secrets.
    pub(super) fn text(&self, text: &str) -> String {
        let covered = self.covered(text.as_bytes());
        if covered.is_empty() {
            return text.to_owned();
        }
        let mut kept = Vec::with_capacity(text.len());
        let mut at = 0;
        for range in covered {
            kept.extend_from_slice(text.as_bytes().get(at..range.start).unwrap_or_default());
            kept.extend_from_slice(REDACTED.as_bytes());
            at = range.end;
        }
        kept.extend_from_slice(text.as_bytes().get(at..).unwrap_or_default());
        String::from_utf8_lossy(&kept).into_owned()
    }

    /// Takes secrets out of every string, key and number of a JSON value.
    pub(super) fn value(&self, value: &mut Value) {
        if self.patterns.is_none() {
            return;
        }
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Number(number) => {
                let text = number.to_string();
                if !self.covered(text.as_bytes()).is_empty() {
                    *value = Value::String(self.text(&text));
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(fields) => {
                let taken = std::mem::take(fields);
                for (key, mut item) in taken {
                    self.value(&mut item);
                    fields.insert(self.text(&key), item);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// The variables of this process that every runner gets. Nothing that may hold a secret is among them (proxies, tokens, agents).
pub(super) const ENVIRONMENT: &[&str] =
    &["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The short list, as far as it is set.
pub(super) fn base_environment(environment: impl Fn(&OsStr) -> Option<OsString>) -> Vec<(OsString, OsString)> {
    ENVIRONMENT.iter().filter_map(|name| Some(((*name).into(), environment(OsStr::new(name))?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(&secrets.iter().map(|secret| secret.as_bytes().to_vec()).collect::<Vec<_>>()).expect("built")
    }

    #[test]
    fn overlapping_secrets_go_whole() {
        assert_eq!(redactor(&["abcd", "abcdef"]).text("x abcdef y"), "x [redacted] y");
        assert_eq!(redactor(&["abcd", "cdef"]).text("abcdef"), REDACTED);
    }

    #[test]
    fn keys_numbers_and_json_spellings_are_redacted() {
        let redactor = redactor(&["se\"cret", "12345"]);
        let mut value = serde_json::json!({"a se\"cret": 9_123_456, "n": ["12345", true]});
        redactor.value(&mut value);
        assert_eq!(value.to_string(), r#"{"a [redacted]":"9[redacted]6","n":["[redacted]",true]}"#);
        assert_eq!(redactor.text(r#"{"x":"se\"cret"}"#), r#"{"x":"[redacted]"}"#);
    }

    #[test]
    fn the_lines_and_values_of_a_credentials_file_are_secrets_of_their_own() {
        let redactor = redactor(&[
            "username=alice\npassword = \"Sup3rS3cret!\"\nlogin=password\n",
            r#"{"key": {"private": "a1b2c3d4e5"}}"#,
        ]);
        assert_eq!(redactor.text("Sup3rS3cret! and a1b2c3d4e5"), "[redacted] and [redacted]");
        assert_eq!(redactor.text("alice has a password"), "alice has a password");
    }

    #[test]
    fn common_encodings_of_a_secret_are_redacted() {
        let secret = "p@ss word/1?";
        let redactor = redactor(&[secret]);
        for before in ["", "u", "us", "user:"] {
            let text = format!("{before}{secret}:after");
            let encoded = data_encoding::BASE64.encode(text.as_bytes());
            let shown = redactor.text(&encoded);
            assert!(shown.contains(REDACTED) && shown.len() < encoded.len(), "{before}: {shown}");
            let kept = shown.replace(REDACTED, "");
            assert!(kept.len() <= encoded.len() - secret.len(), "{before}: {shown}");
        }
        for form in ["70407373", "p%40ss%20word/1%3F", "p%40ss%20word%2F1%3F"] {
            let hex = data_encoding::HEXLOWER.encode(secret.as_bytes());
            let form = if hex.starts_with(form) { hex } else { form.to_owned() };
            assert_eq!(redactor.text(&format!("<{form}>")), "<[redacted]>");
        }
    }

    #[test]
    fn short_secrets_are_refused_and_missing_ones_are_named_without_values() {
        let look = |name: &str| match name {
            "SHORT" => Some(OsString::from("abc")),
            "LONG" => Some(OsString::from("abcdefgh")),
            _ => None,
        };
        assert!(resolve(Some("env:SHORT"), Path::new("/"), look).is_err());
        let resolved = resolve(Some("env:LONG,GONE"), Path::new("/"), look).expect("resolved");
        assert_eq!(resolved.missing.as_deref(), Some("the environment variable GONE is not set"));
        assert_eq!(resolved.variables.len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_secret(text in "[a-d]{0,60}") {
            let redacted = redactor(&["abca", "ddbd"]).text(&text).replace(REDACTED, "|");
            prop_assert!(!redacted.contains("abca") && !redacted.contains("ddbd"));
        }
    }
}
