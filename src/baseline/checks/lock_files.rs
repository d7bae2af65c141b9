//! `lock-files`: the dependencies of every ecosystem found are pinned by a lock file in the repository.

use serde_json::{Value, json};

use crate::baseline::documents::{Document, read_text};
use crate::baseline::outcome::Outcome;
use crate::baseline::unseen::Unseen;
use crate::model::Severity;
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

use super::lock_ecosystems::{ECOSYSTEMS, Ecosystem, PYTHON_LOCKS};
use super::lock_manifests::{Manifest, Need, join, upward};
use super::python_requirements::{Requirements, parse};

/// Manifests beneath these directories are examples, inputs of tests, or other people's: no lock file is asked of them.
pub const IGNORED_DIRECTORIES: &[&str] = &[
    "example",
    "examples",
    "test",
    "tests",
    "testdata",
    "test-data",
    "test_data",
    "testing",
    "fixture",
    "fixtures",
    "__fixtures__",
    "__tests__",
    "vendor",
    "vendored",
    "third_party",
    "third-party",
    "thirdparty",
    "node_modules",
    "benches",
    "bench",
    "benchmark",
    "benchmarks",
    "demo",
    "demos",
    "sample",
    "samples",
    "template",
    "templates",
    "doc",
    "docs",
    "fuzz",
    "e2e",
    "spec",
    "playground",
    "integration-tests",
    "integration_tests",
    "target",
    "bower_components",
    "external",
    "skeleton",
    "scaffold",
    "testcases",
    "test-cases",
    "snapshots",
];

/// Whether a directory, or one above it, is of examples, tests or other people's code.
pub fn is_ignored(directory: &str) -> bool {
    const SUFFIXES: [&str; 6] = [".tests", ".test", "-tests", "-test", "_tests", "_test"];
    directory
        .to_lowercase()
        .split('/')
        .any(|part| IGNORED_DIRECTORIES.contains(&part) || SUFFIXES.iter().any(|suffix| part.ends_with(suffix)))
}

enum State {
    Locked(String),
    Missing { application: bool },
    EmptyLock { lock: String },
    Unpinned { lines: Vec<(u64, String)>, package: bool },
    NotApplicable,
    Unreadable,
}

struct Finding<'a> {
    ecosystem: &'static str,
    remedy: &'static str,
    manifest: &'a str,
    state: State,
}

/// Looks at every manifest outside examples and tests.
pub fn run(tree: &TargetTree) -> Outcome {
    let (mut findings, mut ignored, mut unseen) = (Vec::new(), 0_usize, Unseen::new());
    for file in tree.files() {
        let ecosystem = ECOSYSTEMS.iter().find(|ecosystem| ecosystem.owns(file.name()));
        if ecosystem.is_none() && !is_requirements(file) {
            continue;
        }
        if is_ignored(file.directory()) {
            ignored = ignored.saturating_add(1);
            continue;
        }
        findings.extend(match ecosystem {
            Some(ecosystem) => examine(tree, file, ecosystem),
            None => requirements(tree, file, &mut unseen),
        });
    }
    let outcome = unseen.admit(findings.iter().fold(verdict(&findings), observe));
    let listed: Vec<Value> = findings.iter().take(100).map(fact).collect();
    outcome.fact("manifests", listed).fact("ignored_manifests", ignored)
}

fn examine<'a>(tree: &TargetTree, file: &'a TreeFile, ecosystem: &'static Ecosystem) -> Option<Finding<'a>> {
    let directory = file.directory();
    let need = match read_text(tree, file.path()) {
        Some(text) => (ecosystem.need)(&Manifest { tree, directory, text: &text }),
        None => Need::Unreadable,
    };
    let state = match need {
        Need::Nothing => return None,
        Need::NotApplicable => State::NotApplicable,
        Need::Unreadable => State::Unreadable,
        Need::Application | Need::Library => match lock_of(tree, directory, ecosystem.locks, ecosystem.inherits) {
            Some(lock) if lock.size() == 0 && !lock.is_symlink() => State::EmptyLock { lock: lock.path().to_owned() },
            Some(lock) => State::Locked(lock.path().to_owned()),
            None if ecosystem.name == "Python" && pinned_requirements(tree, directory) => {
                State::Locked(join(directory, "requirements.txt"))
            }
            None => State::Missing { application: need == Need::Application },
        },
    };
    Some(Finding { ecosystem: ecosystem.name, remedy: ecosystem.remedy, manifest: file.path(), state })
}

/// The nearest lock file; a name with a slash may also be a directory that holds files.
fn lock_of<'a>(tree: &'a TargetTree, directory: &str, names: &[&str], inherits: bool) -> Option<&'a TreeFile> {
    let levels = if inherits { usize::MAX } else { 1 };
    let shared: &[&str] = if inherits { &[] } else { &["go.work.sum", "vendor/modules.txt"] };
    let near = upward(directory).take(levels).flat_map(|directory| names.iter().map(move |name| join(directory, name)));
    let above = upward(directory).flat_map(|directory| shared.iter().map(move |name| join(directory, name)));
    near.chain(above).find_map(|path| {
        tree.get(&path).or_else(|| {
            let inside = format!("{path}/");
            path.ends_with("-locks")
                .then(|| tree.files().iter().find(|file| file.path().starts_with(&inside)))
                .flatten()
        })
    })
}

