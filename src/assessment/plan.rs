//! What will be done: which check groups of which extensions, in which order, with which limits. Nothing is run here.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::documents::{PlanDocument, PlannedExtension, Policy, Step};
use super::error::{AssessmentError, ProfileProblem};
use super::extensions::{CheckGroup, Extension, Naming, Survey};
use super::mappings::{self, MappingSet};
use super::policy::{self, PolicyKind, PolicySet};
use super::profile::{AssessmentProfile, ProfileSource, TargetProfile, load_assessment, load_target};
use crate::model::ProfileKind;

/// The limit of a runner when nobody states one.
const DEFAULT_TIMEOUT_SECONDS: u64 = 900;

/// A plan: everything that execution needs, checked.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The target.
    pub target: TargetProfile,
    /// The assessment.
    pub assessment: AssessmentProfile,
    /// The extensions that take part, in the profile's order.
    pub extensions: Vec<Extension>,
    /// The policy sets that the assessment profile names.
    pub(super) policy: Vec<PolicySet>,
    /// The mapping sets of the extensions.
    pub(super) mappings: Vec<MappingSet>,
    /// The plan as a document.
    pub document: PlanDocument,
}

impl Plan {
    /// The document, as a run keeps it in `plan.json`.
    ///
    /// # Errors
    /// [`AssessmentError::Encoding`].
    pub fn to_json(&self) -> Result<String, AssessmentError> {
        let bytes = super::writing::json(&self.document)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The entries of the policy sets that speak of a check which no step makes, each in a sentence: no fault, but perhaps a slip.
    #[must_use]
    pub fn policy_astray(&self) -> Vec<String> {
        let checks: HashSet<&str> =
            self.document.steps.iter().flat_map(|step| &step.checks).map(String::as_str).collect();
        self.policy.iter().flat_map(|set| set.astray(|check| checks.contains(check))).collect()
    }
}

/// Makes the plan.
///
/// # Errors
/// [`AssessmentError::Invalid`] with everything that is wrong in both profiles and the extensions that they name.
pub fn plan(
    target: &ProfileSource,
    assessment: &ProfileSource,
    extension_dirs: &[std::path::PathBuf],
) -> Result<Plan, AssessmentError> {
    plan_with(target, assessment, Survey::of(extension_dirs, Naming::Paths))
}

/// Makes the plan with extensions that were already looked for.
///
/// # Errors
/// As [`plan`].
pub fn plan_with(
    target: &ProfileSource,
    assessment: &ProfileSource,
    extensions: Survey,
) -> Result<Plan, AssessmentError> {
    let mut problems = Vec::new();
    let target = kept(load_target(target), &mut problems);
    let loaded = kept(load_assessment(assessment), &mut problems);
    let named = loaded.as_ref().map(|assessment| assessment.extensions.as_slice()).unwrap_or_default();
    let extensions = kept(extensions.for_named(named), &mut problems);
    let selected = match (&loaded, extensions) {
        (Some(assessment), Some(extensions)) => {
            let selection = select(assessment, &extensions);
            problems.extend(selection.absent_problems(assessment, &extensions));
            problems.extend(selection.problems);
            selection.extensions
        }
        _ => Vec::new(),
    };
    let policy = loaded.as_ref().and_then(|loaded| kept(policy::load(loaded, assessment), &mut problems));
    let mut mappings = Vec::new();
    for extension in &selected {
        mappings.extend(kept(mappings::sets(extension), &mut problems).into_iter().flatten());
    }
    if let (Some(target), Some(assessment)) = (&target, &loaded) {
        for extension in &selected {
            let subject_type = target.subject_type();
            for (kind, profile) in
                [(ProfileKind::Target, &target.document), (ProfileKind::Assessment, &assessment.document)]
            {
                problems.extend(extension.profile_problems(kind, subject_type, profile));
            }
        }
    }
    match (target, loaded, policy) {
        (Some(target), Some(assessment), Some(policy)) if problems.is_empty() => {
            let document = document(&target, &assessment, &selected, &policy);
            Ok(Plan { target, assessment, extensions: selected, policy, mappings, document })
        }
        _ => Err(AssessmentError::Invalid(problems)),
    }
}

fn kept<T>(read: Result<T, Vec<ProfileProblem>>, problems: &mut Vec<ProfileProblem>) -> Option<T> {
    match read {
        Ok(value) => Some(value),
        Err(more) => {
            problems.extend(more);
            None
        }
    }
}

/// What an assessment profile chooses of the extensions there are.
pub(super) struct Selection {
    /// Those that it lists and that are there, in its order.
    pub(super) extensions: Vec<Extension>,
    /// The places in its list of those that are not.
    absent: Vec<usize>,
    /// What is wrong in what it asks of those that are.
    pub(super) problems: Vec<ProfileProblem>,
}

impl Selection {
    /// The ids that it lists and that no extension bears.
    pub(super) fn absent_ids<'a>(&self, assessment: &'a AssessmentProfile) -> impl Iterator<Item = &'a String> {
        self.absent.iter().filter_map(|index| assessment.extensions.get(*index))
    }

    /// The same, where each of them is a fault.
    fn absent_problems(&self, assessment: &AssessmentProfile, extensions: &[Extension]) -> Vec<ProfileProblem> {
        let known: Vec<&str> = extensions.iter().map(|extension| extension.manifest.id.as_str()).collect();
        let tell = |(index, id): (&usize, &String)| {
            let message = format!(
                "there is no extension {id}; there are: {}. Name its directory with --extension-dir or GUIDE_BOARD_EXTENSION_PATHS",
                known.join(", ")
            );
            assessment.document.problem(&format!("/extensions/{index}"), &message)
        };
        self.absent.iter().zip(self.absent_ids(assessment)).map(tell).collect()
    }
}

