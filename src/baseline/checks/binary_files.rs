//! `binary-files`: executables and compiled artifacts among the sources.

use serde_json::{Value, json};

use crate::baseline::documents::read_text;
use crate::baseline::outcome::Outcome;
use crate::baseline::unseen::Unseen;
use crate::model::Severity;
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::magic::{HEAD_BYTES, artifact_kind};
use super::specimens::extension;

/// Directories whose artifacts are most likely inputs of tests.
const TEST_DIRECTORIES: [&str; 16] = [
    "playground",
    "playgrounds",
    "e2e",
    "test",
    "tests",
    "testdata",
    "test-data",
    "test_data",
    "testing",
    "fixture",
    "fixtures",
    "__fixtures__",
    "corpus",
    "spec",
    "testfiles",
    "test-assets",
];

/// What an artifact is there for, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Software.
    Artifact,
    /// An input of tests.
    TestData,
    /// The bootstrap of a build tool.
    Wrapper,
    /// One that CI compares with published checksums.
    CheckedWrapper,
}

/// Asks the first bytes of every regular file what it is.
pub fn run(tree: &TargetTree) -> Outcome {
    let validated = validates_gradle_wrapper(tree);
    let mut unreadable = 0_usize;
    let mut found: Vec<(&TreeFile, &'static str, Group)> = Vec::new();
    for file in tree.files().iter().filter(|file| file.is_regular() && file.size() > 3) {
        match tree.read_head(file, HEAD_BYTES) {
            Err(_) => unreadable = unreadable.saturating_add(1),
            Ok(head) => {
                if let Some(kind) = artifact_kind(&head.bytes, &extension(file.path())) {
                    found.push((file, kind, group(file.path(), validated)));
                }
            }
        }
    }
    let has = |wanted: Group| found.iter().any(|(_, _, group)| *group == wanted);
    let outcome = if has(Group::Artifact) {
        Outcome::fail(Severity::High)
    } else if has(Group::Wrapper) || has(Group::TestData) {
        Outcome::warning(Severity::Low)
    } else {
        Outcome::pass()
    };
    let outcome = found.iter().fold(outcome, |outcome, (file, kind, group)| observe(outcome, file, kind, *group));
    let outcome =
        if found.is_empty() { outcome.observe("No executable or compiled artifact was found.") } else { outcome };
    let mut unseen = Unseen::new();
    unseen.add_some(unreadable, |count| format!("{count} files could not be read and were not looked at."));
    let outcome = unseen.admit(outcome);
    let listed: Vec<Value> =
        found.iter().take(100).map(|(file, kind, _)| json!({"path": file.path(), "kind": kind})).collect();
    outcome.fact("count", found.len()).fact("unreadable", unreadable).fact("artifacts", listed)
}

fn observe(outcome: Outcome, file: &TreeFile, kind: &str, group: Group) -> Outcome {
    let path = file.path();
    let sentence = match group {
        Group::Artifact => format!(
            "{path} is a compiled artifact ({kind}) that nobody can review: build it from source, or fetch it verified in a \
             build step."
        ),
        Group::TestData => format!(
            "{path} is a compiled artifact ({kind}) among test data: build it in the test where that is possible."
        ),
        Group::Wrapper => format!(
            "{path} is a build-tool wrapper ({kind}): have CI validate it (for Gradle gradle/actions/wrapper-validation), or \
             drop it."
        ),
        Group::CheckedWrapper => {
            return outcome.observe(format!("{path} is a Gradle wrapper that a workflow validates."));
        }
    };
    outcome.observe(sentence).at(path)
}

/// What an artifact at this path is there for.
#[must_use]
pub fn group(path: &str, validated: bool) -> Group {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let directory = directory.to_lowercase();
    match name {
        "gradle-wrapper.jar" if validated => Group::CheckedWrapper,
        "gradle-wrapper.jar" | "maven-wrapper.jar" => Group::Wrapper,
        _ if directory.split('/').any(|part| TEST_DIRECTORIES.contains(&part)) => Group::TestData,
        _ => Group::Artifact,
    }
}

/// Whether a workflow checks Gradle wrappers against the published checksums.
fn validates_gradle_wrapper(tree: &TargetTree) -> bool {
    tree.files()
        .iter()
        .filter(|file| file.directory() == ".github/workflows")
        .filter_map(|file| read_text(tree, file.path()))
        .any(|text| {
            text.lines().any(|line| {
                let line = line.trim_start_matches(['-', ' ']);
                line.starts_with("uses:")
                    && (line.contains("wrapper-validation") || line.contains("gradle/actions/setup-gradle"))
            })
        })
}
