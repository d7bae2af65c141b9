//! `history-binary-files`: compiled artifacts that were committed once, and that the tree no longer shows.

use serde_json::{Value, json};

use crate::baseline::outcome::Outcome;
use crate::baseline::survey::{Survey, Versions};
use crate::baseline::unseen::Unseen;
use crate::model::Severity;

use super::binary_files::{Group, group};
use super::history_coverage::{abbreviated, covered, not_applicable, too_large};

/// Asks the first bytes of every version of every file what it is.
pub fn run(survey: &Survey<'_>) -> Outcome {
    let past = match survey.past() {
        Ok(past) => past,
        Err(reason) => return not_applicable(reason),
    };
    let mut found: Vec<(&String, &Versions)> = past.binaries.iter().collect();
    found.sort_by_key(|(path, _)| (is_mild(path), *path));
    // Nobody builds from what is gone, so this never weighs as much as an artifact in the tree.
    let outcome = match found.first() {
        None => {
            Outcome::pass().observe("No executable or compiled artifact is in the history that is gone from the tree.")
        }
        Some((path, _)) if is_mild(path) => Outcome::warning(Severity::Info),
        Some(_) => Outcome::warning(Severity::Low),
    };
    let outcome =
        found.iter().fold(outcome, |outcome, (path, versions)| outcome.observe(sentence(path, versions)).at(path));
    let outcome = match past.binaries_in_head {
        0 => outcome,
        count => outcome.observe(format!("{count} that stand in the tree are told of by the check `binary-files`.")),
    };
    let listed: Vec<Value> = found.iter().take(100).map(|(path, versions)| fact(path, versions)).collect();
    let outcome =
        outcome.fact("count", found.len()).fact("also_in_tree", past.binaries_in_head).fact("artifacts", listed);
    let mut unseen = Unseen::new();
    unseen.add_some(past.coverage.unread, |count| too_large(count, survey.limits()));
    covered(outcome, past, survey.limits(), unseen)
}

fn is_mild(path: &str) -> bool {
    group(path, false) != Group::Artifact
}

fn sentence(path: &str, versions: &Versions) -> String {
    let count = match versions.count {
        1 => String::new(),
        count => format!(", in {count} versions"),
    };
    format!(
        "{path} was a compiled artifact ({}{count}, commit {}): nobody could review it; make sure that no release was made with it.",
        versions.kind,
        abbreviated(&versions.commit)
    )
}

fn fact(path: &str, versions: &Versions) -> Value {
    json!({"path": path, "kind": versions.kind, "versions": versions.count, "commit": versions.commit})
}
