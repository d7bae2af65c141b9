//! From the reports that a runner left to items: a format that is built in, or a function of the extension.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::judge::{ended, ending_facts, last_words};
use super::program::{Program, Ran, WORKING_FILES, endpoint, path};
use super::{Bench, Refusal};
use crate::assessment::capture::CAPTURE_BYTES;
use crate::assessment::documents::Step;
use crate::assessment::extensions::{CheckGroup, Extension, Normalizer, NormalizerKind};
use crate::assessment::normalizers::{CheckPatterns, Collector, Format};
use crate::assessment::result::{ReportedItem, RunnerResult, decode};
use crate::model::RelativePath;
use crate::repository::record::LeftFile;

/// The input that stands for the runner's standard output.
const STDOUT: &str = "stdout";

/// How long a normalizer may take when nobody states it.
const DEFAULT_TIMEOUT_SECONDS: u64 = 300;

/// What was made of what a runner reports.
#[derive(Default)]
pub(super) struct Normalized {
    pub(super) result: RunnerResult,
    /// What is wrong with the report.
    pub(super) invalid: Vec<String>,
    /// What it takes to read the report and is not installed.
    pub(super) missing: Option<String>,
    /// Whether the items are only part of what the report was to say.
    pub(super) partial: bool,
    /// What the submission package tells of it.
    pub(super) told: Map<String, Value>,
}

impl Normalized {
    fn invalid(reason: String) -> Self {
        Self { invalid: vec![reason], ..Self::default() }
    }
}

/// The files that stood in the working directory before the runner began: an earlier step's report is not this one's.
pub(super) struct Before<'a> {
    normalizer: &'a Normalizer,
    files: HashSet<LeftFile>,
}

