//! Artifact manifest entries, as a package records them.

use super::path::{PathSyntaxError, RelativePath};

/// A path as a document stores it: untrusted text. It has no accessor for the text, because that may be an absolute path of some machine;
/// it is only ever [resolved](Self::resolve).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPath(Box<str>);

/// What a stored absolute path is rebased on: the run may have moved since it was written.
#[derive(Debug, Clone, Copy)]
pub struct Rebase<'a> {
    /// The `output_dir` that the run's `run.json` records.
    pub output_dir: Option<&'a str>,
    /// The run directory's name now.
    pub directory: &'a str,
}

impl StoredPath {
    /// Takes the text as the document has it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Whether the text is an absolute path, so that [`Rebase::output_dir`] matters.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        self.0.starts_with('/')
    }

    /// The path relative to the run directory: a relative one as it stands; of an absolute one what follows the recorded `output_dir`,
    /// or else what follows the last component that equals the run directory's name.
    ///
    /// # Errors
    /// When what is left is no [`RelativePath`]; then the ref is unsafe.
    pub fn resolve(&self, rebase: Rebase<'_>) -> Result<RelativePath, PathSyntaxError> {
        if !self.is_absolute() {
            return self.0.parse();
        }
        let below_output = rebase.output_dir.and_then(|output| {
            let output = output.trim_end_matches('/');
            if output.is_empty() { None } else { self.0.strip_prefix(output)?.strip_prefix('/') }
        });
        let below_directory = || {
            let needle = format!("/{}/", rebase.directory);
            self.0.rfind(&needle).and_then(|at| self.0.get(at + needle.len()..))
        };
        below_output.or_else(below_directory).ok_or(PathSyntaxError::Absolute)?.parse()
    }
}

/// One entry of an artifact manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactEntry {
    /// The path, as stored.
    pub path: StoredPath,
    /// The recorded size in bytes.
    pub size_bytes: Option<u64>,
    /// The recorded SHA-256, bare lower-case hex.
    pub sha256: Option<String>,
    /// The recorded media type.
    pub media_type: Option<String>,
    /// The extension that produced it.
    pub extension_id: Option<String>,
    /// Ids of the evidence items that refer to it.
    pub evidence_refs: Vec<String>,
}

/// Whether a text is a media type without parameters, which can stand in a header: `type/subtype`, at most 127 bytes each (RFC 6838).
#[must_use]
pub fn is_media_type(text: &str) -> bool {
    let is_token = |text: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte);
        !text.is_empty() && text.len() <= 127 && text.bytes().all(allowed)
    };
    text.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn resolved(text: &str, output_dir: Option<&str>) -> Option<String> {
        let rebase = Rebase { output_dir, directory: "run-1" };
        StoredPath::new(text).resolve(rebase).ok().map(|path| path.as_str().to_owned())
    }

    #[test]
    fn an_absolute_path_is_rebased_on_the_recorded_output_dir_first() {
        assert_eq!(resolved("/ci/out/reports/r.md", Some("/ci/out")).as_deref(), Some("reports/r.md"));
        assert_eq!(resolved("/ci/out/reports/r.md", Some("/ci/out/")).as_deref(), Some("reports/r.md"));
    }

    #[test]
    fn else_it_is_rebased_on_the_last_component_equal_to_the_directory_name() {
        assert_eq!(resolved("/a/run-1/b/run-1/reports/r.md", None).as_deref(), Some("reports/r.md"));
        assert_eq!(resolved("/a/run-1/reports/r.md", Some("/elsewhere")).as_deref(), Some("reports/r.md"));
    }

    #[test]
    fn prefix_twins_and_escapes_stay_unsafe() {
        assert_eq!(resolved("/ci/out-secret/r.md", Some("/ci/out")), None);
        assert_eq!(resolved("/ci/run-1-secret/r.md", None), None);
        assert_eq!(resolved("/ci/run-1/../../etc/passwd", None), None);
        assert_eq!(resolved("/etc/passwd", Some("/")), None);
        assert_eq!(resolved("/etc/passwd", Some("")), None);
        assert_eq!(resolved("/ci/run-1/", None), None);
        assert_eq!(resolved("../x", Some("/ci")), None);
    }

    proptest! {
        #[test]
        fn resolving_any_text_is_total(text in "\\PC{0,60}", output in proptest::option::of("\\PC{0,20}")) {
            let _ = StoredPath::new(&text).resolve(Rebase { output_dir: output.as_deref(), directory: "run-1" });
        }
    }
}
