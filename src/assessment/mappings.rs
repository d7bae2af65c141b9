//! Mappings: which controls the requirements of a check stand for, and what the run's evidence says about each.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::documents::{Evidence, Finding, Mapping, MappingStatus, MappingSummary};
use super::error::ProfileProblem;
use super::extensions::{Extension, MappingSource};
use super::profile::Document;
use super::schema::{self, Schema};
use crate::model::{Disposition, EvidenceResult};

/// One line of a mapping set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingEntry {
    /// The requirement, as evidence names it.
    pub requirement_ref: String,
    /// The controls that it stands for.
    pub control_refs: Vec<String>,
}

/// A mapping set, read.
#[derive(Debug, Clone)]
pub(super) struct MappingSet {
    pub(super) id: String,
    pub(super) version: Option<String>,
    /// The file, when it stands in one of its own.
    pub(super) document: Option<Document>,
    entries: Vec<MappingEntry>,
}

#[derive(Deserialize)]
struct SetFields {
    id: Option<String>,
    version: Option<String>,
    entries: Vec<MappingEntry>,
}

/// Reads one set of an extension.
fn read(extension: &Extension, source: &MappingSource) -> Result<MappingSet, Vec<ProfileProblem>> {
    let Some(path) = &source.path else {
        return Ok(MappingSet {
            id: source.id.clone(),
            version: source.version.clone(),
            document: None,
            entries: source.entries.clone(),
        });
    };
    let document = extension.json(path)?;
    let problems = schema::problems(Schema::MappingSet, &document.value, &document.name);
    if !problems.is_empty() {
        return Err(problems);
    }
    let fields =
        SetFields::deserialize(&document.value).map_err(|error| vec![document.problem("", &error.to_string())])?;
    if let Some(id) = fields.id.filter(|id| *id != source.id) {
        let message = format!("found {id}: the manifest calls this set {}", source.id);
        return Err(vec![document.problem("/id", &message)]);
    }
    Ok(MappingSet {
        id: source.id.clone(),
        version: fields.version.or_else(|| source.version.clone()),
        document: Some(document),
        entries: fields.entries,
    })
}

/// Everything that is wrong with the mapping sets of an extension.
pub(super) fn problems(extension: &Extension) -> Vec<ProfileProblem> {
    extension.manifest.mappings.iter().filter_map(|source| read(extension, source).err()).flatten().collect()
}

/// The mapping sets of an extension.
pub(super) fn sets(extension: &Extension) -> Result<Vec<MappingSet>, Vec<ProfileProblem>> {
    extension.manifest.mappings.iter().map(|source| read(extension, source)).collect()
}

/// What the evidence says about every line of the sets: one mapping a set and requirement, in their order.
pub(super) fn mappings(sets: &[MappingSet], evidence: &[Evidence], findings: &[Finding]) -> Vec<Mapping> {
    let dispositions: HashMap<&str, Disposition> =
        findings.iter().map(|finding| (finding.evidence_id.as_str(), finding.disposition)).collect();
    let mut about: HashMap<&str, Vec<&Evidence>> = HashMap::new();
    for item in evidence {
        for requirement in &item.requirement_refs {
            about.entry(requirement).or_default().push(item);
        }
    }
    let mut mappings = Vec::new();
    for set in sets {
        let mut controls: HashMap<&str, Vec<String>> = HashMap::new();
        let mut order = Vec::new();
        for entry in &set.entries {
            let controls = controls.entry(&entry.requirement_ref).or_insert_with(|| {
                order.push(entry.requirement_ref.as_str());
                Vec::new()
            });
            for control in &entry.control_refs {
                if !controls.contains(control) {
                    controls.push(control.clone());
                }
            }
        }
        for requirement in order {
            let control_refs = controls.remove(requirement).unwrap_or_default();
            let items = about.get(requirement).map(Vec::as_slice).unwrap_or_default();
            mappings.push(Mapping {
                id: format!("mapping-{:04}", mappings.len() + 1),
                mapping_set: set.id.clone(),
                requirement_ref: requirement.to_owned(),
                control_refs,
                evidence_refs: items.iter().map(|item| item.id.clone()).collect(),
                status: status(items, &dispositions),
            });
        }
    }
    mappings
}

