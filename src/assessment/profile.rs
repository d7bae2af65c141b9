//! Target and assessment profiles: where they come from, what is valid, what is refused because it is not built yet.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::embedded;
use super::error::ProfileProblem;
use super::schema::{self, Schema};
use crate::repository::ambient;

/// Profiles and manifests are small; beyond this it is the wrong file.
pub(super) const DOCUMENT_BYTES: u64 = 4 * 1024 * 1024;

/// Where a profile comes from.
///
/// ```
/// use guide_board::assessment::ProfileSource;
/// let bundled: ProfileSource = "bundled:profiles/targets/sample-repository.json".parse().unwrap();
/// assert!(matches!(bundled, ProfileSource::Bundled(_)));
/// let file: ProfileSource = "profiles/mine.json".parse().unwrap();
/// assert!(matches!(file, ProfileSource::File(_)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileSource {
    /// A file of the operator's.
    File(PathBuf),
    /// A profile that the binary carries, by its path in the repository. It is read as if it stood in the working directory.
    Bundled(String),
    /// A file that a request names: where it stands is not told.
    Named {
        /// Where it stands.
        file: PathBuf,
        /// What it is called.
        name: String,
    },
    /// The text itself, from a request. It stands nowhere, so of the files that it names only bundled ones are read.
    Text(String),
}

impl FromStr for ProfileSource {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text.strip_prefix("bundled:") {
            Some(path) => Self::Bundled(path.to_owned()),
            None => Self::File(PathBuf::from(text)),
        })
    }
}

impl fmt::Display for ProfileSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Bundled(path) => write!(f, "bundled:{path}"),
            Self::Named { name, .. } => f.write_str(name),
            Self::Text(_) => f.write_str("document"),
        }
    }
}

/// A JSON document that the operator wrote, with what the source lock says about it.
#[derive(Debug, Clone)]
pub struct Document {
    /// The file's name as given, or `bundled:…`.
    pub name: String,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// Its content, as written.
    pub value: Value,
    /// The directory that relative paths in it are relative to.
    pub base: PathBuf,
}

/// A valid target profile.
#[derive(Debug, Clone)]
pub struct TargetProfile {
    /// Where it comes from and what it says.
    pub document: Document,
    /// Its id.
    pub id: String,
    /// `env:A,B`, `file:/path` or nothing.
    pub credentials_ref: Option<String>,
    /// The declared gaps, as written.
    pub known_gaps: Vec<Value>,
}

/// A valid assessment profile.
#[derive(Debug, Clone)]
pub struct AssessmentProfile {
    /// Where it comes from and what it says.
    pub document: Document,
    /// Its id.
    pub id: String,
    /// The frameworks of interest.
    pub frameworks: Vec<String>,
    /// The extensions to use.
    pub extensions: Vec<String>,
    /// The check groups to run; `None` for all.
    pub check_groups: Option<Vec<CheckGroupRef>>,
    /// How runners run, as written.
    pub runtime_policy: Map<String, Value>,
    /// The longest a runner may take.
    pub timeout_seconds: Option<u64>,
    /// How much of each output stream of a runner is kept, at most.
    pub max_output_bytes: Option<u64>,
    /// The retention wishes, as written.
    pub retention_policy: Value,
}

/// A check group that an assessment profile names.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckGroupRef {
    /// The extension.
    pub extension_id: String,
    /// The group in it.
    pub check_group: String,
}

#[derive(Deserialize)]
struct TargetFields {
    id: String,
    credentials_ref: Option<String>,
    #[serde(default)]
    known_gaps: Vec<Value>,
}

#[derive(Deserialize)]
struct AssessmentFields {
    id: String,
    #[serde(default)]
    frameworks: Vec<String>,
    extensions: Vec<String>,
    check_groups: Option<Vec<CheckGroupRef>>,
    #[serde(default)]
    runtime_policy: Map<String, Value>,
    retention_policy: Option<Value>,
}

/// Reads and validates a target profile.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load_target(source: &ProfileSource) -> Result<TargetProfile, Vec<ProfileProblem>> {
    let document = load(source, "profiles/targets")?;
    refuse(schema::problems(Schema::TargetProfile, &document.value, &document.name))?;
    let fields = TargetFields::deserialize(&document.value).map_err(|error| document.whole(&error))?;
    Ok(TargetProfile {
        id: fields.id,
        credentials_ref: fields.credentials_ref,
        known_gaps: fields.known_gaps,
        document,
    })
}

/// Reads and validates an assessment profile.
///
/// # Errors
/// Everything that is wrong with it, at once. The policy sets that it names are read when it is planned with.
pub fn load_assessment(source: &ProfileSource) -> Result<AssessmentProfile, Vec<ProfileProblem>> {
    let document = load(source, "profiles/assessments")?;
    refuse(schema::problems(Schema::AssessmentProfile, &document.value, &document.name))?;
    let fields = AssessmentFields::deserialize(&document.value).map_err(|error| document.whole(&error))?;
    Ok(AssessmentProfile {
        id: fields.id,
        frameworks: fields.frameworks,
        extensions: fields.extensions,
        check_groups: fields.check_groups,
        timeout_seconds: fields.runtime_policy.get("timeout_seconds").and_then(Value::as_u64),
        max_output_bytes: fields.runtime_policy.get("max_output_bytes").and_then(Value::as_u64),
        runtime_policy: fields.runtime_policy,
        retention_policy: fields.retention_policy.unwrap_or_else(|| Value::Object(Map::new())),
        document,
    })
}

