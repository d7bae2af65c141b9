//! Finding extensions: those the binary carries, and those in the directories that the operator names.

mod files;
mod manifest;
mod profile_schemas;
mod validity;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

pub use manifest::{
    Authority, Check, CheckGroup, FragmentKind, FragmentSource, Framework, Inputs, Manifest, MappingSource, Normalizer,
    NormalizerKind, ProfileSchema, PythonFunction, RunnerEntrypoint,
};

use super::embedded;
use super::error::ProfileProblem;
use super::profile::{DOCUMENT_BYTES, Document};
use crate::repository::ambient::{self, AmbientError};

/// The file that makes a directory an extension.
pub const MANIFEST: &str = "extension.json";

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

impl Extension {
    /// The word that a plan uses for where it lives; the source lock has the path.
    #[must_use]
    pub const fn root_word(&self) -> &'static str {
        match &self.root {
            ExtensionRoot::Bundled => "bundled",
            ExtensionRoot::External(_) => "external",
        }
    }
}

/// What the extensions of the operator's directories are called, in problems and in what is planned with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// By their paths: for the operator.
    Paths,
    /// By the last component of their paths: for whoever must not see where they stand.
    Names,
}

/// What is said of a directory that was to hold extensions and does not.
pub const HOLDS_NONE: &str = "neither this directory nor one in it has an extension.json";

/// What was found when extensions were looked for.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The valid ones: the bundled ones first, then by directory. No two bear one id.
    pub extensions: Vec<Extension>,
    /// Every manifest that is not valid, every id that two extensions bear, and every directory that holds none.
    pub problems: Vec<ProfileProblem>,
    /// Of each of the problems the extension that it belongs to; `None` for a directory that holds none.
    owners: Vec<Option<String>>,
}

/// The extensions that are found and what is wrong with others.
#[derive(Default)]
struct Found {
    extensions: Vec<Extension>,
    problems: Vec<ProfileProblem>,
    owners: Vec<Option<String>>,
}

impl Found {
    /// `id` is the name of the directory: what a manifest that is not valid says of its id is not believed.
    fn collect(&mut self, id: &OsStr, read: Result<Extension, Vec<ProfileProblem>>) {
        match read {
            Ok(extension) => self.extensions.push(extension),
            Err(more) => {
                let id = id.to_string_lossy();
                more.into_iter().for_each(|problem| self.problem(Some(id.clone().into_owned()), problem));
            }
        }
    }

    fn problem(&mut self, owner: Option<String>, problem: ProfileProblem) {
        self.owners.push(owner);
        self.problems.push(problem);
    }
}

impl Survey {
    /// Looks at the bundled extensions and at those of the directories, each of which is an extension itself or holds extensions.
    #[must_use]
    pub fn of(directories: &[PathBuf], naming: Naming) -> Self {
        let mut found = Found::default();
        for (name, text) in embedded::extensions() {
            let label = format!("bundled:extensions/{name}/extension.json");
            let read = Document::parse(label, text, PathBuf::new())
                .and_then(|document| validity::valid(document, ExtensionRoot::Bundled, OsStr::new(name)));
            found.collect(OsStr::new(name), read);
        }
        // One that is named in two ways is one.
        let mut places_seen = HashSet::new();
        for directory in directories {
            match manifests(directory, naming) {
                Ok(places) => {
                    for place in places {
                        if places_seen.insert(place.clone()) {
                            found.collect(place.file_name().unwrap_or_default(), load(&place, naming));
                        }
                    }
                }
                Err(message) => {
                    let problem = ProfileProblem { file: naming.of(directory), pointer: String::new(), message };
                    found.problem(None, problem);
                }
            }
        }
        let mut seen = HashSet::new();
        let mut extensions = Vec::new();
        for extension in std::mem::take(&mut found.extensions) {
            let id = extension.manifest.id.clone();
            if seen.insert(id.clone()) {
                extensions.push(extension);
            } else {
                let problem = extension.document.problem("/id", "another extension bears this id; rename one of them");
                found.problem(Some(id), problem);
            }
        }
        Self { extensions, problems: found.problems, owners: found.owners }
    }

    /// The extensions, for a profile that names some of them, if there is no problem that is its business: one of an extension that it
    /// names, or of a directory as a whole. What is wrong with others is not.
    ///
    /// # Errors
    /// Those problems.
    pub fn for_named(self, ids: &[String]) -> Result<Vec<Extension>, Vec<ProfileProblem>> {
        let named = |owner: &Option<String>| owner.as_ref().is_none_or(|id| ids.contains(id));
        let mut owners = self.owners.iter();
        let mut problems = self.problems;
        problems.retain(|_| owners.next().is_none_or(named));
        if problems.is_empty() { Ok(self.extensions) } else { Err(problems) }
    }
}

impl Naming {
    fn of(self, directory: &Path) -> String {
        match self {
            Self::Paths => directory.display().to_string(),
            Self::Names => directory.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }
}

/// The directories of extensions that an operator's directory stands for: itself, or those in it that have a manifest.
fn manifests(directory: &Path, naming: Naming) -> Result<Vec<PathBuf>, String> {
    if has_manifest(directory) {
        return Ok(vec![ambient::resolved(directory)]);
    }
    if directory.file_name() == Some(OsStr::new(MANIFEST)) && !ambient::is_directory(directory) {
        return Err("this is a manifest or nothing; name the directory that it stands in".to_owned());
    }
    let below: Vec<PathBuf> = ambient::subdirectories(directory)
        .map_err(|error| error.told_of(&naming.of(directory)))?
        .into_iter()
        .filter(|below| has_manifest(below))
        .map(|below| ambient::resolved(&below))
        .collect();
    // A directory with nothing in it is a mount point that nothing is mounted on, or a new volume, and holds none; one with other things is not
    // what was meant.
    if below.is_empty() && !ambient::is_empty_directory(directory) {
        return Err(HOLDS_NONE.to_owned());
    }
    Ok(below)
}

/// Whether something that cannot be read stands there shows when it is loaded.
fn has_manifest(directory: &Path) -> bool {
    match ambient::read_bytes(&directory.join(MANIFEST), DOCUMENT_BYTES) {
        Ok(_) => true,
        Err(AmbientError::Unreadable { source, .. }) => {
            !matches!(source.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
        }
        Err(_) => true,
    }
}

fn load(directory: &Path, naming: Naming) -> Result<Extension, Vec<ProfileProblem>> {
    let name = format!("{}/extension.json", naming.of(directory));
    let text = ambient::read_text(&directory.join(MANIFEST), DOCUMENT_BYTES).map_err(|error| {
        vec![ProfileProblem { file: name.clone(), pointer: String::new(), message: error.told_of(&name) }]
    })?;
    let document = Document::parse(name, &text, directory.to_owned())?;
    let root = ExtensionRoot::External(directory.to_owned());
    validity::valid(document, root, directory.file_name().unwrap_or_default())
}
