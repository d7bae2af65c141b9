//! Finding extensions: those the binary carries, and those in the directories that the operator names.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::embedded;
use super::error::ProfileProblem;
use super::profile::{DOCUMENT_BYTES, Document};
use super::schema::{self, Schema};
use crate::model::RunnerKind;
use crate::repository::ambient::{self, AmbientError};

/// Where an extension lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExtensionRoot {
    /// In the binary.
    Bundled,
    /// In a directory of the operator's.
    External(PathBuf),
}

/// An extension with a valid manifest.
#[derive(Debug, Clone)]
pub struct Extension {
    /// Where it lives.
    pub root: ExtensionRoot,
    /// Its manifest, as written.
    pub document: Document,
    /// Its manifest.
    pub manifest: Manifest,
}

/// The parts of an `extension.json` that execution uses.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// The extension's id.
    pub id: String,
    /// Its version; empty when it has none.
    #[serde(default)]
    pub version: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The frameworks it supports: ids, or objects with an `id`.
    #[serde(default)]
    pub supported_frameworks: Vec<Value>,
    /// Who stands behind the frameworks.
    #[serde(default)]
    pub authorities: Vec<Authority>,
    /// Its check groups.
    pub check_groups: Vec<CheckGroup>,
    /// Its runners.
    pub runner_entrypoints: Vec<RunnerEntrypoint>,
    /// What its results do and do not say.
    pub certification_boundary: Option<String>,
}

/// Who stands behind a framework.
#[derive(Debug, Clone, Deserialize)]
pub struct Authority {
    /// Its id.
    pub id: String,
    /// Where to find it.
    pub url: Option<String>,
}

/// Checks that one runner makes in one go.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckGroup {
    /// The group's id.
    pub id: String,
    /// The runner's id.
    pub runner_ref: String,
    /// The limit of its own.
    pub timeout_seconds: Option<u64>,
    /// The checks.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Deserialize)]
pub struct Check {
    /// The check's id.
    pub id: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it looks at.
    pub description: Option<String>,
    /// The requirements it maps to.
    #[serde(default)]
    pub requirement_refs: Vec<String>,
}

/// A program that makes checks.
#[derive(Debug, Clone, Deserialize)]
pub struct RunnerEntrypoint {
    /// The runner's id.
    pub id: String,
    /// Its kind.
    pub kind: RunnerKind,
    /// The argument vector of a `command` runner.
    #[serde(default)]
    pub command: Vec<String>,
    /// The runner's own limit.
    pub timeout_seconds: Option<u64>,
}

/// All extensions there are: the bundled ones, then those of the directories, each of which is an extension itself or holds extensions.
///
/// # Errors
/// Every manifest that is not valid and every id that two extensions bear, at once.
pub fn discover(directories: &[PathBuf]) -> Result<Vec<Extension>, Vec<ProfileProblem>> {
    let mut problems = Vec::new();
    let mut found = Vec::new();
    for (name, text) in embedded::extensions() {
        let label = format!("bundled:extensions/{name}/extension.json");
        let read = Document::parse(label, text, PathBuf::new())
            .and_then(|document| valid(document, ExtensionRoot::Bundled, OsStr::new(name)));
        collect(read, &mut found, &mut problems);
    }
    for directory in directories {
        match manifests(directory) {
            Ok(places) => {
                for place in places {
                    collect(load(&place), &mut found, &mut problems);
                }
            }
            Err(message) => {
                problems.push(ProfileProblem {
                    file: directory.display().to_string(),
                    pointer: String::new(),
                    message,
                });
            }
        }
    }
    let mut seen = HashSet::new();
    for extension in &found {
        if !seen.insert(extension.manifest.id.as_str()) {
            problems.push(extension.document.problem("/id", "another extension bears this id; rename one of them"));
        }
    }
    if problems.is_empty() { Ok(found) } else { Err(problems) }
}

fn collect(
    read: Result<Extension, Vec<ProfileProblem>>,
    found: &mut Vec<Extension>,
    problems: &mut Vec<ProfileProblem>,
) {
    match read {
        Ok(extension) => found.push(extension),
        Err(more) => problems.extend(more),
    }
}

/// The directories of extensions that an operator's directory stands for: itself, or those in it that have a manifest.
fn manifests(directory: &Path) -> Result<Vec<PathBuf>, String> {
    if has_manifest(directory) {
        return Ok(vec![ambient::resolved(directory)]);
    }
    let below: Vec<PathBuf> = ambient::subdirectories(directory)
        .map_err(|error| error.to_string())?
        .into_iter()
        .filter(|below| has_manifest(below))
        .map(|below| ambient::resolved(&below))
        .collect();
    if below.is_empty() {
        return Err("neither this directory nor one in it has an extension.json".to_owned());
    }
    Ok(below)
}

