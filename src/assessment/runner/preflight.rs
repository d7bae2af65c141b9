//! The preflight: an extension's runner that says whether the others can run. It runs once, before the extension's first step.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Bench;
use super::judge::{self, ended_with, ending_facts, last_words};
use super::problem::Refusal;
use super::program::{Program, Ran, WORKING_FILES, path};
use crate::assessment::error::AssessmentError;
use crate::assessment::extensions::{Extension, RunnerEntrypoint};
use crate::assessment::schema::{self, Schema};
use crate::model::{RunnerKind, printable};

/// How long a preflight may take when nobody states it.
const DEFAULT_TIMEOUT_SECONDS: u64 = 60;

/// What a preflight came to.
#[derive(Debug, Clone, Default)]
pub(in crate::assessment) struct Preflight {
    /// Why the extension's runners are not started: the reason's word and sentences.
    pub(super) refusal: Option<(String, Vec<String>)>,
    /// What the submission package tells of it; empty without a preflight.
    pub(in crate::assessment) told: Map<String, Value>,
}

#[derive(Deserialize)]
struct Verdict {
    ready: bool,
    reason: Option<String>,
    blocked_reason: Option<String>,
}

impl Bench<'_> {
    /// Runs the preflight of an extension, if it has one. Without credentials it is not asked: the steps say why they are blocked.
    pub(in crate::assessment) fn preflight(&self, extension: &Extension) -> Result<Preflight, AssessmentError> {
        let manifest = &extension.manifest;
        let runner = manifest.preflight_runner.as_deref().and_then(|id| manifest.runner(id));
        let Some(runner) = runner.filter(|_| self.credentials.missing.is_none() && self.target_missing.is_none())
        else {
            return Ok(Preflight::default());
        };
        let stated = [runner.timeout_seconds, self.plan.assessment.timeout_seconds];
        let timeout_seconds = stated.into_iter().flatten().min().unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        let command = match self.runner_command(extension, runner, "preflight") {
            Ok(command) => command,
            Err(message) => {
                let refusal = Some(("not_configured".to_owned(), vec![message]));
                return Ok(Preflight { refusal, told: Map::new() });
            }
        };
        let context = self.context(extension, None);
        let program = || {
            Ok(Program {
                command,
                directory: path(&format!("artifacts/{}", manifest.id))?,
                desk: path(&format!("{WORKING_FILES}/preflight-{}", manifest.id))?,
                // No group can bear this name.
                output: path(&format!("artifacts/{}/_preflight", manifest.id))?,
                context: &context,
                timeout_seconds,
                output_limit: self.output_limit(runner),
                prints_result: runner.kind != RunnerKind::PythonModule,
            })
        };
        let mut told = Map::from_iter([
            ("extension_id".to_owned(), json!(manifest.id)),
            ("preflight".to_owned(), json!(true)),
            ("runner_ref".to_owned(), json!(runner.id)),
        ]);
        let refusal = match program().and_then(|program| self.execute(program)) {
            Ok(ran) => {
                told.extend(ending_facts(&ran));
                self.refusal(runner, &ran, timeout_seconds)
            }
            Err(Refusal::Broken(message)) => Some(("preflight_failed".to_owned(), vec![message])),
            Err(Refusal::Error(error)) => return Err(error),
        };
        told.insert("ready".to_owned(), json!(refusal.is_none()));
        Ok(Preflight { refusal, told })
    }

    /// Why a preflight that was run says no.
    fn refusal(&self, runner: &RunnerEntrypoint, ran: &Ran, timeout_seconds: u64) -> Option<(String, Vec<String>)> {
        let failed = |reason: String| {
            let mut said = vec![reason];
            said.extend(last_words(ran));
            Some(("preflight_failed".to_owned(), said))
        };
        if let Some(failure) = &ran.ending.start_failure {
            let reason = if failure.program_missing { "missing_dependency" } else { "preflight_failed" };
            return Some((reason.to_owned(), judge::not_started(failure, runner, "the preflight")));
        }
        let verdict = match ran.result() {
            // It may print what it likes, and need not say anything.
            Ok(bytes) if !bytes.trim_ascii_start().starts_with(b"{") => None,
            Ok(bytes) => match self.verdict(bytes) {
                Ok(verdict) => Some(verdict),
                Err(message) => return failed(message),
            },
            // A function that failed has no result, and its ending says why.
            Err(_) if ran.ending.exit_code != Some(0) => None,
            Err(message) => return failed(message),
        };
        match verdict {
            Some(Verdict { ready: false, reason, blocked_reason }) => {
                let reason = reason.unwrap_or_else(|| "the preflight says that the runners cannot run".to_owned());
                Some((blocked_reason.unwrap_or_else(|| "preflight_failed".to_owned()), vec![reason]))
            }
            _ => ended_with(ran, "the preflight", timeout_seconds).and_then(failed),
        }
    }

    fn verdict(&self, bytes: &[u8]) -> Result<Verdict, String> {
        let invalid = |said: String| format!("the preflight's result is not what the schema says: {said}");
        let mut value: Value =
            serde_json::from_slice(bytes).map_err(|error| invalid(printable(&error.to_string(), 200)))?;
        self.credentials.redactor.value(&mut value);
        let problems = schema::problems(Schema::PreflightResult, &value, "result");
        if let Some(problem) = problems.first() {
            return Err(invalid(problem.to_string()));
        }
        serde_json::from_value(value).map_err(|error| invalid(printable(&error.to_string(), 200)))
    }
}
