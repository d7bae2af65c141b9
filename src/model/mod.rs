//! What a run is: ids, names, paths, vocabularies and the facts that a summary holds. No I/O, no async, no wire types, no clock.
//!
//! Types here list their invariants, and their constructor is the only door: a value that exists is valid. The rules come from the
//! run directory contract, `docs/run-directory.md`.

mod artifact;
mod details;
mod ids;
mod item;
mod path;
mod problem;
mod run;
mod time;
mod visible;
mod vocabulary;

pub use artifact::{ArtifactEntry, Rebase, StoredPath, is_media_type};
pub use details::{Detail, Details, DetailsWriter};
pub use ids::{DirectoryName, InvalidName, LabelKey, MAX_LABEL_VALUE, MAX_LABELS, RootName, RunId};
pub use item::{EvidenceItem, FindingItem, ItemRest, Location};
pub use path::{PathSyntaxError, RelativePath};
pub use problem::{Problem, ProblemReason};
pub use run::{Marker, Retention, RunSummary};
pub use time::{format_timestamp, parse_timestamp};
pub use visible::VisibleRoots;
pub use vocabulary::{
    Disposition, EvidenceResult, JobStatus, MappingStatus, ProfileKind, ResultStatus, RunnerKind, Severity,
};

/// Shows text that came from outside so that it cannot steer a terminal or a log: control characters and bidirectional overrides
/// become their escapes. At most `limit` characters are kept; a cut is shown as an ellipsis.
#[must_use]
pub fn printable(text: &str, limit: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(limit));
    for (count, character) in text.chars().enumerate() {
        if count >= limit {
            shown.push('…');
            break;
        }
        if is_steering(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character can steer a terminal or reorder what a person reads.
#[must_use]
pub fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn printable_escapes_what_steers_a_terminal_and_keeps_letters() {
        assert_eq!(printable("Grüße \u{1b}[31m\u{202e}x", 80), "Grüße \\u{1b}[31m\\u{202e}x");
        assert_eq!(printable("abcdef", 3), "abc…");
    }
}
