//! The tokens file: who may call, with what, and which roots there are for them. Parsing is pure and total, and no error repeats a value of
//! the file: any of them may be a secret that stands in the wrong place.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

use sha2::{Digest as _, Sha256};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::bearer;
use super::callers::{Callers, Credential, Entry};
use super::connection::CertificateName;
use crate::model::{RootName, VisibleRoots};
use crate::services::{Grant, Scope};

/// The largest tokens file, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;
/// The most callers in one.
pub const MAX_CALLERS: usize = 10_000;
/// The longest name of a caller, in characters.
const MAX_NAME: usize = 64;
/// The longest name in a certificate, in bytes.
const MAX_CERTIFICATE_NAME: usize = 1024;

/// The kinds of entries, and the keys by which each names its credential.
const KINDS: [(&str, &[&str]); 3] = [("token", &["token", "sha256"]), ("client", &["uri", "dns"]), ("peer", &["uid"])];

/// What is wrong in a tokens file. `Display` names the line, and never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct TokensError {
    line: usize,
    what: String,
}

/// Reads the text of a tokens file.
///
/// # Errors
/// When it is no TOML, has a key that means nothing, lacks one, or says something twice.
pub fn parse(text: &str) -> Result<Callers, TokensError> {
    parse_at_most(MAX_CALLERS, text)
}

fn parse_at_most(limit: usize, text: &str) -> Result<Callers, TokensError> {
    let file = File(text);
    let document =
        DeTable::parse(text).map_err(|error| file.error(error.span().unwrap_or_default(), "this is no valid TOML"))?;
    let (names, credentials) = (HashSet::new(), HashSet::new());
    let mut reader = Reader { file, limit, callers: Callers::default(), names, credentials };
    for (kind, entries) in document.get_ref() {
        let Some((word, keys)) = KINDS.iter().find(|(word, _)| *word == kind.get_ref().as_ref()) else {
            let what = "an unknown key; a tokens file has [[token]], [[client]] and [[peer]] entries";
            return Err(file.error(kind.span(), what));
        };
        let Some(array) = entries.get_ref().as_array() else {
            return Err(file.error(kind.span(), format!("entries are written [[{word}]]")));
        };
        for entry in array.iter() {
            reader.entry(word, keys, entry)?;
        }
    }
    Ok(reader.callers)
}

#[derive(Debug, Clone, Copy)]
struct File<'a>(&'a str);

impl File<'_> {
    fn error(self, place: Range<usize>, what: impl Into<String>) -> TokensError {
        let before = self.0.as_bytes().get(..place.start).unwrap_or_default();
        TokensError { line: before.iter().filter(|byte| **byte == b'\n').count() + 1, what: what.into() }
    }
}

struct Reader<'a> {
    file: File<'a>,
    /// The most callers.
    limit: usize,
    callers: Callers,
    names: HashSet<String>,
    credentials: HashSet<Credential>,
}

