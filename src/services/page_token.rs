//! Page tokens: opaque, versioned, bound to their query. They hold a place in an order and no secret, so they work after a restart and
//! on another replica.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::parse::FieldError;
use crate::repository::RunKey;

/// The form of the tokens that this version writes, and the only one it reads.
const VERSION: u8 = 1;
/// The longest token that is read, in bytes.
const MAX_BYTES: usize = 4096;

/// A place in a list, bound to the query that the list answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PageToken<K>(u8, String, K);

/// A text that is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotAToken;

/// The place of a run in its list, as a token holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RunPlace(Option<(i64, i32)>, String, String);

impl From<RunKey> for RunPlace {
    fn from(key: RunKey) -> Self {
        let time = key.completed_at.map(|time| (time.as_second(), time.subsec_nanosecond()));
        Self(time, key.run_id, key.directory)
    }
}

impl RunPlace {
    fn into_key(self) -> Result<RunKey, NotAToken> {
        let completed_at = match self.0 {
            None => None,
            Some((seconds, nanos)) => Some(Timestamp::new(seconds, nanos).map_err(|_| NotAToken)?),
        };
        Ok(RunKey { completed_at, run_id: self.1, directory: self.2 })
    }
}

impl<K: Serialize> PageToken<K> {
    /// The token of the page that begins after `place` in the list that answers `query`.
    pub(super) fn write(query: &QueryFingerprint, place: K) -> String {
        Self(VERSION, query.0.clone(), place).to_string()
    }
}

impl<K: for<'de> Deserialize<'de>> PageToken<K> {
    /// The place that a token holds; `None` for an empty token, which asks for the first page.
    pub(super) fn read(text: &str, query: &QueryFingerprint) -> Result<Option<K>, FieldError> {
        if text.is_empty() {
            return Ok(None);
        }
        let Self(_, fingerprint, place) = text.parse().map_err(|NotAToken| not_a_token())?;
        if fingerprint == query.0 {
            Ok(Some(place))
        } else {
            Err(FieldError::new(
                "page_token",
                "this token belongs to another query; keep all fields but page_size the same",
            ))
        }
    }
}

/// Reads the token of a list of runs.
pub(super) fn read_run_place(text: &str, query: &QueryFingerprint) -> Result<Option<RunKey>, FieldError> {
    PageToken::<RunPlace>::read(text, query)?.map(RunPlace::into_key).transpose().map_err(|NotAToken| not_a_token())
}

/// The refusal of a token that this server did not make.
pub(super) fn not_a_token() -> FieldError {
    FieldError::new("page_token", "not a page token of this server; start from the first page")
}

impl<K: Serialize> fmt::Display for PageToken<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_vec(self).map_err(|_| fmt::Error)?;
        f.write_str(&data_encoding::BASE64URL_NOPAD.encode(&json))
    }
}

impl<K: for<'de> Deserialize<'de>> FromStr for PageToken<K> {
    type Err = NotAToken;

    fn from_str(text: &str) -> Result<Self, NotAToken> {
        if text.len() > MAX_BYTES {
            return Err(NotAToken);
        }
        let json = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotAToken)?;
        let token: Self = serde_json::from_slice(&json).map_err(|_| NotAToken)?;
        if token.0 == VERSION { Ok(token) } else { Err(NotAToken) }
    }
}

/// What a query asks, condensed: two queries with the same fingerprint list the same things in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueryFingerprint(String);

impl QueryFingerprint {
    /// The fingerprint of a call's name, its root and everything it filters by.
    pub(super) fn of(call: &str, root: &str, filter: &impl fmt::Debug) -> Self {
        let digest = Sha256::digest(format!("{call}\n{root}\n{filter:?}"));
        Self(data_encoding::BASE64URL_NOPAD.encode(digest.get(..9).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_reads_back_for_its_query_only() {
        let query = QueryFingerprint::of("ListRetainedRuns", "runs", &("t", "a"));
        let other = QueryFingerprint::of("ListRetainedRuns", "runs", &("t", "b"));
        let key = RunKey {
            completed_at: Some(Timestamp::new(5, 7).expect("a time")),
            run_id: "r".to_owned(),
            directory: "d".to_owned(),
        };
        let token = PageToken::write(&query, RunPlace::from(key.clone()));
        assert_eq!(read_run_place(&token, &query), Ok(Some(key)));
        assert_eq!(read_run_place(&token, &other).map_err(|error| error.field), Err("page_token"));
        assert_eq!(read_run_place("", &query), Ok(None));
    }

    #[test]
    fn a_token_of_another_version_or_length_is_none() {
        let query = QueryFingerprint::of("c", "r", &());
        let old = data_encoding::BASE64URL_NOPAD.encode(br#"[0,"x",["d","r"]]"#);
        assert!(PageToken::<(String, String)>::read(&old, &query).is_err());
        assert!(PageToken::<(String, String)>::read(&"A".repeat(MAX_BYTES + 1), &query).is_err());
    }

    proptest! {
        #[test]
        fn reading_any_token_is_total(text in "\\PC{0,80}", bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let query = QueryFingerprint::of("c", "r", &());
            let _ = read_run_place(&text, &query);
            let _ = read_run_place(&data_encoding::BASE64URL_NOPAD.encode(&bytes), &query);
        }
    }
}
