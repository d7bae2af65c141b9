//! The runner protocol: one step of a plan, from the context file to typed items.
//!
//! Whatever a runner does, a step ends with at least one item for each of its checks: what it reported, or an item that says why there is
//! none. `Err` is left for what makes the whole run impossible: the disk, the supervisor, a cancellation.

mod judge;
mod normalize;
mod preflight;
mod problem;
mod program;

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(super) use judge::{ended, last_words};
pub(super) use preflight::Preflight;
pub(super) use problem::Refusal;
pub(super) use program::{Program, WORKING_FILES, path};

use super::cancel::Cancellation;
use super::credentials::Credentials;
use super::documents::Step;
use super::embedded;
use super::error::AssessmentError;
use super::extensions::{CheckGroup, Extension, RunnerEntrypoint};
use super::plan::Plan;
use super::result::{ReportedItem, RunnerResult, decode};
use crate::model::{EvidenceResult, RunId, RunnerKind};
use crate::repository::record::RunRecord;
use normalize::Normalized;
use problem::{Problem, Report};

/// What all steps of a run share.
pub(super) struct Bench<'a> {
    pub(super) record: &'a RunRecord,
    pub(super) run_id: &'a RunId,
    pub(super) output_dir: &'a Path,
    pub(super) plan: &'a Plan,
    pub(super) target_profile: &'a Value,
    pub(super) credentials: &'a Credentials,
    pub(super) guide_board: &'a Path,
    pub(super) grace: std::time::Duration,
    pub(super) cancellation: &'a Cancellation,
    /// Why there is nothing to assess, when the target's files are not there.
    pub(super) target_missing: Option<&'a str>,
}

/// What a step came to.
pub(super) struct StepOutcome {
    /// At least one item for each check of the group.
    pub(super) items: Vec<ReportedItem>,
    pub(super) started_at: Timestamp,
    pub(super) completed_at: Timestamp,
    /// How the runner ended and what it says about itself.
    pub(super) metadata: Value,
}

