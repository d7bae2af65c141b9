//! What a manifest must be beyond its schema: ids unique and known, paths inside the extension.

use std::collections::HashSet;
use std::ffi::OsStr;

use serde::Deserialize as _;

use super::{Extension, ExtensionRoot, Framework, Manifest, NormalizerKind, ProfileSchema};
use crate::assessment::error::ProfileProblem;
use crate::assessment::mappings;
use crate::assessment::profile::Document;
use crate::assessment::schema::{self, Schema};
use crate::model::{RunnerKind, printable};

/// Reads a manifest. `directory` is the name of the directory that it stands in.
///
/// # Errors
/// Everything that is wrong with it and the files it names, at once.
pub(super) fn valid(
    document: Document,
    root: ExtensionRoot,
    directory: &OsStr,
) -> Result<Extension, Vec<ProfileProblem>> {
    let problems = schema::problems(Schema::Extension, &document.value, &document.name);
    if !problems.is_empty() {
        return Err(problems);
    }
    let manifest =
        Manifest::deserialize(&document.value).map_err(|error| vec![document.problem("", &error.to_string())])?;
    let extension = Extension { root, document, manifest };
    let mut problems = Vec::new();
    if OsStr::new(&extension.manifest.id) != directory {
        let message = format!("an extension's id is its directory's name, which is {}", directory.display());
        problems.push(extension.document.problem("/id", &message));
    }
    let mut found = Findings { extension: &extension, problems };
    found.ids();
    found.references();
    let mut problems = found.problems;
    let astray = extension.path_problems();
    // What the files say is looked at only when the paths are right.
    if astray.is_empty() {
        problems.extend(mappings::problems(&extension));
        problems.extend(extension.schema_problems());
    }
    problems.extend(astray);
    if problems.is_empty() { Ok(extension) } else { Err(problems) }
}

struct Findings<'a> {
    extension: &'a Extension,
    problems: Vec<ProfileProblem>,
}

impl Findings<'_> {
    fn add(&mut self, pointer: &str, message: &str) {
        self.problems.push(self.extension.document.problem(pointer, message));
    }

    /// Every id is its list's only one. Evidence names an extension and a check, no group: so a check's id is its extension's only one.
    fn ids(&mut self) {
        let manifest = &self.extension.manifest;
        let own_schemas = manifest.profile_schemas.iter().map(|schema| match schema {
            ProfileSchema::Standard(word) => word.as_str(),
            ProfileSchema::Own { id, .. } => id.as_str(),
        });
        let lists: [(&str, Vec<&str>); 7] = [
            ("check_groups", manifest.check_groups.iter().map(|group| group.id.as_str()).collect()),
            ("runner_entrypoints", manifest.runner_entrypoints.iter().map(|runner| runner.id.as_str()).collect()),
            ("normalizers", manifest.normalizers.iter().map(|normalizer| normalizer.id.as_str()).collect()),
            ("mappings", manifest.mappings.iter().map(|mapping| mapping.id.as_str()).collect()),
            ("report_fragments", manifest.report_fragments.iter().map(|fragment| fragment.id.as_str()).collect()),
            ("authorities", manifest.authorities.iter().map(|authority| authority.id.as_str()).collect()),
            ("profile_schemas", own_schemas.collect()),
        ];
        for (list, ids) in lists {
            let mut seen = HashSet::new();
            for (index, id) in ids.into_iter().enumerate() {
                if !seen.insert(id) {
                    self.add(&format!("/{list}/{index}"), &format!("another one of {list} bears the id {id}"));
                }
            }
        }
        let mut checks = HashSet::new();
        for (index, group) in manifest.check_groups.iter().enumerate() {
            for (at, check) in group.checks.iter().enumerate() {
                if !checks.insert(check.id.as_str()) {
                    let pointer = format!("/check_groups/{index}/checks/{at}/id");
                    self.add(&pointer, "another check of this extension bears this id");
                }
            }
        }
    }

    /// What names another part of the manifest names one that is there and fits.
    fn references(&mut self) {
        let manifest = &self.extension.manifest;
        for (index, group) in manifest.check_groups.iter().enumerate() {
            let pointer = format!("/check_groups/{index}");
            let runner = manifest.runner(&group.runner_ref);
            if runner.is_none() {
                let message = format!("no one of runner_entrypoints bears the id {}", group.runner_ref);
                self.add(&format!("{pointer}/runner_ref"), &message);
            }
            let catch_alls = group.checks.iter().filter(|check| check.matches.is_empty()).count();
            match (&group.normalizer_ref, manifest.normalizer(group)) {
                (Some(id), None) => {
                    let message = format!("no one of normalizers bears the id {id}");
                    self.add(&format!("{pointer}/normalizer_ref"), &message);
                }
                (Some(_), Some(_)) if runner.is_some_and(|runner| runner.kind == RunnerKind::External) => {
                    self.add(&format!("{pointer}/normalizer_ref"), "an external runner leaves no report to read");
                }
                (Some(_), Some(normalizer)) if normalizer.kind != NormalizerKind::PythonModule && catch_alls > 1 => {
                    let message = format!(
                        "{catch_alls} checks have no `matches`, so it is not clear which of them takes what the others leave; give all but one of them `matches`"
                    );
                    self.add(&format!("{pointer}/checks"), &message);
                }
                _ => {}
            }
        }
        if let Some(id) = &manifest.preflight_runner {
            match manifest.runner(id) {
                None => self.add("/preflight_runner", &format!("no one of runner_entrypoints bears the id {id}")),
                Some(runner) if runner.kind == RunnerKind::External => {
                    self.add("/preflight_runner", "an external runner cannot be executed before the others");
                }
                Some(_) => {}
            }
        }
        for (index, normalizer) in manifest.normalizers.iter().enumerate() {
            let wrong = |input: &String| {
                input.starts_with('/')
                    || input.split('/').any(|component| component == "..")
                    || input.split_once('{').is_some_and(|(_, rest)| rest.contains('}'))
            };
            if let Some(input) = normalizer.input.0.iter().find(|input| wrong(input)) {
                let message = format!(
                    "{}: an input is a wildcard over the files in the runner's working directory: a relative path without .. and {{…}}",
                    printable(input, 80)
                );
                self.add(&format!("/normalizers/{index}/input"), &message);
            }
        }
        let authorities: HashSet<&str> = manifest.authorities.iter().map(|authority| authority.id.as_str()).collect();
        for (index, framework) in manifest.supported_frameworks.iter().enumerate() {
            if let Framework::Described { authority_ref: Some(authority), .. } = framework
                && !authorities.contains(authority.as_str())
            {
                let message = format!("no one of authorities bears the id {authority}");
                self.add(&format!("/supported_frameworks/{index}/authority_ref"), &message);
            }
        }
    }
}
