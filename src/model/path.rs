//! Paths relative to a run directory.

use std::fmt;
use std::str::FromStr;

/// The longest path in bytes: one less than the kernel's PATH_MAX, which counts the closing NUL.
const MAX_BYTES: usize = 4095;

/// Why a text is not a [`RelativePath`]. `Display` is fit for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathSyntaxError {
    /// The text is empty.
    #[error("the path is empty")]
    Empty,
    /// The text is longer than 4095 bytes.
    #[error("the path is longer than 4095 bytes")]
    TooLong,
    /// The text starts with a slash: it would be absolute.
    #[error("the path starts with a slash; paths are relative to the run directory")]
    Absolute,
    /// The text ends with a slash.
    #[error("the path ends with a slash; name a file")]
    TrailingSlash,
    /// Two slashes stand side by side.
    #[error("the path has an empty component")]
    EmptyComponent,
    /// A component is `.` or `..`.
    #[error("the path has a `.` or `..` component")]
    DotComponent,
    /// The text has a NUL.
    #[error("the path has a NUL character")]
    Nul,
    /// The text has a backslash.
    #[error("the path has a backslash; components are separated by /")]
    Backslash,
}

/// A path relative to a run directory, `/` separated, taken literally: never percent-decoded, never normalised.
///
/// Invariants: 1 to 4095 bytes of UTF-8; no component is empty, `.` or `..`; no NUL, no backslash. That the path stays inside
/// the run when it is opened is the gate's affair, see [`crate::repository::root`].
///
/// ```
/// use guide_board::model::RelativePath;
/// for accepted in ["reports/report.md", "artifacts/foo..bar", "artifacts/...", "artifacts/%2e%2e", "artifacts/a b"] {
///     assert!(accepted.parse::<RelativePath>().is_ok());
/// }
/// for refused in ["", "/etc/passwd", "a/", "a//b", "a/../b", "./a", "a\\b", "a\0b"] {
///     assert!(refused.parse::<RelativePath>().is_err());
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativePath(Box<str>);

impl RelativePath {
    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a text is such a path, without making one of it.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn check(text: &str) -> Result<(), PathSyntaxError> {
        if text.is_empty() {
            return Err(PathSyntaxError::Empty);
        }
        if text.len() > MAX_BYTES {
            return Err(PathSyntaxError::TooLong);
        }
        if text.contains('\0') {
            return Err(PathSyntaxError::Nul);
        }
        if text.contains('\\') {
            return Err(PathSyntaxError::Backslash);
        }
        if text.starts_with('/') {
            return Err(PathSyntaxError::Absolute);
        }
        if text.ends_with('/') {
            return Err(PathSyntaxError::TrailingSlash);
        }
        for component in text.split('/') {
            match component {
                "" => return Err(PathSyntaxError::EmptyComponent),
                "." | ".." => return Err(PathSyntaxError::DotComponent),
                _ => {}
            }
        }
        Ok(())
    }

    /// The components, first to last; at least one.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }

    /// The first component.
    #[must_use]
    pub fn first(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(first, _)| first)
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&*self.0, |(_, last)| last)
    }

    /// The path without its last component; `None` for a path of one component.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once('/').map(|(parent, _)| Self(parent.into()))
    }

    /// This path with one more component.
    ///
    /// # Errors
    /// When `component` is not a single valid component, or the whole becomes too long.
    pub fn join(&self, component: &str) -> Result<Self, PathSyntaxError> {
        format!("{}/{component}", self.0).parse()
    }
}

impl FromStr for RelativePath {
    type Err = PathSyntaxError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::check(text).map(|()| Self(text.into()))
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for RelativePath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_rule_has_its_own_error() {
        let long = "a".repeat(MAX_BYTES + 1);
        let cases = [
            ("", PathSyntaxError::Empty),
            (long.as_str(), PathSyntaxError::TooLong),
            ("/a", PathSyntaxError::Absolute),
            ("a/", PathSyntaxError::TrailingSlash),
            ("a//b", PathSyntaxError::EmptyComponent),
            ("a/./b", PathSyntaxError::DotComponent),
            ("..", PathSyntaxError::DotComponent),
            ("a\0", PathSyntaxError::Nul),
            ("a\\..\\b", PathSyntaxError::Backslash),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse::<RelativePath>(), Err(expected), "{text:?}");
        }
    }

    #[test]
    fn a_path_of_exactly_the_bound_passes() {
        assert!("a".repeat(MAX_BYTES).parse::<RelativePath>().is_ok());
    }

    #[test]
    fn parent_first_and_file_name_are_what_they_say() {
        let path: RelativePath = "artifacts/x/y.txt".parse().expect("valid");
        assert_eq!(path.first(), "artifacts");
        assert_eq!(path.file_name(), "y.txt");
        assert_eq!(path.parent().expect("a parent").as_str(), "artifacts/x");
        assert!(path.join("..").is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_only_plain_components(text in "[a./\\\\\u{0}%é]{0,12}") {
            if let Ok(path) = text.parse::<RelativePath>() {
                prop_assert_eq!(path.as_str(), &text);
                for component in path.components() {
                    prop_assert!(!component.is_empty() && component != "." && component != "..");
                }
            }
        }
    }
}
