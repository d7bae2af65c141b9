//! What assessments are made of, as messages: extensions, verdicts on profiles, plans. The command line prints the same messages.

use prost::Message as _;

use super::{MAX_MESSAGE_BYTES, listing};
use crate::assessment::check::Verdict;
use crate::assessment::documents::Step;
use crate::assessment::extensions::{self, CheckGroup, Extension, Framework, Survey};
use crate::assessment::plan::Plan;
use crate::assessment::{AssessmentError, ProfileProblem};
use crate::model::{RunnerKind, printable};
use crate::wire::pb;

/// The most problems that one reply tells.
const MAX_PROBLEMS: usize = 100;

/// The largest extension that is listed with all its parts, in bytes.
const MAX_EXTENSION_BYTES: usize = 1 << 20;

/// The room that a page token takes, in bytes.
const TOKEN_BYTES: usize = 1 << 10;

/// How much stays of a text of an extension that is larger, in characters.
const CUT: usize = 4096;

/// A page of extensions by id, and the id that the next one begins after.
pub(super) fn page(survey: &Survey, after: Option<&str>, limit: usize) -> (pb::ListExtensionsResponse, Option<String>) {
    let mut all: Vec<&Extension> = survey.extensions.iter().collect();
    all.sort_by(|one, other| one.manifest.id.cmp(&other.manifest.id));
    let total = count(all.len());
    all.retain(|extension| after.is_none_or(|after| extension.manifest.id.as_str() > after));
    let mut extensions: Vec<pb::Extension> = all.iter().take(limit).map(|extension| described(extension)).collect();
    let kept = listing::fitting(&mut extensions);
    let next = if kept < all.len() { extensions.last().map(|last| last.id.clone()) } else { None };
    let mut reply = pb::ListExtensionsResponse {
        extensions,
        next_page_token: String::new(),
        total_size: total,
        problems: problems(&survey.problems),
        problem_count: count(survey.problems.len()),
    };
    // A page leaves room for problems in plain letters, and not for so many in any others.
    while reply.encoded_len() > MAX_MESSAGE_BYTES - TOKEN_BYTES && reply.problems.pop().is_some() {}
    (reply, next)
}

/// All extensions that were found, by id, as one reply.
#[must_use]
pub fn all_extensions(survey: &Survey) -> pb::ListExtensionsResponse {
    let (mut whole, mut next) = page(survey, None, usize::MAX);
    while let Some(after) = next {
        let (more, then) = page(survey, Some(&after), usize::MAX);
        whole.extensions.extend(more.extensions);
        next = then;
    }
    whole
}

/// What is said of a profile.
#[must_use]
pub fn verdict(verdict: &Verdict) -> pb::ValidateProfileResponse {
    pb::ValidateProfileResponse {
        valid: verdict.problems.is_empty(),
        profile_id: verdict.id.clone().unwrap_or_default(),
        problems: problems(&verdict.problems),
        problem_count: count(verdict.problems.len()),
        absent_extensions: verdict.absent_extensions.iter().take(MAX_PROBLEMS).cloned().collect(),
    }
}

/// A plan; `None` when it is larger than a message.
pub(super) fn planned(plan: &Plan) -> Result<Option<pb::PlanAssessmentResponse>, AssessmentError> {
    let document = &plan.document;
    let policy = &document.policy;
    let reference = |name: &Option<String>| name.clone().unwrap_or_default();
    let reply = pb::PlanAssessmentResponse {
        plan: Some(pb::AssessmentPlan {
            target_profile_ref: document.target_profile_ref.clone(),
            assessment_profile_ref: document.assessment_profile_ref.clone(),
            frameworks: document.frameworks.clone(),
            extensions: plan.extensions.iter().map(planned_extension).collect(),
            steps: document.steps.iter().map(|step| planned_step(plan, step)).collect(),
            policy: Some(pb::PlanPolicy {
                expectations_ref: reference(&policy.expectations_ref),
                waivers_ref: reference(&policy.waivers_ref),
                challenges_ref: reference(&policy.challenges_ref),
                exclusions_ref: reference(&policy.exclusions_ref),
            }),
            runtime_policy: document
                .runtime_policy
                .iter()
                .map(|(key, value)| (key.clone(), value.to_string()))
                .collect(),
        }),
        plan_json: plan.to_json()?,
    };
    Ok(Some(reply).filter(|reply| reply.encoded_len() <= MAX_MESSAGE_BYTES))
}