/// What several items together say of a requirement: the worst counts.
fn status(items: &[&Evidence], dispositions: &HashMap<&str, Disposition>) -> MappingStatus {
    items.iter().map(|item| of_item(item, dispositions)).max().unwrap_or(MappingStatus::NoEvidence)
}

fn of_item(item: &Evidence, dispositions: &HashMap<&str, Disposition>) -> MappingStatus {
    use EvidenceResult as Word;
    let accepted = matches!(dispositions.get(item.id.as_str()), Some(Disposition::Expected | Disposition::Waived));
    match item.result {
        Word::Pass => MappingStatus::Met,
        Word::InfrastructureError | Word::Blocked => MappingStatus::NotAssessed,
        Word::Fail | Word::Warning if accepted => MappingStatus::Accepted,
        Word::Fail => MappingStatus::NotMet,
        Word::Warning | Word::Manual | Word::Unknown => MappingStatus::NeedsReview,
        Word::ExpectedGap | Word::WaiverApplied | Word::UnsupportedByDesign => MappingStatus::Accepted,
        Word::NotApplicable | Word::Skipped => MappingStatus::NotApplicable,
    }
}

/// How many mappings there are, and of each status.
pub(super) fn summary(mappings: &[Mapping]) -> MappingSummary {
    let mut by_status = BTreeMap::new();
    for mapping in mappings {
        *by_status.entry(mapping.status.word()).or_default() += 1;
    }
    MappingSummary { total: u64::try_from(mappings.len()).unwrap_or(u64::MAX), by_status }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::outcome::tests::item;

    fn set(entries: &[(&str, &[&str])]) -> MappingSet {
        let entries = entries.iter().map(|(requirement, controls)| MappingEntry {
            requirement_ref: (*requirement).to_owned(),
            control_refs: controls.iter().map(|control| (*control).to_owned()).collect(),
        });
        MappingSet { id: "set".to_owned(), version: None, document: None, entries: entries.collect() }
    }

    fn evidence(id: &str, result: EvidenceResult, requirement: &str) -> Evidence {
        Evidence { id: id.to_owned(), requirement_refs: vec![requirement.to_owned()], ..item(result) }
    }

    #[test]
    fn the_worst_item_decides_and_an_accepted_failure_is_told_apart() {
        use EvidenceResult as Word;
        let items = [
            evidence("e1", Word::Pass, "r:1"),
            evidence("e2", Word::Fail, "r:1"),
            evidence("e3", Word::Fail, "r:2"),
            evidence("e4", Word::Blocked, "r:3"),
        ];
        let mut findings = crate::assessment::outcome::findings(&items, "s", |_| String::new());
        findings[1].disposition = Disposition::Waived;
        let made = mappings(
            &[set(&[("r:1", &["c1"]), ("r:2", &["c1", "c2"]), ("r:3", &["c3"]), ("r:4", &["c4"])])],
            &items,
            &findings,
        );
        let statuses: Vec<&str> = made.iter().map(|mapping| mapping.status.word()).collect();
        assert_eq!(statuses, ["not_met", "accepted", "not_assessed", "no_evidence"]);
        assert_eq!(made[0].evidence_refs, ["e1", "e2"]);
        assert_eq!(summary(&made).by_status["not_met"], 1);
    }

    #[test]
    fn a_requirement_that_stands_twice_in_a_set_is_one_mapping_with_all_controls() {
        let made = mappings(&[set(&[("r:1", &["a", "b"]), ("r:1", &["b", "c"])])], &[], &[]);
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].control_refs, ["a", "b", "c"]);
    }
}