fn refuse(problems: Vec<ProfileProblem>) -> Result<(), Vec<ProfileProblem>> {
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

impl Document {
    /// Reads JSON text; duplicate keys keep the last value, as JSON readers do.
    pub(super) fn parse(name: String, text: &str, base: PathBuf) -> Result<Self, Vec<ProfileProblem>> {
        let value = serde_json::from_str(text).map_err(|error| {
            vec![ProfileProblem { file: name.clone(), pointer: String::new(), message: format!("not JSON: {error}") }]
        })?;
        let sha256 = data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()));
        Ok(Self { name, sha256, value, base })
    }

    pub(super) fn problem(&self, pointer: &str, message: &str) -> ProfileProblem {
        ProfileProblem { file: self.name.clone(), pointer: pointer.to_owned(), message: message.to_owned() }
    }

    fn whole(&self, error: &serde_json::Error) -> Vec<ProfileProblem> {
        vec![self.problem("", &error.to_string())]
    }
}

fn load(source: &ProfileSource, bundled_directory: &str) -> Result<Document, Vec<ProfileProblem>> {
    let problem = |message: String| vec![ProfileProblem { file: source.to_string(), pointer: String::new(), message }];
    match source {
        ProfileSource::File(path) | ProfileSource::Named { file: path, .. } => {
            let text = ambient::read_text(path, DOCUMENT_BYTES)
                .map_err(|error| problem(error.told_of(&source.to_string())))?;
            let resolved = ambient::resolved(path);
            let base = resolved.parent().unwrap_or(Path::new("/")).to_owned();
            Document::parse(source.to_string(), &text, base)
        }
        ProfileSource::Bundled(path) => {
            let text = embedded::profile(path).ok_or_else(|| {
                problem(format!(
                    "there is no such bundled profile; there are: {}",
                    embedded::profile_paths().join(", ")
                ))
            })?;
            Document::parse(source.to_string(), text, ambient::resolved(Path::new(".")).join(bundled_directory))
        }
        ProfileSource::Text(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            Document::parse(source.to_string(), text, PathBuf::new())
        }
    }
}

/// Reads a document that a profile names at `pointer`: relative to the profile's file, or `bundled:…`. A bundled profile names bundled documents first.
pub(super) fn load_beside(
    source: &ProfileSource,
    profile: &Document,
    pointer: &str,
    reference: &str,
) -> Result<Document, Vec<ProfileProblem>> {
    if reference.starts_with("bundled:") {
        let Ok(bundled) = reference.parse();
        return load(&bundled, "");
    }
    let beside = |name: &Path| without_dots(&name.parent().unwrap_or(Path::new("")).join(reference));
    if let ProfileSource::Bundled(path) = source
        && let Some(path) = beside(Path::new(path)).to_str().filter(|path| embedded::profile(path).is_some())
    {
        return load(&ProfileSource::Bundled(path.to_owned()), "");
    }
    let name = match source {
        ProfileSource::File(path) => beside(path).display().to_string(),
        ProfileSource::Named { name, .. } if Path::new(reference).is_relative() => {
            beside(Path::new(name)).display().to_string()
        }
        ProfileSource::Named { .. } | ProfileSource::Bundled(_) | ProfileSource::Text(_) => {
            source.shown(reference).to_string()
        }
    };
    let told = source.shown(reference);
    let file = profile.base.join(reference);
    let text = ambient::read_text(&file, DOCUMENT_BYTES).map_err(|error| {
        // Named as the profile names it, not where it was looked for.
        let message = match error {
            ambient::AmbientError::NotAFile { .. } => format!("{told} is not a regular file"),
            ambient::AmbientError::TooLarge { limit, .. } => format!("{told} is larger than {limit} bytes"),
            ambient::AmbientError::NotText { at, .. } => format!("{told} is not UTF-8 text (byte {at})"),
            ambient::AmbientError::Unreadable { .. } | ambient::AmbientError::Unwritable { .. } => {
                format!("there is no file {told} beside the profile, or it cannot be read")
            }
        };
        vec![profile.problem(pointer, &message)]
    })?;
    Document::parse(name, &text, PathBuf::new())
}

impl ProfileSource {
    /// A reference in the profile as it may be told: of an absolute one only its last component, where it is not told where things stand.
    fn shown<'a>(&self, reference: &'a str) -> std::borrow::Cow<'a, str> {
        match self {
            Self::Named { .. } if Path::new(reference).is_absolute() => {
                Path::new(reference).file_name().unwrap_or_default().to_string_lossy()
            }
            _ => reference.into(),
        }
    }

    /// Whether a document that the profile names can be read: a text stands nowhere, and what came with a request opens no file.
    pub(super) fn can_name(&self, reference: &str) -> bool {
        !matches!(self, Self::Text(_)) || reference.starts_with("bundled:")
    }
}

impl AssessmentProfile {
    /// The policy set that the profile names under this key.
    pub(super) fn policy_ref(&self, key: &str) -> Option<&str> {
        self.document.value.get(key).and_then(Value::as_str)
    }
}

/// The path without `.` and `..`, as text: for a bundled profile the directory it seems to stand in need not exist.
pub(super) fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundled_profile_is_valid() {
        for path in embedded::profile_paths() {
            let source = ProfileSource::Bundled(path.clone());
            let problems =
                if path.contains("/targets/") { load_target(&source).err() } else { load_assessment(&source).err() };
            assert_eq!(problems, None, "{path}");
        }
    }
}
