//! `extension.json`, as far as planning and execution use it. Its schema is `docs/schemas/extension.schema.json`.

use serde::Deserialize;

use crate::assessment::mappings::MappingEntry;
use crate::model::{ProfileKind, RunnerKind};

/// The parts of an `extension.json` that planning and execution use.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    /// The extension's id: its directory's name.
    pub id: String,
    /// Its version; empty when it has none.
    #[serde(default)]
    pub version: String,
    /// What kind of extension it is, an open word such as `harness`.
    #[serde(default)]
    pub extension_type: String,
    /// Its name for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The frameworks it supports.
    #[serde(default)]
    pub supported_frameworks: Vec<Framework>,
    /// Who stands behind the frameworks.
    #[serde(default)]
    pub authorities: Vec<Authority>,
    /// The schemas that profiles must follow when this extension takes part.
    #[serde(default)]
    pub profile_schemas: Vec<ProfileSchema>,
    /// Its check groups.
    pub check_groups: Vec<CheckGroup>,
    /// The runner that says whether the others can run, by id.
    pub preflight_runner: Option<String>,
    /// Its runners.
    pub runner_entrypoints: Vec<RunnerEntrypoint>,
    /// What makes evidence of the reports that runners leave.
    #[serde(default)]
    pub normalizers: Vec<Normalizer>,
    /// Mapping sets: which controls the requirements stand for.
    #[serde(default)]
    pub mappings: Vec<MappingSource>,
    /// Parts that the extension adds to the report.
    #[serde(default)]
    pub report_fragments: Vec<FragmentSource>,
    /// What its results do and do not say.
    pub certification_boundary: Option<String>,
}

/// A framework: an id, or an object with one.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Framework {
    /// An id alone.
    Id(String),
    /// An id and where it is written.
    Described {
        /// Its id.
        id: String,
        /// Its version.
        version: Option<String>,
        /// Where it is published.
        source_url: Option<String>,
        /// Which of the manifest's authorities stands behind it.
        authority_ref: Option<String>,
    },
}

impl Framework {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) | Self::Described { id, .. } => id,
        }
    }
}

/// Who stands behind a framework.
#[derive(Debug, Clone, Deserialize)]
pub struct Authority {
    /// Its id.
    pub id: String,
    /// Where to find it.
    pub url: Option<String>,
}

/// A schema for profiles: one that every profile follows anyway, or one of the extension's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum ProfileSchema {
    /// `target-profile` or `assessment-profile`.
    Standard(String),
    /// A JSON Schema in the extension.
    Own {
        /// Its id.
        id: String,
        /// The kind of profile that it is for.
        profile_kind: ProfileKind,
        /// The file in the extension.
        path: String,
        /// The `subject_type` of the targets that it is for; left out: all.
        subject_type: Option<String>,
    },
}

/// Checks that one runner makes in one go.
#[derive(Debug, Clone, Deserialize)]
pub struct CheckGroup {
    /// The group's id.
    pub id: String,
    /// The runner's id.
    pub runner_ref: String,
    /// What makes evidence of the report that the runner leaves; left out: the runner reports evidence itself.
    pub normalizer_ref: Option<String>,
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
    /// Wildcards for the names in a report that belong to this check; empty: those that belong to no other.
    #[serde(default)]
    pub matches: Vec<String>,
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
    /// The function of a `python_module` runner.
    #[serde(flatten)]
    pub python: PythonFunction,
    /// What a person does for an `external` runner.
    pub instructions: Option<String>,
    /// The runner's own limit.
    pub timeout_seconds: Option<u64>,
    /// How much of each output stream is kept.
    pub max_output_bytes: Option<u64>,
}

/// A function in a Python file of the extension.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PythonFunction {
    /// The file in the extension.
    #[serde(default)]
    pub path: String,
    /// The function's name.
    #[serde(default = "run")]
    pub callable: String,
}

fn run() -> String {
    "run".to_owned()
}

/// What makes evidence of the reports that a runner leaves.
#[derive(Debug, Clone, Deserialize)]
pub struct Normalizer {
    /// Its id.
    pub id: String,
    /// Its kind: `python_module`, or a format that is built in.
    pub kind: NormalizerKind,
    /// The reports: files in the runner's working directory by wildcard, or `stdout`.
    #[serde(default)]
    pub input: Inputs,
    /// The function of a `python_module` normalizer.
    #[serde(flatten)]
    pub python: PythonFunction,
    /// The limit of a `python_module` normalizer.
    pub timeout_seconds: Option<u64>,
}

/// The kinds of normalizers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum NormalizerKind {
    /// A function in a Python file of the extension.
    #[serde(rename = "python_module")]
    PythonModule,
    /// JUnit XML.
    #[serde(rename = "junit-xml")]
    JunitXml,
    /// SARIF 2.1.0.
    #[serde(rename = "sarif-2.1.0")]
    Sarif210,
    /// TAP 14, and older ones.
    #[serde(rename = "tap-14")]
    Tap14,
}

