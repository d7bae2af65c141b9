//! Policy sets: expectations, waivers, challenges and exclusions. They annotate findings and never delete one.
//!
//! Each set is a JSON document that the assessment profile names; `docs/extensions.md` shows them. [`apply`] puts them to the findings.

mod apply;
mod matching;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

pub(super) use apply::apply;
use matching::Match;

use super::error::ProfileProblem;
use super::profile::{AssessmentProfile, Document, ProfileSource, load_beside};
use super::schema::{self, Schema};

/// The kinds of policy sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PolicyKind {
    Expectations,
    Waivers,
    Challenges,
    Exclusions,
}

impl PolicyKind {
    pub(super) const ALL: [Self; 4] = [Self::Expectations, Self::Waivers, Self::Challenges, Self::Exclusions];

    /// The key of the assessment profile that names such a set.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Expectations => "expectations_ref",
            Self::Waivers => "waivers_ref",
            Self::Challenges => "challenges_ref",
            Self::Exclusions => "exclusions_ref",
        }
    }

    /// What the source lock calls such a set.
    pub(super) const fn source_kind(self) -> &'static str {
        match self {
            Self::Expectations => "expectation_set",
            Self::Waivers => "waiver_set",
            Self::Challenges => "challenge_set",
            Self::Exclusions => "exclusion_set",
        }
    }

    /// What one of its entries is called.
    const fn entry(self) -> &'static str {
        match self {
            Self::Expectations => "expectation",
            Self::Waivers => "waiver",
            Self::Challenges => "challenge",
            Self::Exclusions => "exclusion",
        }
    }

    const fn schema(self) -> Schema {
        match self {
            Self::Expectations => Schema::ExpectationSet,
            Self::Waivers => Schema::WaiverSet,
            Self::Challenges => Schema::ChallengeSet,
            Self::Exclusions => Schema::ExclusionSet,
        }
    }
}

/// A policy set, read.
#[derive(Debug, Clone)]
pub(super) struct PolicySet {
    pub(super) kind: PolicyKind,
    pub(super) id: String,
    pub(super) version: Option<String>,
    pub(super) document: Document,
    entries: Vec<Entry>,
}

impl PolicySet {
    /// The entries that mean one check which is none of these, each in a sentence.
    pub(super) fn astray(&self, is_check: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
        self.entries.iter().filter_map(move |entry| {
            let check = entry.matching.one_check().filter(|check| !is_check(check))?;
            Some(format!(
                "{}: the {} {} speaks of the check {check}, which no step of the plan makes",
                self.document.name,
                self.kind.entry(),
                entry.id
            ))
        })
    }
}

/// One entry of a set.
#[derive(Debug, Clone, Deserialize)]
struct Entry {
    id: String,
    #[serde(rename = "match")]
    matching: Match,
    reason: String,
    #[serde(default)]
    owner: String,
    expires: Option<String>,
    review_status: Option<String>,
}

#[derive(Deserialize)]
struct SetFields {
    id: String,
    version: Option<String>,
    #[serde(alias = "expectations", alias = "waivers", alias = "challenges", alias = "exclusions")]
    entries: Vec<Entry>,
}

/// Reads the sets that an assessment profile names.
///
/// # Errors
/// Everything that is wrong with them, at once.
pub(super) fn load(
    assessment: &AssessmentProfile,
    source: &ProfileSource,
) -> Result<Vec<PolicySet>, Vec<ProfileProblem>> {
    let (mut sets, mut problems) = (Vec::new(), Vec::new());
    for kind in PolicyKind::ALL {
        let reference = assessment.policy_ref(kind.key()).filter(|reference| source.can_name(reference));
        let Some(reference) = reference else { continue };
        let pointer = format!("/{}", kind.key());
        match load_beside(source, &assessment.document, &pointer, reference).and_then(|document| read(kind, document)) {
            Ok(set) => sets.push(set),
            Err(more) => problems.extend(more),
        }
    }
    if problems.is_empty() { Ok(sets) } else { Err(problems) }
}

fn read(kind: PolicyKind, document: Document) -> Result<PolicySet, Vec<ProfileProblem>> {
    let problems = schema::problems(kind.schema(), &document.value, &document.name);
    if !problems.is_empty() {
        return Err(problems);
    }
    let fields =
        SetFields::deserialize(&document.value).map_err(|error| vec![document.problem("", &error.to_string())])?;
    let list = kind.key().strip_suffix("_ref").unwrap_or_default();
    let mut problems = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, entry) in fields.entries.iter().enumerate() {
        if !seen.insert(entry.id.as_str()) {
            let message = "another entry of this set bears this id";
            problems.push(document.problem(&format!("/{list}/{index}/id"), message));
        }
        if entry.expires.as_deref().is_some_and(|text| expiry(text).is_none()) {
            let message = "expected a date (2026-12-31: it waives through that day, in UTC) or a time with an offset (2026-12-31T12:00:00Z)";
            problems.push(document.problem(&format!("/{list}/{index}/expires"), message));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(PolicySet { kind, id: fields.id, version: fields.version, document, entries: fields.entries })
}

/// The moment from which an entry no longer holds.
fn expiry(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    // A time without an offset would be read as its date.
    let day: Date = text.parse().ok().filter(|_| text.len() == 10)?;
    Some(day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_holds_through_its_day_and_a_time_to_the_second() {
        let at = |text: &str| expiry(text).map(|at| at.to_string());
        assert_eq!(at("2026-12-31").as_deref(), Some("2027-01-01T00:00:00Z"));
        assert_eq!(at("2026-12-31T12:00:00+02:00").as_deref(), Some("2026-12-31T10:00:00Z"));
        for wrong in ["", "soon", "2026-13-01", "31.12.2026", "2026-12-31T12:00:00"] {
            assert_eq!(at(wrong), None, "{wrong}");
        }
    }
}