impl Reader<'_> {
    fn entry(&mut self, kind: &str, keys: &[&str], entry: &Spanned<DeValue<'_>>) -> Result<(), TokensError> {
        let file = self.file;
        let Some(table) = entry.get_ref().as_table() else {
            return Err(file.error(entry.span(), format!("entries are written [[{kind}]]")));
        };
        for key in table.keys() {
            let known = key.get_ref().as_ref();
            if !keys.contains(&known) && !matches!(known, "name" | "scopes" | "roots") {
                let what = format!("an unknown key; a [[{kind}]] has name, scopes, roots and {}", keys.join(" or "));
                return Err(file.error(key.span(), what));
            }
        }
        let missing = |what: String| file.error(entry.span(), what);
        let name = table.get("name").ok_or_else(|| missing(format!("a [[{kind}]] needs a name")))?;
        let name = self.name(name)?;
        let given: Vec<_> = keys.iter().filter_map(|key| table.get(*key).map(|value| (*key, value))).collect();
        let [(key, value)] = given.as_slice() else {
            return Err(missing(format!("`{name}` needs exactly one of: {}", keys.join(", "))));
        };
        let credential = self.credential(&name, key, value)?;
        let scopes = table.get("scopes").ok_or_else(|| missing(format!("`{name}` needs scopes: read, run or both")))?;
        let scopes = self.scopes(&name, scopes)?;
        let roots = table.get("roots").map(|roots| self.roots(&name, roots)).transpose()?;
        if self.names.len() >= self.limit {
            return Err(missing(format!("more than {} callers", self.limit)));
        }
        if !self.names.insert(name.clone()) {
            return Err(missing(format!("`{name}` stands here twice; each caller has a name of its own")));
        }
        if !self.credentials.insert(credential.clone()) {
            return Err(missing(format!("`{name}` has the same {key} as another entry")));
        }
        let has_plain_token = *key == "token";
        let grant = Grant::new(name, scopes, roots.unwrap_or(VisibleRoots::All));
        self.callers.add(Entry::new(credential, grant), has_plain_token);
        Ok(())
    }

    fn name(&self, value: &Spanned<DeValue<'_>>) -> Result<String, TokensError> {
        let rule = "a name is 1 to 64 characters from A-Z a-z 0-9 . _ @ -, and begins with a letter or digit";
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
        value
            .get_ref()
            .as_str()
            .filter(|name| (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_letter))
            .filter(|name| name.starts_with(|first: char| first.is_ascii_alphanumeric()))
            .map(str::to_owned)
            .ok_or_else(|| self.file.error(value.span(), rule))
    }

    fn credential(&self, name: &str, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Credential, TokensError> {
        let found = match (key, value.get_ref()) {
            ("token", DeValue::String(token)) => bearer::is_token(token).then(|| Credential::of_token(token)),
            ("sha256", DeValue::String(digest)) => data_encoding::HEXLOWER
                .decode(digest.as_bytes())
                .ok()
                .and_then(|digest| digest.try_into().ok())
                .map(Credential::Token),
            ("uid", DeValue::Integer(uid)) => u32::from_str_radix(uid.as_str(), uid.radix()).ok().map(Credential::Uid),
            ("uri" | "dns", DeValue::String(text)) => {
                let is_plain =
                    !text.is_empty() && text.len() <= MAX_CERTIFICATE_NAME && !text.contains(char::is_control);
                is_plain.then(|| {
                    Credential::Certificate(match key {
                        "uri" => CertificateName::Uri(text.to_string()),
                        _ => CertificateName::Dns(text.to_ascii_lowercase()),
                    })
                })
            }
            _ => None,
        };
        found.ok_or_else(|| {
            let rule = match key {
                "token" => "a text of 16 to 512 characters from A-Z a-z 0-9 - . _ ~ + /, with = at the end",
                "sha256" => "the SHA-256 of the token, as 64 lower-case hexadecimal digits",
                "uid" => "a user id, as a number",
                _ => "a name as it stands in the certificate, of at most 1024 bytes",
            };
            self.file.error(value.span(), format!("`{name}`: {key} is {rule}"))
        })
    }

    fn scopes(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<HashSet<Scope>, TokensError> {
        let wrong =
            || self.file.error(value.span(), format!("`{name}`: scopes is a list of read, run or both, each once"));
        let mut scopes = HashSet::new();
        for word in value.get_ref().as_array().ok_or_else(wrong)?.iter() {
            let scope = word.get_ref().as_str().and_then(Scope::from_word).ok_or_else(wrong)?;
            if !scopes.insert(scope) {
                return Err(wrong());
            }
        }
        if scopes.is_empty() { Err(wrong()) } else { Ok(scopes) }
    }

    fn roots(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<VisibleRoots, TokensError> {
        let what = "roots is a list of names of runs roots, at least one; without it all of them";
        let wrong = || self.file.error(value.span(), format!("`{name}`: {what}"));
        let mut roots: BTreeSet<RootName> = BTreeSet::new();
        for root in value.get_ref().as_array().ok_or_else(wrong)?.iter() {
            roots.insert(root.get_ref().as_str().and_then(|root| root.parse().ok()).ok_or_else(wrong)?);
        }
        if roots.is_empty() { Err(wrong()) } else { Ok(VisibleRoots::Only(roots)) }
    }
}

/// The SHA-256 of a token, as a tokens file holds it.
#[must_use]
pub fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

#[cfg(test)]
mod tests;
