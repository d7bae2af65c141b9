//! Names of runs, roots, directories and labels.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;

/// A name that breaks its rule. `Display` says the rule, fit for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule}")]
pub struct InvalidName {
    rule: &'static str,
}

/// A run id: 1 to 128 characters from `A-Z a-z 0-9 . _ -`, not starting with `.` or `-`.
///
/// ```
/// use guide_board::model::RunId;
/// assert!("run-20260508T164334Z-7f3a91c2".parse::<RunId>().is_ok());
/// for refused in ["", ".hidden", "-flag", "a/b", "a b", "ä"] {
///     assert!(refused.parse::<RunId>().is_err());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(Arc<str>);

/// The name of a runs root: `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RootName(Arc<str>);

/// The name of a directory beneath a runs root: one UTF-8 path component of 1 to 255 bytes, not `.` or `..`, without `/` and NUL.
///
/// Names that start with `.` and `lost+found` are valid names that no run bears: scans pass over them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DirectoryName(Arc<str>);

/// The most labels a run has.
pub const MAX_LABELS: usize = 32;
/// The longest value of a label, in characters.
pub const MAX_LABEL_VALUE: usize = 256;

/// A label's key: 1 to 63 characters from `A-Z a-z 0-9 . _ - /`, starting with a letter or digit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelKey(Arc<str>);

macro_rules! name_type {
    ($name:ident) => {
        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name as shared text, so that an index can hold it once.
            #[must_use]
            pub fn shared(&self) -> Arc<str> {
                Arc::clone(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(RunId);
name_type!(RootName);
name_type!(DirectoryName);
name_type!(LabelKey);

impl RunId {
    /// The id of a run that begins at `started_at`: `run-20260508T164334Z-7f3a91c2`. The eight hex digits keep two runs of one second
    /// apart.
    #[must_use]
    pub fn generate(started_at: Timestamp, random: u32) -> Self {
        let stamp = started_at.strftime("%Y%m%dT%H%M%SZ");
        Self(format!("run-{stamp}-{random:08x}").into())
    }

    /// Whether a text is a run id.
    #[must_use]
    pub fn is_valid(text: &str) -> bool {
        let listed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        (1..=128).contains(&text.len()) && text.bytes().all(listed) && !text.starts_with(['.', '-'])
    }

    /// The run id of a run whose directory bears its name: both share one text. `None` when `text` is no run id.
    #[must_use]
    pub fn in_directory(text: &str, directory: &DirectoryName) -> Option<Self> {
        if !Self::is_valid(text) {
            None
        } else if text == directory.as_str() {
            Some(Self(directory.shared()))
        } else {
            Some(Self(text.into()))
        }
    }
}

impl FromStr for RunId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if Self::is_valid(text) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName {
                rule: "a run id is 1 to 128 characters from A-Z a-z 0-9 . _ - and does not start with . or -",
            })
        }
    }
}

impl FromStr for RootName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let listed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
        if (1..=63).contains(&text.len()) && text.bytes().all(listed) && !text.starts_with(['_', '-']) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName {
                rule: "a root's name is 1 to 63 characters from a-z 0-9 _ - and starts with a letter or digit",
            })
        }
    }
}

impl FromStr for DirectoryName {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if (1..=255).contains(&text.len())
            && text != "."
            && text != ".."
            && !text.bytes().any(|byte| matches!(byte, b'/' | 0))
        {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName {
                rule: "a directory name is one path component of 1 to 255 bytes, not . or .., without / and NUL",
            })
        }
    }
}

impl FromStr for LabelKey {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let listed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if text.len() <= 63 && starts_well && text.bytes().all(listed) {
            Ok(Self(text.into()))
        } else {
            Err(InvalidName {
                rule: "a label's key is 1 to 63 characters from A-Z a-z 0-9 . _ - / and starts with a letter or digit",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_generated_run_id_has_the_documented_form_and_parses() {
        let at: Timestamp = "2026-05-08T16:43:34.9Z".parse().expect("a time");
        let id = RunId::generate(at, 0x7f3a_91c2);
        assert_eq!(id.as_str(), "run-20260508T164334Z-7f3a91c2");
        assert_eq!(id.as_str().parse::<RunId>().as_ref(), Ok(&id));
    }

    #[test]
    fn run_ids_of_128_characters_pass_and_of_129_do_not() {
        assert!("a".repeat(128).parse::<RunId>().is_ok());
        assert!("a".repeat(129).parse::<RunId>().is_err());
    }

    #[test]
    fn root_names_are_lower_case_and_start_with_a_letter_or_digit() {
        for accepted in ["runs", "0", "a_b-c", &"a".repeat(63)] {
            assert!(accepted.parse::<RootName>().is_ok(), "{accepted}");
        }
        for refused in ["", "Runs", "_a", "-a", "a.b", "a/b", &"a".repeat(64)] {
            assert!(refused.parse::<RootName>().is_err(), "{refused}");
        }
    }

    #[test]
    fn directory_names_are_one_component_however_odd() {
        for accepted in ["foo..bar", "...", "%2e%2e", "a b", "ä", "a\\b"] {
            assert!(accepted.parse::<DirectoryName>().is_ok(), "{accepted}");
        }
        for refused in ["", ".", "..", "a/b", "/", "a\0"] {
            assert!(refused.parse::<DirectoryName>().is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn parsing_any_text_as_any_name_is_total_and_keeps_the_text(text in "\\PC{0,140}") {
            if let Ok(id) = text.parse::<RunId>() { prop_assert_eq!(id.as_str(), &text); }
            if let Ok(name) = text.parse::<RootName>() { prop_assert_eq!(name.as_str(), &text); }
            if let Ok(name) = text.parse::<DirectoryName>() { prop_assert_eq!(name.as_str(), &text); }
            if let Ok(key) = text.parse::<LabelKey>() { prop_assert_eq!(key.as_str(), &text); }
        }
    }
}