/// The extensions that the profile lists, checked for what it asks of them.
pub(super) fn select(assessment: &AssessmentProfile, extensions: &[Extension]) -> Selection {
    let document = &assessment.document;
    let (mut selected, mut absent, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for (index, id) in assessment.extensions.iter().enumerate() {
        match extensions.iter().find(|extension| extension.manifest.id == *id) {
            Some(extension) => selected.push(extension.clone()),
            None => absent.push(index),
        }
    }
    for (index, group) in assessment.check_groups.iter().flatten().enumerate() {
        let pointer = format!("/check_groups/{index}");
        if !assessment.extensions.contains(&group.extension_id) {
            let message = format!("{} is not among the extensions of this profile", group.extension_id);
            problems.push(document.problem(&format!("{pointer}/extension_id"), &message));
            continue;
        }
        let Some(extension) = selected.iter().find(|extension| extension.manifest.id == group.extension_id) else {
            continue;
        };
        if extension.manifest.group(&group.check_group).is_none() {
            let message = format!("{} has no check group {}", group.extension_id, group.check_group);
            problems.push(document.problem(&format!("{pointer}/check_group"), &message));
        }
    }
    if assessment.check_groups.as_ref().is_some_and(Vec::is_empty) {
        problems.push(
            document.problem("/check_groups", "the list is empty, so nothing would run; leave it out for all groups"),
        );
    }
    Selection { extensions: selected, absent, problems }
}

fn document(
    target: &TargetProfile,
    assessment: &AssessmentProfile,
    extensions: &[Extension],
    policy: &[PolicySet],
) -> PlanDocument {
    let mut steps = Vec::new();
    // With a selection its order counts, else the manifests' order.
    let selected: Vec<(&Extension, &CheckGroup)> = match &assessment.check_groups {
        Some(wanted) => wanted
            .iter()
            .filter_map(|wanted| {
                let extension = extensions.iter().find(|extension| extension.manifest.id == wanted.extension_id)?;
                Some((extension, extension.manifest.group(&wanted.check_group)?))
            })
            .collect(),
        None => extensions
            .iter()
            .flat_map(|extension| extension.manifest.check_groups.iter().map(move |group| (extension, group)))
            .collect(),
    };
    for (order, (extension, group)) in selected.into_iter().enumerate() {
        steps.push(Step {
            order: order + 1,
            extension_id: extension.manifest.id.clone(),
            check_group: group.id.clone(),
            checks: group.checks.iter().map(|check| check.id.clone()).collect(),
            runner_ref: group.runner_ref.clone(),
            normalizer_ref: group.normalizer_ref.clone(),
            timeout_seconds: timeout(assessment, extension, group),
        });
    }
    let name_of = |kind: PolicyKind| policy.iter().find(|set| set.kind == kind).map(|set| set.document.name.clone());
    PlanDocument {
        schema_version: "1",
        target_profile_ref: target.id.clone(),
        assessment_profile_ref: assessment.id.clone(),
        frameworks: assessment.frameworks.clone(),
        extensions: extensions
            .iter()
            .map(|extension| PlannedExtension {
                id: extension.manifest.id.clone(),
                version: extension.manifest.version.clone(),
                root: extension.root_word().to_owned(),
            })
            .collect(),
        steps,
        policy: Policy {
            expectations_ref: name_of(PolicyKind::Expectations),
            waivers_ref: name_of(PolicyKind::Waivers),
            challenges_ref: name_of(PolicyKind::Challenges),
            exclusions_ref: name_of(PolicyKind::Exclusions),
        },
        runtime_policy: runtime_policy(assessment),
    }
}

/// The shortest limit that the group, its runner or the profile states.
fn timeout(assessment: &AssessmentProfile, extension: &Extension, group: &CheckGroup) -> u64 {
    let runner = extension.manifest.runner(&group.runner_ref).and_then(|runner| runner.timeout_seconds);
    let stated = [group.timeout_seconds, runner, assessment.timeout_seconds];
    stated.into_iter().flatten().min().unwrap_or(DEFAULT_TIMEOUT_SECONDS)
}

/// The profile's policy with the word that `offline` is asked for, not enforced.
fn runtime_policy(assessment: &AssessmentProfile) -> Map<String, Value> {
    let mut policy = assessment.runtime_policy.clone();
    policy.entry("offline").or_insert(json!(false));
    policy.insert("offline_enforced".to_owned(), json!(false));
    policy
}