/// Whether something that cannot be read stands there shows when it is loaded.
fn has_manifest(directory: &Path) -> bool {
    match ambient::read_bytes(&directory.join("extension.json"), DOCUMENT_BYTES) {
        Ok(_) => true,
        Err(AmbientError::Unreadable { source, .. }) => {
            !matches!(source.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
        }
        Err(_) => true,
    }
}

fn load(directory: &Path) -> Result<Extension, Vec<ProfileProblem>> {
    let path = directory.join("extension.json");
    let name = path.display().to_string();
    let text = ambient::read_text(&path, DOCUMENT_BYTES).map_err(|error| {
        vec![ProfileProblem { file: name.clone(), pointer: String::new(), message: error.to_string() }]
    })?;
    let document = Document::parse(name, &text, directory.to_owned())?;
    valid(document, ExtensionRoot::External(directory.to_owned()), directory.file_name().unwrap_or_default())
}

fn valid(document: Document, root: ExtensionRoot, directory: &OsStr) -> Result<Extension, Vec<ProfileProblem>> {
    let mut problems = schema::problems(Schema::Extension, &document.value, &document.name);
    if !problems.is_empty() {
        return Err(problems);
    }
    let manifest =
        Manifest::deserialize(&document.value).map_err(|error| vec![document.problem("", &error.to_string())])?;
    if OsStr::new(&manifest.id) != directory {
        let message = format!("an extension's id is its directory's name, which is {}", directory.display());
        problems.push(document.problem("/id", &message));
    }
    let mut groups = HashSet::new();
    // Evidence names an extension and a check, no group: so a check's id is its extension's only one.
    let mut checks = HashSet::new();
    for (index, group) in manifest.check_groups.iter().enumerate() {
        let pointer = format!("/check_groups/{index}");
        if !groups.insert(&group.id) {
            problems.push(document.problem(&format!("{pointer}/id"), "another group bears this id"));
        }
        let runners = manifest.runner_entrypoints.iter().filter(|runner| runner.id == group.runner_ref).count();
        if runners != 1 {
            let message = format!("{runners} runner_entrypoints bear the id {}; one must", group.runner_ref);
            problems.push(document.problem(&format!("{pointer}/runner_ref"), &message));
        }
        for (at, check) in group.checks.iter().enumerate() {
            if !checks.insert(&check.id) {
                let message = "another check of this extension bears this id";
                problems.push(document.problem(&format!("{pointer}/checks/{at}/id"), message));
            }
        }
    }
    if problems.is_empty() { Ok(Extension { root, document, manifest }) } else { Err(problems) }
}

impl Extension {
    /// What this version cannot do yet and the manifest asks for. Ignoring it would change what a run means.
    #[must_use]
    pub fn unsupported(&self) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        let value = &self.document.value;
        for key in ["normalizers", "mappings", "report_fragments"] {
            if value.get(key).and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
                let message =
                    format!("{} are not supported by this version; leave the list empty", key.replace('_', " "));
                problems.push(self.document.problem(&format!("/{key}"), &message));
            }
        }
        if value.get("preflight_runner").is_some_and(|runner| !runner.is_null()) {
            let message = "preflight runners are not supported by this version; leave it out or set it to null";
            problems.push(self.document.problem("/preflight_runner", message));
        }
        for (index, runner) in self.manifest.runner_entrypoints.iter().enumerate() {
            let pointer = format!("/runner_entrypoints/{index}");
            if runner.kind != RunnerKind::Command {
                let message = format!("{} runners are not supported by this version; use command", runner.kind);
                problems.push(self.document.problem(&format!("{pointer}/kind"), &message));
            }
            let needs_directory = runner.command.iter().any(|part| part.contains("{extension}"))
                || runner
                    .command
                    .first()
                    .is_some_and(|program| program.contains('/') && !program.starts_with(['/', '{']));
            if self.root == ExtensionRoot::Bundled && needs_directory {
                let message = "a bundled extension has no directory that a command could name";
                problems.push(self.document.problem(&format!("{pointer}/command"), message));
            }
        }
        problems
    }

    /// A runner by its id.
    #[must_use]
    pub fn runner(&self, id: &str) -> Option<&RunnerEntrypoint> {
        self.manifest.runner_entrypoints.iter().find(|runner| runner.id == id)
    }

    /// The word that a plan uses for where it lives; the source lock has the path.
    #[must_use]
    pub const fn root_word(&self) -> &'static str {
        match &self.root {
            ExtensionRoot::Bundled => "bundled",
            ExtensionRoot::External(_) => "external",
        }
    }
}
