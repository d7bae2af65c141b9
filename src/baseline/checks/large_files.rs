//! `large-files`: files that make every clone heavy and that nobody can review.

use serde_json::{Value, json};

use crate::baseline::outcome::Outcome;
use crate::model::Severity;
use crate::repository::ambient::target_tree::{TargetTree, TreeFile};

const MIB: u64 = 1024 * 1024;
/// A file above this many bytes is worth a warning: 5 MiB.
pub const WARN_BYTES: u64 = 5 * MIB;
/// A file above this many bytes fails the check: 50 MiB, where hosting platforms begin to warn.
pub const FAIL_BYTES: u64 = 50 * MIB;

/// Compares the size of every regular file with the two thresholds, the largest first.
pub fn run(tree: &TargetTree) -> Outcome {
    let mut large: Vec<&TreeFile> =
        tree.files().iter().filter(|file| file.is_regular() && file.size() > WARN_BYTES).collect();
    large.sort_by_key(|file| std::cmp::Reverse(file.size()));
    let outcome = match large.first() {
        None => Outcome::pass().observe("No file is larger than 5 MiB."),
        Some(file) if file.size() > FAIL_BYTES => Outcome::fail(Severity::Medium),
        Some(_) => Outcome::warning(Severity::Low),
    };
    let listed: Vec<Value> =
        large.iter().take(100).map(|file| json!({"path": file.path(), "size_bytes": file.size()})).collect();
    large
        .iter()
        .fold(outcome, |outcome, file| outcome.observe(sentence(file)).at(file.path()))
        .fact("warn_above_bytes", WARN_BYTES)
        .fact("fail_above_bytes", FAIL_BYTES)
        .fact("count", large.len())
        .fact("files", listed)
}

fn sentence(file: &TreeFile) -> String {
    let size = file.size().checked_div(MIB).unwrap_or(0);
    format!(
        "{} has {size} MiB: keep it in Git LFS, a release asset or a download step instead of the repository.",
        file.path()
    )
}