fn planned_extension(extension: &Extension) -> pb::PlannedExtension {
    pb::PlannedExtension {
        id: extension.manifest.id.clone(),
        version: extension.manifest.version.clone(),
        root: root(extension),
    }
}

fn planned_step(plan: &Plan, step: &Step) -> pb::PlanStep {
    let extension = plan.extensions.iter().find(|extension| extension.manifest.id == step.extension_id);
    let runner = extension.and_then(|extension| extension.manifest.runner(&step.runner_ref));
    pb::PlanStep {
        order: u32::try_from(step.order).unwrap_or(u32::MAX),
        extension_id: step.extension_id.clone(),
        check_group: step.check_group.clone(),
        checks: step.checks.clone(),
        runner_ref: step.runner_ref.clone(),
        runner_kind: runner.map_or(pb::RunnerKind::Unspecified, |runner| runner_kind(runner.kind)).into(),
        normalizer_ref: step.normalizer_ref.clone().unwrap_or_default(),
        timeout_seconds: step.timeout_seconds,
    }
}

fn described(extension: &Extension) -> pb::Extension {
    let manifest = &extension.manifest;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut described = pb::Extension {
        id: manifest.id.clone(),
        version: manifest.version.clone(),
        title: text(&manifest.title),
        description: text(&manifest.description),
        extension_type: manifest.extension_type.clone(),
        root: root(extension),
        supported_frameworks: manifest.supported_frameworks.iter().map(framework).collect(),
        check_groups: manifest.check_groups.iter().map(|group| check_group(manifest, group)).collect(),
        certification_boundary: text(&manifest.certification_boundary),
        parts_omitted: false,
    };
    if described.encoded_len() > MAX_EXTENSION_BYTES {
        described = pb::Extension {
            id: described.id,
            version: printable(&described.version, CUT),
            title: printable(&described.title, CUT),
            description: printable(&described.description, CUT),
            extension_type: printable(&described.extension_type, CUT),
            root: described.root,
            supported_frameworks: Vec::new(),
            check_groups: Vec::new(),
            certification_boundary: printable(&described.certification_boundary, CUT),
            parts_omitted: true,
        };
    }
    described
}

fn framework(framework: &Framework) -> pb::ExtensionFramework {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    match framework {
        Framework::Id(id) => pb::ExtensionFramework { id: id.clone(), ..Default::default() },
        Framework::Described { id, version, source_url, authority_ref } => pb::ExtensionFramework {
            id: id.clone(),
            version: text(version),
            source_url: text(source_url),
            authority_ref: text(authority_ref),
        },
    }
}

fn check_group(manifest: &extensions::Manifest, group: &CheckGroup) -> pb::ExtensionCheckGroup {
    let runner = manifest.runner(&group.runner_ref);
    pb::ExtensionCheckGroup {
        id: group.id.clone(),
        runner_kind: runner.map_or(pb::RunnerKind::Unspecified, |runner| runner_kind(runner.kind)).into(),
        checks: group
            .checks
            .iter()
            .map(|check| pb::ExtensionCheck {
                id: check.id.clone(),
                title: check.title.clone().unwrap_or_default(),
                description: check.description.clone().unwrap_or_default(),
                requirement_refs: check.requirement_refs.clone(),
            })
            .collect(),
    }
}

fn root(extension: &Extension) -> i32 {
    match &extension.root {
        extensions::ExtensionRoot::Bundled => pb::ExtensionRoot::Bundled,
        extensions::ExtensionRoot::External(_) => pb::ExtensionRoot::External,
    }
    .into()
}

const fn runner_kind(kind: RunnerKind) -> pb::RunnerKind {
    match kind {
        RunnerKind::PythonModule => pb::RunnerKind::PythonModule,
        RunnerKind::Command => pb::RunnerKind::Command,
        RunnerKind::External => pb::RunnerKind::External,
    }
}

fn problems(problems: &[ProfileProblem]) -> Vec<pb::ProfileProblem> {
    let told = problems.iter().take(MAX_PROBLEMS).map(|problem| pb::ProfileProblem {
        file: printable(&problem.file, 600),
        pointer: printable(&problem.pointer, 300),
        message: printable(&problem.message, 1200),
    });
    told.collect()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
