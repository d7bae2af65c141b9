//! The files of an extension: every path in a manifest stays inside the extension, links included.

use std::path::{Path, PathBuf};

use include_dir::DirEntry;

use super::manifest::{is_in_extension, own_paths};
use super::{Extension, ExtensionRoot, MANIFEST};
use crate::assessment::embedded;
use crate::assessment::error::ProfileProblem;
use crate::assessment::profile::{DOCUMENT_BYTES, Document};
use crate::model::{RelativePath, RunnerKind};
use crate::repository::ambient;

/// Where a path in an extension leads.
enum Place {
    /// To a file of the operator's.
    File(PathBuf),
    /// To a file that the binary carries.
    Embedded(&'static [u8]),
    /// To a directory.
    Directory,
    /// Nowhere, or out of the extension; which of the two is not told.
    Nowhere,
}

impl Extension {
    /// The text of a file of the extension.
    ///
    /// # Errors
    /// A sentence, when the path is none, leads out of the extension, or the file is no text of at most 4 MiB.
    pub(in crate::assessment) fn text(&self, path: &str) -> Result<String, String> {
        let text = String::from_utf8(self.bytes(path)?).map_err(|_| format!("{path} is not UTF-8 text"))?;
        Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
    }

    /// The bytes of a file of the extension.
    ///
    /// # Errors
    /// As [`text`](Self::text), for any bytes.
    pub(in crate::assessment) fn bytes(&self, path: &str) -> Result<Vec<u8>, String> {
        match self.place(path)? {
            Place::Embedded(bytes) => Ok(bytes.to_vec()),
            Place::File(file) => ambient::read_bytes(&file, DOCUMENT_BYTES).map_err(|error| match error {
                ambient::AmbientError::TooLarge { limit, .. } => format!("{path} is larger than {limit} bytes"),
                _ => format!("{path} in the extension cannot be read"),
            }),
            Place::Directory => Err(format!("{path} is a directory of the extension; name a file")),
            Place::Nowhere => Err(nowhere(path)),
        }
    }

    /// A JSON document of the extension.
    pub(in crate::assessment) fn json(&self, path: &str) -> Result<Document, Vec<ProfileProblem>> {
        let name = self.name_of(path);
        let text = self
            .text(path)
            .map_err(|message| vec![ProfileProblem { file: name.clone(), pointer: String::new(), message }])?;
        Document::parse(name, &text, PathBuf::new())
    }

    /// What a file of the extension is called in problems and in the source lock.
    pub(in crate::assessment) fn name_of(&self, path: &str) -> String {
        let directory = self.document.name.strip_suffix(MANIFEST).unwrap_or_default();
        format!("{directory}{path}")
    }

    fn place(&self, path: &str) -> Result<Place, String> {
        let relative: RelativePath = path.parse().map_err(|error| format!("{error}"))?;
        Ok(match &self.root {
            ExtensionRoot::Bundled => match embedded::extension_entry(&self.manifest.id, relative.as_str()) {
                Some(DirEntry::File(file)) => Place::Embedded(file.contents()),
                Some(DirEntry::Dir(_)) => Place::Directory,
                None => Place::Nowhere,
            },
            ExtensionRoot::External(directory) => match ambient::resolved_within(directory, &relative) {
                Some(found) if ambient::is_directory(&found) => Place::Directory,
                Some(found) => Place::File(found),
                None => Place::Nowhere,
            },
        })
    }

    /// The paths in the manifest that do not lead to something inside the extension.
    pub(super) fn path_problems(&self) -> Vec<ProfileProblem> {
        let mut problems = Vec::new();
        for (pointer, path) in self.manifest.paths() {
            let problem = match self.place(path) {
                Ok(Place::File(_) | Place::Embedded(_)) => None,
                Ok(Place::Directory) if pointer.contains("/command/") => None,
                Ok(Place::Directory) => Some(format!("{path} is a directory of the extension; name a file")),
                // A later argument may only look like a path.
                Ok(Place::Nowhere) if pointer.contains("/command/") && !pointer.ends_with("/command/0") => {
                    path.split('/').any(|component| component == "..").then(|| nowhere(path))
                }
                Ok(Place::Nowhere) => Some(nowhere(path)),
                Err(error) => Some(error),
            };
            problems.extend(problem.map(|message| self.document.problem(&pointer, &message)));
        }
        for (index, runner) in self.manifest.runner_entrypoints.iter().enumerate() {
            for (at, _) in runner.command.iter().enumerate().filter(|(_, part)| !is_in_extension(part)) {
                let message = "{extension} stands for the extension's directory: write it by itself or with a path in it, {extension}/…";
                problems.push(self.document.problem(&format!("/runner_entrypoints/{index}/command/{at}"), message));
            }
        }
        problems
    }

    /// Whether its runners need a directory with its files.
    #[must_use]
    pub(in crate::assessment) fn needs_files(&self) -> bool {
        let manifest = &self.manifest;
        let of_command = |part: &String| part.contains("{extension}");
        manifest.runner_entrypoints.iter().any(|runner| match runner.kind {
            RunnerKind::PythonModule => true,
            RunnerKind::Command => {
                runner.command.iter().any(of_command)
                    || runner.command.first().is_some_and(|first| !own_paths(first, 0).is_empty())
            }
            RunnerKind::External => false,
        }) || !manifest.normalizers.is_empty()
            || !manifest.report_fragments.is_empty()
    }

    /// The extension's directory, when it is one of the operator's.
    #[must_use]
    pub(in crate::assessment) fn directory(&self) -> Option<&Path> {
        match &self.root {
            ExtensionRoot::Bundled => None,
            ExtensionRoot::External(directory) => Some(directory),
        }
    }
}

fn nowhere(path: &str) -> String {
    format!("{path} is no file of the extension: there is none, or the path leads out of the extension's directory")
}