/// One wildcard, or several.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "OneOrMany")]
pub struct Inputs(pub Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Inputs {
    fn from(inputs: OneOrMany) -> Self {
        match inputs {
            OneOrMany::One(one) => Self(vec![one]),
            OneOrMany::Many(many) => Self(many),
        }
    }
}

/// A mapping set: a file in the extension, or the entries themselves.
#[derive(Debug, Clone, Deserialize)]
pub struct MappingSource {
    /// The set's id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// The file in the extension.
    pub path: Option<String>,
    /// The entries, when there is no file.
    #[serde(default)]
    pub entries: Vec<MappingEntry>,
}

/// A part that the extension adds to the report.
#[derive(Debug, Clone, Deserialize)]
pub struct FragmentSource {
    /// The fragment's id.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Its kind.
    pub kind: FragmentKind,
    /// The file, and for a `python_module` the function in it.
    #[serde(flatten)]
    pub source: PythonFunction,
    /// The limit of a `python_module` fragment.
    pub timeout_seconds: Option<u64>,
}

/// The kinds of report fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FragmentKind {
    /// A Markdown file of the extension, as it is.
    MarkdownFile,
    /// What a function makes of the run.
    PythonModule,
}

impl Manifest {
    /// A runner by its id.
    #[must_use]
    pub fn runner(&self, id: &str) -> Option<&RunnerEntrypoint> {
        self.runner_entrypoints.iter().find(|runner| runner.id == id)
    }

    /// The normalizer of a group, if it has one.
    #[must_use]
    pub fn normalizer(&self, group: &CheckGroup) -> Option<&Normalizer> {
        let id = group.normalizer_ref.as_ref()?;
        self.normalizers.iter().find(|normalizer| normalizer.id == *id)
    }

    /// A check group by its id.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&CheckGroup> {
        self.check_groups.iter().find(|group| group.id == id)
    }

    /// How many checks it has.
    #[must_use]
    pub fn check_count(&self) -> usize {
        self.check_groups.iter().map(|group| group.checks.len()).sum()
    }

    /// Every path in the manifest with the JSON pointer to it. Each must stay inside the extension.
    #[must_use]
    pub fn paths(&self) -> Vec<(String, &str)> {
        let mut paths = Vec::new();
        for (index, schema) in self.profile_schemas.iter().enumerate() {
            if let ProfileSchema::Own { path, .. } = schema {
                paths.push((format!("/profile_schemas/{index}/path"), path.as_str()));
            }
        }
        for (index, runner) in self.runner_entrypoints.iter().enumerate() {
            let pointer = format!("/runner_entrypoints/{index}");
            match runner.kind {
                RunnerKind::PythonModule => paths.push((format!("{pointer}/path"), runner.python.path.as_str())),
                RunnerKind::Command => {
                    let own = runner.command.iter().enumerate().flat_map(|(at, part)| {
                        let pointer = format!("{pointer}/command/{at}");
                        own_paths(part, at).into_iter().map(move |path| (pointer.clone(), path))
                    });
                    paths.extend(own);
                }
                RunnerKind::External => {}
            }
        }
        for (index, normalizer) in self.normalizers.iter().enumerate() {
            if normalizer.kind == NormalizerKind::PythonModule {
                paths.push((format!("/normalizers/{index}/path"), normalizer.python.path.as_str()));
            }
        }
        for (index, mapping) in self.mappings.iter().enumerate() {
            if let Some(path) = &mapping.path {
                paths.push((format!("/mappings/{index}/path"), path));
            }
        }
        for (index, fragment) in self.report_fragments.iter().enumerate() {
            paths.push((format!("/report_fragments/{index}/path"), fragment.source.path.as_str()));
        }
        paths
    }
}

/// What stands for the extension's directory in a command.
const EXTENSION: &str = "{extension}";

/// The paths in the extension that an element of a command names: behind each `{extension}/`, or a first element with a slash that is not
/// absolute.
pub(super) fn own_paths(part: &str, at: usize) -> Vec<&str> {
    if part.contains(EXTENSION) {
        // Where another one follows, what joins the two may be a separator of a list.
        let paths = part.split(EXTENSION).skip(1).filter_map(|rest| rest.strip_prefix('/'));
        return paths.map(|path| path.trim_end_matches([':', ',', ';'])).filter(|path| !path.is_empty()).collect();
    }
    let relative = at == 0 && part.contains('/') && !part.starts_with(['/', '{']);
    relative.then(|| part.strip_prefix("./").unwrap_or(part)).into_iter().collect()
}

/// Whether an element of a command names the extension's directory only by itself or with a path in it: `{extension}-x` is another directory.
pub(super) fn is_in_extension(part: &str) -> bool {
    part.match_indices(EXTENSION).all(|(at, token)| {
        let rest = part.get(at + token.len()..).unwrap_or_default();
        rest.is_empty() || rest.starts_with('/')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_in_the_extension_that_an_argument_names_is_found() {
        assert_eq!(own_paths("--path={extension}/a/b:{extension}/../c", 1), ["a/b", "../c"]);
        assert_eq!(own_paths("./run.sh", 0), ["run.sh"]);
        for none in ["{extension}", "{extension}/", "{target}/x", "/bin/sh", "sh"] {
            assert!(own_paths(none, 0).is_empty(), "{none}");
        }
        assert!(own_paths("a/b", 1).is_empty());
    }

    #[test]
    fn the_extensions_directory_is_named_by_itself_or_with_a_path_in_it() {
        for fine in ["{extension}", "{extension}/a", "-I{extension}/a:{extension}", "sh", ""] {
            assert!(is_in_extension(fine), "{fine}");
        }
        for refused in
            ["{extension}-evil/run.sh", "{extension}.d", "{extension}{extension}", "{extension}/a {extension}x"]
        {
            assert!(!is_in_extension(refused), "{refused}");
        }
    }
}