fn is_requirements(file: &TreeFile) -> bool {
    let name = file.name().to_lowercase();
    let gathered = file.directory().rsplit('/').next() == Some("requirements");
    name.ends_with(".txt") && (gathered || (name.starts_with("requirements") && !name.contains(".in.")))
}

fn pinned_requirements(tree: &TargetTree, directory: &str) -> bool {
    read_text(tree, &join(directory, "requirements.txt"))
        .map(|text| parse(&text))
        .is_some_and(|found| found.count > 0 && found.unpinned.is_empty())
}

fn requirements<'a>(tree: &TargetTree, file: &'a TreeFile, unseen: &mut Unseen) -> Option<Finding<'a>> {
    let document = Document::read(tree, file);
    unseen.add_document(&document);
    let Requirements { count, unpinned, constrained } = parse(document.as_str());
    if count == 0 {
        return None;
    }
    let lock = lock_of(tree, file.directory(), PYTHON_LOCKS, true);
    let state = match lock {
        _ if unpinned.is_empty() || constrained => State::Locked(file.path().to_owned()),
        Some(lock) => State::Locked(lock.path().to_owned()),
        None => State::Unpinned {
            lines: unpinned.into_iter().map(|unpinned| (unpinned.line, unpinned.requirement)).collect(),
            package: ["pyproject.toml", "setup.py", "setup.cfg"]
                .iter()
                .any(|name| upward(file.directory()).any(|directory| tree.get(&join(directory, name)).is_some())),
        },
    };
    let remedy = "pin every version, for example with `uv pip compile` or `pip-compile --generate-hashes`";
    Some(Finding { ecosystem: "pip", remedy, manifest: file.path(), state })
}

fn verdict(findings: &[Finding<'_>]) -> Outcome {
    let worst = findings
        .iter()
        .map(|finding| match &finding.state {
            State::Missing { application: true } | State::EmptyLock { .. } => 4,
            State::Unpinned { package: false, .. } => 3,
            State::Missing { application: false } | State::Unpinned { .. } | State::Unreadable => 2,
            State::Locked(_) => 1,
            State::NotApplicable => 0,
        })
        .max();
    match worst {
        None => Outcome::not_applicable().observe("No package manifest that names dependencies was found."),
        Some(0) => Outcome::not_applicable().observe("The package managers in use have no lock file in common use."),
        Some(1) => Outcome::pass().observe("Every manifest that names dependencies has its lock file."),
        Some(2) => Outcome::warning(Severity::Low),
        Some(3) => Outcome::warning(Severity::Medium),
        Some(_) => Outcome::fail(Severity::Medium),
    }
}

fn observe(outcome: Outcome, finding: &Finding<'_>) -> Outcome {
    let Finding { ecosystem, remedy, manifest, state } = finding;
    match state {
        State::Locked(_) | State::NotApplicable => outcome,
        State::Missing { application: true } => outcome
            .observe(format!("{manifest} names dependencies ({ecosystem}) without a lock file: {remedy}, and commit the result."))
            .at(manifest),
        State::Missing { application: false } => outcome
            .observe(format!(
                "{manifest} names dependencies ({ecosystem}) without a lock file. Its users resolve their own versions, but \
                 your builds and CI would be repeatable: {remedy}, and commit the result."
            ))
            .at(manifest),
        State::EmptyLock { lock } => {
            outcome.observe(format!("{lock} is empty although {manifest} names dependencies: {remedy}.")).at_line(lock, 1)
        }
        State::Unpinned { lines, .. } => {
            let outcome = outcome.observe(format!("{manifest} leaves {} versions open: {remedy}.", lines.len()));
            lines.iter().fold(outcome, |outcome, (line, _)| outcome.at_line(manifest, *line))
        }
        State::Unreadable => {
            outcome.observe(format!("{manifest} cannot be read as a manifest of {ecosystem}, or is larger than 1 MiB: mend its syntax.")).at(manifest)
        }
    }
}

fn fact(finding: &Finding<'_>) -> Value {
    let (state, lock) = match &finding.state {
        State::Locked(lock) => ("locked", Some(lock)),
        State::Missing { application: true } => ("missing", None),
        State::Missing { application: false } => ("missing_in_library", None),
        State::EmptyLock { lock } => ("empty", Some(lock)),
        State::Unpinned { .. } => ("unpinned", None),
        State::NotApplicable => ("not_applicable", None),
        State::Unreadable => ("unreadable", None),
    };
    let requirements: Vec<&str> = match &finding.state {
        State::Unpinned { lines, .. } => lines.iter().take(20).map(|(_, requirement)| requirement.as_str()).collect(),
        _ => Vec::new(),
    };
    json!({
        "ecosystem": finding.ecosystem, "manifest": finding.manifest, "state": state, "lock_file": lock, "unpinned": requirements,
    })
}
