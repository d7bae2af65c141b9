//! `history-secrets`: likely secrets that were committed once, and that the tree no longer shows.

use std::collections::HashSet;

use serde_json::Value;

use crate::baseline::outcome::Outcome;
use crate::baseline::survey::{Place, Site, Survey};
use crate::baseline::unseen::Unseen;

use super::history_coverage::{abbreviated, covered, not_applicable, too_large};
use super::secrets::{MAX_LISTED, Weight, crowded, fact, heaviest_first, verdict, weigh};

/// Looks through every version of every file, and through the messages of commits and tags.
pub fn run(survey: &Survey<'_>) -> Outcome {
    let past = match survey.past() {
        Ok(past) => past,
        Err(reason) => return not_applicable(reason),
    };
    let in_tree: HashSet<&str> = survey.tracked().places.iter().map(|place| place.sighting.hash.as_str()).collect();
    let is_in_tree = |place: &&Place| in_tree.contains(place.sighting.hash.as_str());
    let still_there = past.places.iter().filter(is_in_tree).count();
    let places = heaviest_first(past.places.iter().filter(|place| !is_in_tree(place)));
    let outcome = places.iter().fold(verdict(&places), |outcome, place| observe(outcome, place));
    let outcome = match (places.is_empty(), still_there) {
        (true, 0) => outcome.observe("No likely secret was found in the history."),
        (true, _) => {
            outcome.observe("No likely secret was found in the history that is not in the files of the tree, too.")
        }
        (false, _) => outcome,
    };
    let outcome = match still_there {
        0 => outcome,
        count => outcome.observe(format!(
            "{count} that stand in the files of the tree, too, are told of by the check `secrets`; they stay in the history when they are \
             taken out."
        )),
    };
    let listed: Vec<Value> = places.iter().take(MAX_LISTED).map(|place| fact(place)).collect();
    let outcome = outcome
        .fact("count", places.len())
        .fact("also_in_tree", still_there)
        .fact("left_out", past.left_out)
        .fact("texts_cut", past.cut)
        .fact("texts_crowded", past.crowded)
        .fact("hits", listed);
    let mut unseen = Unseen::new();
    unseen.add_some(past.cut, |count| {
        format!("Of {count} versions of texts above 1 MiB only the first 1 MiB was looked at.")
    });
    unseen.add_some(past.crowded, crowded);
    unseen.add_some(past.coverage.unread, |count| too_large(count, survey.limits()));
    unseen.add_some(past.left_out, |count| format!("{count} more finds are not told of: the bounds were reached."));
    covered(outcome, past, survey.limits(), unseen)
}

fn observe(outcome: Outcome, place: &Place) -> Outcome {
    let sighting = &place.sighting;
    let commit = place.commit.as_deref().map(abbreviated).unwrap_or_default();
    let (site, location) = match &place.site {
        Site::File(path) => (format!("{path}:{} in commit {commit}", sighting.line), Some(path)),
        Site::CommitMessage => (format!("The message of commit {commit}, line {},", sighting.line), None),
        Site::TagMessage(name) => (format!("The message of tag {name}, line {},", sighting.line), None),
    };
    let what = format!("{site} holds a likely {} ({}, {} bytes)", sighting.title, sighting.rule, sighting.length);
    let remedy = match weigh(place) {
        Weight::Heavy => "revoke it: whoever has a clone has it, whether or not the history is rewritten.",
        Weight::Doubtful => "if it ever opened anything, revoke it.",
        Weight::Specimen | Weight::Slight => "among examples or tests; make sure that it opened nothing.",
    };
    let outcome = outcome.observe(format!("{what}: {remedy}"));
    match location {
        Some(path) => outcome.at_line(path, sighting.line),
        None => outcome,
    }
}
