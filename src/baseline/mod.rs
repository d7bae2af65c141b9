//! The bundled extension `repository-baseline`: what a stranger expects to find in a source repository.
//!
//! [`assess`] runs the asked checks over a listed tree and its history. Checks only look; they never write, never use the
//! network, and a file they cannot read becomes an observation. No secret that they come upon is in what they say.

pub mod checks;
pub mod containers;
pub mod documents;
pub mod expressions;
pub mod found;
pub mod guards;
pub mod outcome;
pub mod prose;
pub mod result;
pub mod runner;
pub mod secrets;
pub mod shell;
pub mod survey;
pub mod unseen;
pub mod workflows;
pub mod yaml;

use serde_json::{Map, Value, json};

use crate::repository::ambient::git_history::Limits;
use crate::repository::ambient::target_tree::{MAX_DEPTH, MAX_FILES, TargetTree};

use checks::{CHECKS, Check, Run};
use outcome::Outcome;
use result::{EvidenceItem, RunnerResult};
use survey::Survey;
use unseen::Unseen;

/// The id of the extension, of its check group and of its runner.
pub const EXTENSION_ID: &str = "repository-baseline";

/// Runs the asked checks over the tree, in the order asked; `on_check` hears each id before its check begins.
///
/// A check id that is not known gives an item with the result `unknown` that says so.
///
/// # Errors
/// When the operating system gives no random numbers for the salt of the run.
pub fn assess(
    tree: &TargetTree,
    limits: Limits,
    subject_ref: &str,
    checks: &[String],
    on_check: &mut dyn FnMut(&str),
) -> Result<RunnerResult, getrandom::Error> {
    let survey = Survey::new(tree, limits)?;
    let mut evidence: Vec<EvidenceItem> = checks
        .iter()
        .map(|id| {
            on_check(id);
            match CHECKS.iter().find(|check| check.id == id) {
                Some(check) => known(check, &survey, subject_ref),
                None => unknown(id, subject_ref),
            }
        })
        .collect();
    let mut metadata = metadata(tree);
    secrets::sanitise(survey.keeper(), &mut evidence, &mut metadata);
    Ok(RunnerResult { evidence, metadata })
}

fn known(check: &Check, survey: &Survey<'_>, subject_ref: &str) -> EvidenceItem {
    let tree = survey.tree();
    let mut outcome = match check.run {
        Run::Tree(run) => run(tree),
        Run::Survey(run) => run(survey),
    };
    let references: Vec<&str> = check.requirements.iter().map(|requirement| requirement.url).collect();
    outcome.facts.insert("references".to_owned(), references.into());
    if tree.truncated() {
        outcome.facts.insert("listing_truncated".to_owned(), true.into());
        let sentence = format!(
            "Some files were not looked at: the listing ends after {} files, as the tree is beyond its bounds or a directory cannot be read.",
            tree.files().len()
        );
        if check.is_of_every_file {
            let mut unseen = Unseen::new();
            unseen.add(sentence);
            outcome = unseen.admit(outcome);
        } else {
            outcome = outcome.observe(sentence);
        }
    }
    item(check.id, subject_ref, outcome, check.requirements.iter().map(|requirement| requirement.id.to_owned()))
}

fn unknown(id: &str, subject_ref: &str) -> EvidenceItem {
    let outcome = Outcome::unknown().observe(format!(
        "The extension {EXTENSION_ID} has no check {id:?}; take it out of the check group or update the extension."
    ));
    item(id, subject_ref, outcome, std::iter::empty())
}

fn item(
    check_id: &str,
    subject_ref: &str,
    outcome: Outcome,
    requirement_refs: impl Iterator<Item = String>,
) -> EvidenceItem {
    EvidenceItem {
        check_id: check_id.to_owned(),
        subject_ref: subject_ref.to_owned(),
        result: outcome.result,
        severity: outcome.severity,
        observations: outcome.observations,
        facts: outcome.facts,
        locations: outcome.locations,
        requirement_refs: requirement_refs.collect(),
        artifact_refs: Vec::new(),
    }
}

fn metadata(tree: &TargetTree) -> Map<String, Value> {
    let listing = json!({
        "found_by": tree.origin().as_str(),
        "file_count": tree.files().len(),
        "truncated": tree.truncated(),
        "max_files": MAX_FILES,
        "max_depth": MAX_DEPTH,
        "notes": tree.notes(),
    });
    Map::from_iter([("extension".to_owned(), EXTENSION_ID.into()), ("listing".to_owned(), listing)])
}