impl Bench<'_> {
    /// Looks at the working directory before a runner whose report is normalized. `None` when the runner reports evidence itself.
    pub(super) fn before<'a>(
        &self,
        extension: &'a Extension,
        group: &CheckGroup,
        artifacts: &RelativePath,
    ) -> Result<Option<Before<'a>>, Refusal> {
        let Some(normalizer) = extension.manifest.normalizer(group) else { return Ok(None) };
        let files = self.record.left_beneath(artifacts)?.into_iter().collect();
        Ok(Some(Before { normalizer, files }))
    }

    /// Reads what the runner left.
    pub(super) fn normalize(
        &self,
        extension: &Extension,
        step: &Step,
        before: &Before<'_>,
        ran: &Ran,
    ) -> Result<Normalized, Refusal> {
        let normalizer = before.normalizer;
        let inputs = self.inputs(step, before)?;
        let mut normalized = match normalizer.kind {
            NormalizerKind::PythonModule => self.call(extension, step, normalizer, &inputs, ran)?,
            NormalizerKind::JunitXml => self.collect(Format::JunitXml, extension, step, &inputs)?,
            NormalizerKind::Sarif210 => self.collect(Format::Sarif210, extension, step, &inputs)?,
            NormalizerKind::Tap14 => self.collect(Format::Tap14, extension, step, &inputs)?,
        };
        if normalizer.kind != NormalizerKind::PythonModule {
            if inputs.is_empty() {
                let wanted = normalizer.input.0.join(", ");
                normalized = Normalized::invalid(format!("the runner left no report: nothing new matches {wanted}"));
            }
            if ran.stdout.truncated && normalizer.input.0.iter().any(|input| input == STDOUT) {
                let message = "standard output was cut, so the report in it is not whole; raise max_output_bytes";
                normalized.invalid.push(message.to_owned());
                normalized.partial = true;
            }
        }
        let shown: Vec<&str> = inputs.iter().take(100).map(RelativePath::as_str).collect();
        let about = json!({"id": normalizer.id, "inputs": shown, "input_count": inputs.len()});
        normalized.told.insert("normalizer".to_owned(), about);
        Ok(normalized)
    }

    /// The reports: what matches and is not as it was before the runner began.
    fn inputs(&self, step: &Step, before: &Before<'_>) -> Result<Vec<RelativePath>, Refusal> {
        let artifacts = format!("artifacts/{}", step.extension_id);
        let captured = format!("{artifacts}/{}.stdout.txt", step.check_group);
        let patterns: Vec<(bool, WildMatch)> = before
            .normalizer
            .input
            .0
            .iter()
            .map(|input| (input == STDOUT, WildMatch::new(input.strip_prefix("./").unwrap_or(input))))
            .collect();
        let mut inputs = Vec::new();
        for file in self.record.left_beneath(&path(&artifacts)?)? {
            let Some(name) = file.path.as_str().strip_prefix(&artifacts).and_then(|name| name.strip_prefix('/')) else {
                continue;
            };
            let is_input =
                patterns.iter().any(
                    |(is_stdout, pattern)| {
                        if *is_stdout { file.path.as_str() == captured } else { pattern.matches(name) }
                    },
                );
            if is_input && !before.files.contains(&file) {
                inputs.push(file.path);
            }
        }
        Ok(inputs)
    }

    /// Reads the reports in a format that is built in.
    fn collect(
        &self,
        format: Format,
        extension: &Extension,
        step: &Step,
        inputs: &[RelativePath],
    ) -> Result<Normalized, Refusal> {
        let checks = extension.manifest.group(&step.check_group).map(|group| group.checks.as_slice());
        let checks = checks.unwrap_or_default().iter();
        let patterns = checks.map(|check| CheckPatterns { id: check.id.clone(), matches: check.matches.clone() });
        let mut collector = Collector::new(format, patterns.collect());
        let mut normalized = Normalized::default();
        for input in inputs {
            let name = input.as_str().strip_prefix("artifacts/").and_then(|path| path.split_once('/'));
            let name = name.map_or(input.as_str(), |(_, name)| name);
            let read = match self.record.open_left(input)? {
                Some(reader) => collector.read(name, reader).map_err(|error| error.to_string()),
                None => Err(format!("{name}: it cannot be opened any more")),
            };
            if let Err(message) = read {
                normalized.invalid.push(format!("the report {}", self.credentials.redactor.text(&message)));
                normalized.partial = true;
            }
        }
        normalized.result = collector.finish();
        if let Some(target) = endpoint(self.target_profile, None).filter(|target| target.len() > 1) {
            normalized.result.evidence.iter_mut().for_each(|item| relative_to(target, item));
        }
        normalized.result.redact(&self.credentials.redactor);
        Ok(normalized)
    }

    /// Has a function of the extension read the reports.
    fn call(
        &self,
        extension: &Extension,
        step: &Step,
        normalizer: &Normalizer,
        inputs: &[RelativePath],
        ran: &Ran,
    ) -> Result<Normalized, Refusal> {
        let mut context = self.context(extension, Some(step));
        if let Some(fields) = context.as_object_mut() {
            let inputs: Vec<_> = inputs.iter().map(|input| self.output_dir.join(input.as_str())).collect();
            let about = json!({
                "id": normalizer.id,
                "inputs": inputs,
                "exit_code": ran.ending.exit_code,
                "signal": ran.ending.signal,
                "timed_out": ran.ending.timed_out,
            });
            fields.insert("normalizer".to_owned(), about);
        }
        let stated = [normalizer.timeout_seconds, self.plan.assessment.timeout_seconds];
        let timeout_seconds = stated.into_iter().flatten().min().unwrap_or(DEFAULT_TIMEOUT_SECONDS);
        let artifacts = path(&format!("artifacts/{}", step.extension_id))?;
        let normalizing = self.execute(Program {
            command: self.python_command(extension, &normalizer.python, "normalizer"),
            output: path(&format!("{artifacts}/_normalizer.{}", step.check_group))?,
            directory: artifacts,
            desk: path(&format!("{WORKING_FILES}/normalizer-{:04}", step.order))?,
            context: &context,
            timeout_seconds,
            output_limit: self.plan.assessment.max_output_bytes.unwrap_or(CAPTURE_BYTES),
        })?;
        if let Some(failure) = &normalizing.ending.start_failure {
            if failure.program_missing {
                let missing = Some("python3, which the normalizer needs, is not installed".to_owned());
                return Ok(Normalized { missing, ..Normalized::default() });
            }
            return Ok(Normalized::invalid(format!("the normalizer could not be started: {}", failure.message)));
        }
        let broke = ended(&normalizing.ending, "the normalizer", timeout_seconds);
        let mut normalized =
            match normalizing.result().and_then(|bytes| decode(bytes, &step.checks, &self.credentials.redactor)) {
                Ok(result) => Normalized { result, ..Normalized::default() },
                Err(reason) => Normalized::invalid(format!("the normalizer: {reason}")),
            };
        if let Some(broke) = broke {
            normalized.invalid.insert(0, broke);
            normalized.invalid.extend(last_words(&normalizing));
        }
        normalized.told.insert("normalizer_ending".to_owned(), Value::Object(ending_facts(&normalizing)));
        Ok(normalized)
    }
}

/// Names the target's files as the target does: tools write where it stood on this machine, and policy sets would have to know that.
fn relative_to(target: &str, item: &mut ReportedItem) {
    if !target.starts_with('/') {
        return;
    }
    let within = format!("{}/", target.trim_end_matches('/'));
    let url = format!("file://{within}");
    let places = item.locations.iter_mut().map(|location| &mut location.path);
    for text in places.chain(&mut item.observations).chain(std::iter::once(&mut item.subject_ref)) {
        if text.contains(&within) {
            *text = text.replace(&url, "").replace(&within, "");
        }
    }
}
