//! `secrets`: likely secrets in the files of the tree.

use serde_json::{Value, json};

use crate::baseline::outcome::Outcome;
use crate::baseline::secrets::RULES;
use crate::baseline::survey::{Place, Site, Survey};
use crate::baseline::unseen::Unseen;
use crate::model::Severity;

use super::specimens::is_specimen;

/// At most so many hits stand in the facts.
pub const MAX_LISTED: usize = 100;

/// How much a likely secret weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Not of a certain form, and among examples or tests.
    Slight,
    /// Of a certain form, among examples or tests.
    Specimen,
    /// Not of a certain form, where software lives.
    Doubtful,
    /// Of a certain form, where software lives.
    Heavy,
}

/// How much the likely secret of one place weighs.
#[must_use]
pub fn weigh(place: &Place) -> Weight {
    let specimen = match &place.site {
        Site::File(path) => is_specimen(path),
        Site::CommitMessage | Site::TagMessage(_) => false,
    };
    match (place.sighting.certain, specimen) {
        (true, false) => Weight::Heavy,
        (true, true) => Weight::Specimen,
        (false, false) => Weight::Doubtful,
        (false, true) => Weight::Slight,
    }
}

/// The verdict over places: a fail for the heaviest, a warning for the others.
#[must_use]
pub fn verdict(places: &[&Place]) -> Outcome {
    match places.iter().map(|place| weigh(place)).max() {
        None => Outcome::pass(),
        Some(Weight::Slight) => Outcome::warning(Severity::Info),
        Some(Weight::Specimen) => Outcome::warning(Severity::Low),
        Some(Weight::Doubtful) => Outcome::warning(Severity::Medium),
        Some(Weight::Heavy) => Outcome::fail(Severity::Critical),
    }
}

/// Places, the heaviest first, otherwise in their order.
#[must_use]
pub fn heaviest_first<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<&'a Place> {
    let mut places: Vec<&Place> = places.collect();
    places.sort_by_key(|place| std::cmp::Reverse(weigh(place)));
    places
}

/// A place for machines. What it holds is a length and a salted hash.
#[must_use]
pub fn fact(place: &Place) -> Value {
    let (kind, path) = match &place.site {
        Site::File(path) => ("file", Some(path.as_str())),
        Site::CommitMessage => ("commit-message", None),
        Site::TagMessage(name) => ("tag-message", Some(name.as_str())),
    };
    let sighting = &place.sighting;
    let mut fact = json!({
        "in": kind, "path": path, "line": sighting.line, "rule": sighting.rule, "length": sighting.length, "hash": sighting.hash,
    });
    if let (Some(commit), Some(members)) = (&place.commit, fact.as_object_mut()) {
        members.insert("commit".to_owned(), commit.as_str().into());
    }
    fact
}

/// What is said of texts that were not looked through to their end.
#[must_use]
pub fn crowded(count: usize) -> String {
    format!("{count} texts hold so many words of the rules that they were not looked at to their end.")
}

/// Looks through every file of the tree.
pub fn run(survey: &Survey<'_>) -> Outcome {
    let tracked = survey.tracked();
    let places = heaviest_first(tracked.places.iter());
    let outcome = places.iter().fold(verdict(&places), |outcome, place| observe(outcome, place));
    let outcome = if places.is_empty() { outcome.observe("No likely secret was found in the files.") } else { outcome };
    let mut unseen = Unseen::new();
    unseen.add_some(tracked.cut, |count| format!("Of {count} texts above 1 MiB only the first 1 MiB was looked at."));
    unseen.add_some(tracked.crowded, crowded);
    unseen.add_some(tracked.unreadable, |count| format!("{count} files could not be read and were not looked at."));
    unseen.add_some(tracked.not_reached, |count| {
        let seconds = survey.limits().time.as_secs();
        format!("{count} files were not looked at: the bound of {seconds} seconds was reached.")
    });
    let outcome = unseen.admit(outcome);
    let listed: Vec<Value> = places.iter().take(MAX_LISTED).map(|place| fact(place)).collect();
    outcome
        .fact("files", tracked.files)
        .fact("files_cut", tracked.cut)
        .fact("files_crowded", tracked.crowded)
        .fact("unreadable", tracked.unreadable)
        .fact("not_reached", tracked.not_reached)
        .fact("rules", RULES.len())
        .fact("count", places.len().saturating_add(tracked.left_out))
        .fact("hits", listed)
}

fn observe(outcome: Outcome, place: &Place) -> Outcome {
    let Site::File(path) = &place.site else { return outcome };
    let sighting = &place.sighting;
    let what = format!(
        "{path}:{} holds a likely {} ({}, {} bytes)",
        sighting.line, sighting.title, sighting.rule, sighting.length
    );
    let sentence = match weigh(place) {
        Weight::Heavy => format!("{what}: revoke it, take it out, and read it from the environment or a secret store."),
        Weight::Doubtful => format!(
            "{what}: if it opens anything, revoke it and take it out; if not, write something that no one mistakes for it."
        ),
        Weight::Specimen | Weight::Slight => {
            format!("{what}, among examples or tests: make sure that it opens nothing.")
        }
    };
    outcome.observe(sentence).at_line(path, sighting.line)
}
