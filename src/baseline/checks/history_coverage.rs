//! What every check of the history says of how far it looked.

use jiff::Timestamp;
use serde_json::json;

use crate::baseline::outcome::Outcome;
use crate::baseline::survey::Past;
use crate::baseline::unseen::Unseen;
use crate::model::EvidenceResult;
use crate::repository::ambient::git_history::{Limits, MAX_REFERENCES, NoHistory, REFERENCE_PREFIXES, Stop};

/// The outcome where there is no history to look at.
#[must_use]
pub fn not_applicable(reason: NoHistory) -> Outcome {
    Outcome::not_applicable().observe(reason.sentence()).fact("reason", reason.as_str())
}

/// What is said of versions of files that were not read.
#[must_use]
pub fn too_large(count: usize, limits: Limits) -> String {
    format!("{count} versions of files above {} bytes were not read.", limits.file_bytes)
}

/// Adds how far the walk went. A pass over a history of which not everything was looked at is unknown, and none where something of it
/// is damaged.
#[must_use]
pub fn covered(outcome: Outcome, past: &Past, limits: Limits, mut unseen: Unseen) -> Outcome {
    let coverage = &past.coverage;
    let oldest = coverage.dates.map(|(oldest, _)| date(oldest));
    if let Some(stop) = coverage.stopped.filter(|stop| *stop != Stop::Damage) {
        let bound = match stop {
            Stop::Commits => format!("{} commits", limits.commits),
            Stop::Time => format!("{} seconds", limits.time.as_secs()),
            Stop::Objects => format!("{} files and directories", limits.objects),
            Stop::Bytes | Stop::Damage => format!("{} bytes", limits.total_bytes),
        };
        unseen.add(format!(
            "Not all of the history was looked at: the bound of {bound} was reached after {} commits, back to {}.",
            coverage.commits,
            oldest.as_deref().unwrap_or("no date")
        ));
    }
    unseen.add_some(past.references_left_out, references_left_out);
    let damaged = coverage.unreadable > 0 || coverage.stopped == Some(Stop::Damage);
    let mut outcome = unseen.admit(outcome);
    if damaged && matches!(outcome.result, EvidenceResult::Pass | EvidenceResult::Unknown) {
        outcome.result = EvidenceResult::NotApplicable;
        outcome = outcome.fact("reason", if past.partial { "partial-clone" } else { "damaged-objects" });
    }
    if damaged {
        let count = coverage.unreadable.max(1);
        outcome = outcome.observe(if past.partial {
            format!(
                "The clone is partial and {count} objects of its history are not here, so nothing is said of them: assess a clone made without \
                 `--filter`."
            )
        } else {
            format!(
                "{count} objects of the history are missing, damaged or too large to be read, so nothing is said of them: see what `git fsck` says."
            )
        });
    }
    outcome.fact(
        "history",
        json!({
            "commits": coverage.commits,
            "file_versions": coverage.files,
            "bytes_read": coverage.bytes,
            "complete": coverage.stopped.is_none() && !damaged && past.references_left_out == 0,
            "stopped_by": coverage.stopped.map(Stop::as_str),
            "oldest_commit": oldest,
            "newest_commit": coverage.dates.map(|(_, newest)| date(newest)),
            "references": std::iter::once("HEAD").chain(REFERENCE_PREFIXES).collect::<Vec<_>>(),
            "references_left_out": past.references_left_out,
            "too_large_to_read": coverage.unread,
            "unreadable_objects": coverage.unreadable,
            "bounds": {
                "commits": limits.commits, "seconds": limits.time.as_secs(), "objects": limits.objects,
                "bytes_per_file": limits.file_bytes, "bytes": limits.total_bytes,
            },
        }),
    )
}

/// What is said of references that were not followed.
#[must_use]
pub fn references_left_out(count: usize) -> String {
    format!("{count} references were not followed: the bound is {MAX_REFERENCES}.")
}

/// The first digits of a commit's name.
#[must_use]
pub fn abbreviated(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

fn date(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| "a date out of range".to_owned(), |time| time.to_string())
}
