//! `history-large-files`: large files that were committed once; gone from the tree, they are still in every clone.

use serde_json::{Value, json};

use crate::baseline::outcome::Outcome;
use crate::baseline::survey::{Survey, Versions};
use crate::baseline::unseen::Unseen;
use crate::model::Severity;

use super::history_coverage::{abbreviated, covered, not_applicable};
use super::large_files::{FAIL_BYTES, WARN_BYTES};

const MIB: u64 = 1024 * 1024;

/// Compares the size of every version of every file with the two thresholds, the largest first.
pub fn run(survey: &Survey<'_>) -> Outcome {
    let past = match survey.past() {
        Ok(past) => past,
        Err(reason) => return not_applicable(reason),
    };
    let mut large: Vec<(&String, &Versions)> = past.large.iter().collect();
    large.sort_by_key(|(path, versions)| (std::cmp::Reverse(versions.largest), *path));
    let outcome = match large.first() {
        None => Outcome::pass().observe("No file above 5 MiB is in the history that is gone from the tree."),
        Some((_, versions)) if versions.largest > FAIL_BYTES => Outcome::fail(Severity::Medium),
        Some(_) => Outcome::warning(Severity::Low),
    };
    let outcome =
        large.iter().fold(outcome, |outcome, (path, versions)| outcome.observe(sentence(path, versions)).at(path));
    let outcome = match past.large_in_head {
        0 => outcome,
        count => outcome.observe(format!("{count} that stand in the tree are told of by the check `large-files`.")),
    };
    let listed: Vec<Value> = large.iter().take(100).map(|(path, versions)| fact(path, versions)).collect();
    let outcome = outcome
        .fact("warn_above_bytes", WARN_BYTES)
        .fact("fail_above_bytes", FAIL_BYTES)
        .fact("count", large.len())
        .fact("also_in_tree", past.large_in_head)
        .fact("files", listed);
    // The size of every version is known, whether or not it was read.
    covered(outcome, past, survey.limits(), Unseen::new())
}

fn sentence(path: &str, versions: &Versions) -> String {
    let size = versions.largest.checked_div(MIB).unwrap_or(0);
    let count = match versions.count {
        1 => String::new(),
        count => format!(" in the largest of {count} versions"),
    };
    format!(
        "{path} has {size} MiB{count} (commit {}) and is in every clone: where clones are slow, rewrite the history with `git filter-repo`; \
         keep such files in Git LFS or as release assets.",
        abbreviated(&versions.commit)
    )
}

fn fact(path: &str, versions: &Versions) -> Value {
    json!({"path": path, "size_bytes": versions.largest, "versions": versions.count, "commit": versions.commit})
}