impl Bench<'_> {
    /// Puts the files of bundled extensions where their runners can use them.
    pub(super) fn lay_out(&self) -> Result<(), AssessmentError> {
        for extension in &self.plan.extensions {
            if extension.directory().is_some() || !extension.needs_files() {
                continue;
            }
            let id = &extension.manifest.id;
            for (file, bytes) in embedded::extension_files(id) {
                let path = super::writing::relative(&format!("{WORKING_FILES}/extensions/{id}/{file}"))?;
                self.record.write(&path, bytes)?;
            }
        }
        Ok(())
    }

    /// Runs one step.
    pub(super) fn run_step(
        &self,
        extension: &Extension,
        step: &Step,
        preflight: &Preflight,
    ) -> Result<StepOutcome, AssessmentError> {
        let started_at = Timestamp::now();
        let report = match self.report(extension, step, preflight) {
            Ok(report) => report,
            Err(Refusal::Broken(message)) => Report::broken(message),
            Err(Refusal::Error(error)) => return Err(error),
        };
        let mut items = report.result.evidence;
        let reported: std::collections::HashSet<String> = items.iter().map(|item| item.check_id.clone()).collect();
        for check in &step.checks {
            if !reported.contains(check) {
                let mut problem = report.problem.clone().unwrap_or_else(Problem::nothing_reported);
                if let Some((_, why)) = report.silent.iter().find(|(silent, _)| silent == check) {
                    problem.observations.insert(0, why.clone());
                }
                items.push(problem.item(check));
            }
        }
        // What answers for no check stands behind what does.
        items.extend(report.result.aside);
        let mut metadata = Map::new();
        metadata.insert("extension_id".to_owned(), json!(step.extension_id));
        metadata.insert("check_group".to_owned(), json!(step.check_group));
        metadata.insert("runner_ref".to_owned(), json!(step.runner_ref));
        metadata.extend(report.ending);
        metadata.insert("offline_enforced".to_owned(), json!(false));
        metadata.insert("metadata".to_owned(), Value::Object(report.result.metadata));
        Ok(StepOutcome { items, started_at, completed_at: Timestamp::now(), metadata: Value::Object(metadata) })
    }

    fn report(&self, extension: &Extension, step: &Step, preflight: &Preflight) -> Result<Report, Refusal> {
        let manifest = &extension.manifest;
        let declared = (manifest.runner(&step.runner_ref), manifest.group(&step.check_group));
        let (Some(runner), Some(group)) = declared else {
            return Err(Refusal::Broken("the runner is not declared".to_owned()));
        };
        if runner.kind == RunnerKind::External {
            return Ok(left_to_a_person(runner, group));
        }
        if let Some(missing) = &self.credentials.missing {
            let message = format!("the target's credentials are not there: {missing}");
            return Ok(Report::blocked("not_configured", message));
        }
        if let Some(message) = self.target_missing {
            return Ok(Report::blocked("not_configured", message.to_owned()));
        }
        if let Some((reason, said)) = &preflight.refusal {
            let problem = Problem::blocked(reason, said.clone());
            return Ok(Report { problem: Some(problem), ..Report::default() });
        }
        let command = match self.runner_command(extension, runner, "runner") {
            Ok(command) => command,
            Err(message) => return Ok(Report::blocked("not_configured", message)),
        };
        let artifacts = path(&format!("artifacts/{}", step.extension_id))?;
        let before = self.before(extension, group, &artifacts)?;
        let context = self.context(extension, Some(step));
        let ran = self.execute(Program {
            command,
            output: path(&format!("{artifacts}/{}", step.check_group))?,
            directory: artifacts,
            desk: path(&format!("{WORKING_FILES}/step-{:04}", step.order))?,
            context: &context,
            timeout_seconds: step.timeout_seconds,
            output_limit: self.output_limit(runner),
            prints_result: runner.kind != RunnerKind::PythonModule,
        })?;
        if let Some(failure) = &ran.ending.start_failure {
            let said = judge::not_started(failure, runner, "the runner");
            let problem = match failure.program_missing {
                true => Problem::blocked("missing_dependency", said),
                false => Problem::broken(said),
            };
            return Ok(Report { problem: Some(problem), ..Report::default() });
        }
        let who = if runner.kind == RunnerKind::PythonModule { "the function" } else { "the runner" };
        let mut reasons: Vec<String> = judge::ended_with(&ran, who, step.timeout_seconds).into_iter().collect();
        let Normalized { mut result, invalid, missing, partial, silent, told } = match before {
            Some(before) => self.normalize(extension, step, &before, &ran)?,
            None => self.reported(step, &ran),
        };
        if let Some(missing) = missing {
            return Ok(Report::blocked("missing_dependency", missing));
        }
        // A function that failed has no result; why it failed is said already.
        if runner.kind != RunnerKind::PythonModule || reasons.is_empty() {
            reasons.extend(invalid);
        }
        let problem = judge::problem(&ran, reasons);
        let first = step.checks.first().filter(|first| result.evidence.iter().any(|item| item.check_id == **first));
        if let (true, Some(problem), Some(first)) = (partial, &problem, first) {
            // What was read counts, and that it is not all there is, too.
            result.aside.push(problem.clone().item(first));
        }
        let mut ending = judge::ending_facts(&ran);
        ending.extend(told);
        Ok(Report { result, problem, ending, silent })
    }

    /// What the runner reports itself. What it reported before it broke counts.
    fn reported(&self, step: &Step, ran: &program::Ran) -> Normalized {
        match ran.result().and_then(|bytes| decode(bytes, &step.checks, &self.credentials.redactor)) {
            Ok(result) => Normalized { result, ..Normalized::default() },
            Err(reason) => Normalized { invalid: vec![reason], ..Normalized::default() },
        }
    }

    /// What a runner reads; without a step, what a preflight reads.
    fn context(&self, extension: &Extension, step: Option<&Step>) -> Value {
        let id = &extension.manifest.id;
        json!({
            "schema_version": "1",
            "run_id": self.run_id.as_str(),
            "run_dir": self.output_dir,
            "artifacts_dir": self.output_dir.join("artifacts").join(id),
            "extension_id": id,
            "extension_path": self.extension_directory(extension),
            "check_group": step.map(|step| &step.check_group),
            "checks": step.map(|step| step.checks.as_slice()).unwrap_or_default(),
            "target_profile": self.target_profile,
            "assessment_profile": self.plan.assessment.document.value,
            "plan_step": step,
            "runtime_policy": self.plan.document.runtime_policy,
        })
    }
}

/// An external runner is declared, not executed: a person makes its checks.
fn left_to_a_person(runner: &RunnerEntrypoint, group: &CheckGroup) -> Report {
    let instructions = runner.instructions.as_deref().unwrap_or("no instructions are given");
    let item = |check: &str| {
        let problem = Problem {
            result: EvidenceResult::Manual,
            observations: vec![format!("made outside of guide-board; {instructions}")],
            facts: Map::from_iter([("runner_kind".to_owned(), json!(RunnerKind::External))]),
        };
        problem.item(check)
    };
    let evidence = group.checks.iter().map(|check| item(&check.id)).collect();
    Report { result: RunnerResult { evidence, ..RunnerResult::default() }, ..Report::default() }
}
