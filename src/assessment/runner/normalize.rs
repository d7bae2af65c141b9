//! From the reports that a runner left to items: a format that is built in, or a function of the extension.

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::judge::{self, ended_with, ending_facts, last_words};
use super::problem::Problem;
use super::program::{Program, Ran, WORKING_FILES, endpoint, path};
use super::{Bench, Refusal};
use crate::assessment::capture::CAPTURE_BYTES;
use crate::assessment::documents::Step;
use crate::assessment::extensions::{CheckGroup, Extension, Normalizer, NormalizerKind};
use crate::assessment::normalizers::{CheckPatterns, Collector, Format};
use crate::assessment::result::{ReportedItem, RunnerResult, decode};
use crate::model::{EvidenceResult, RelativePath, printable};
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
    /// Sentences about checks that the reports say nothing of, by check.
    pub(super) silent: Vec<(String, String)>,
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
        let left = self.left(step, before)?;
        let inputs = inputs(step, normalizer, &left);
        let format = match normalizer.kind {
            NormalizerKind::PythonModule => None,
            NormalizerKind::JunitXml => Some(Format::JunitXml),
            NormalizerKind::Sarif210 => Some(Format::Sarif210),
            NormalizerKind::Tap14 => Some(Format::Tap14),
        };
        let mut normalized = match format {
            None => self.call(extension, step, normalizer, &inputs, ran)?,
            Some(_) if inputs.is_empty() => Normalized::invalid(no_report(normalizer, step, &left)),
            Some(format) => self.collect(format, extension, step, &inputs, ran)?,
        };
        // Nothing says that a report is whole whose writer was cut short.
        normalized.partial |= judge::is_cut_short(&ran.ending);
        let shown: Vec<&str> = inputs.iter().take(100).map(RelativePath::as_str).collect();
        let about = json!({"id": normalizer.id, "inputs": shown, "input_count": inputs.len()});
        normalized.told.insert("normalizer".to_owned(), about);
        Ok(normalized)
    }

    /// What the runner left: the files that are not as they were before it began.
    fn left(&self, step: &Step, before: &Before<'_>) -> Result<Vec<RelativePath>, Refusal> {
        let left = self.record.left_beneath(&path(&format!("artifacts/{}", step.extension_id))?)?;
        Ok(left.into_iter().filter(|file| !before.files.contains(file)).map(|file| file.path).collect())
    }

    /// Reads the reports in a format that is built in.
    fn collect(
        &self,
        format: Format,
        extension: &Extension,
        step: &Step,
        inputs: &[RelativePath],
        ran: &Ran,
    ) -> Result<Normalized, Refusal> {
        let checks = extension.manifest.group(&step.check_group).map(|group| group.checks.as_slice());
        let checks = checks.unwrap_or_default().iter();
        let patterns = checks.map(|check| CheckPatterns { id: check.id.clone(), matches: check.matches.clone() });
        let mut collector = Collector::new(format, patterns.collect());
        let mut normalized = Normalized::default();
        for input in inputs {
            let name = within(step, input);
            let is_stdout = input.as_str() == captured(step) && !ran.stdout.raw_overflow;
            let read = match self.record.open_left(input)? {
                // As it was printed: what is kept of it is redacted, and cut where it is long.
                _ if is_stdout => collector.read(name, ran.stdout.raw.as_slice()).map_err(|error| error.to_string()),
                Some(reader) => collector.read(name, reader).map_err(|error| error.to_string()),
                None => Err(format!("{name}: it cannot be opened any more")),
            };
            if let Err(message) = read {
                normalized.invalid.push(format!("the report {}", self.credentials.redactor.text(&message)));
                normalized.partial = true;
            }
            if input.as_str() == captured(step) && ran.stdout.raw_overflow && ran.stdout.truncated {
                let message = "standard output was cut, so the report in it is not whole; raise max_output_bytes";
                normalized.invalid.push(message.to_owned());
                normalized.partial = true;
            }
        }
        let is_readable = normalized.invalid.is_empty();
        let is_unexplained =
            is_readable && ran.ending.exit_code.is_some_and(|code| code != 0) && !collector.has_trouble();
        if is_unexplained || judge::is_cut_short(&ran.ending) {
            collector.doubt();
        }
        // A report that cannot be read says nothing of what would be in it.
        if is_readable {
            normalized.silent = collector.unanswered();
        }
        normalized.result = collector.finish();
        if is_unexplained {
            normalized.result.aside.extend(unexplained(step, ran));
        }
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
            prints_result: false,
        })?;
        if let Some(failure) = &normalizing.ending.start_failure {
            if failure.program_missing {
                let missing = Some("python3, which the normalizer needs, is not installed".to_owned());
                return Ok(Normalized { missing, ..Normalized::default() });
            }
            return Ok(Normalized::invalid(format!("the normalizer could not be started: {}", failure.message)));
        }
        let broke = ended_with(&normalizing, "the normalizer", timeout_seconds);
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

/// Where the runner's standard output is kept.
fn captured(step: &Step) -> String {
    format!("artifacts/{}/{}.stdout.txt", step.extension_id, step.check_group)
}

/// The path within the runner's working directory.
fn within<'a>(step: &Step, path: &'a RelativePath) -> &'a str {
    let beneath = path.as_str().strip_prefix("artifacts/").and_then(|path| path.strip_prefix(&step.extension_id));
    beneath.and_then(|path| path.strip_prefix('/')).unwrap_or(path.as_str())
}

/// What guide-board keeps itself of what programs print.
fn is_capture(name: &str) -> bool {
    !name.contains('/') && (name.ends_with(".stdout.txt") || name.ends_with(".stderr.txt"))
}

/// The reports among what the runner left. Captured output is one only by its name.
fn inputs(step: &Step, normalizer: &Normalizer, left: &[RelativePath]) -> Vec<RelativePath> {
    let captured = captured(step);
    let patterns: Vec<(&str, WildMatch)> = normalizer
        .input
        .0
        .iter()
        .map(|input| input.strip_prefix("./").unwrap_or(input))
        .map(|input| (input, WildMatch::new(input)))
        .collect();
    let is_input = |path: &&RelativePath| {
        let name = within(step, path);
        patterns.iter().any(|(input, pattern)| match *input {
            STDOUT => path.as_str() == captured,
            input if is_capture(name) => input == name,
            _ => pattern.matches(name),
        })
    };
    left.iter().filter(is_input).cloned().collect()
}

/// That there is no report, where it was looked for, and what is there instead.
fn no_report(normalizer: &Normalizer, step: &Step, left: &[RelativePath]) -> String {
    const MOST: usize = 10;
    let names: Vec<&str> = left.iter().map(|path| within(step, path)).filter(|name| !is_capture(name)).collect();
    let mut shown: Vec<String> = names.iter().take(MOST).map(|name| printable(name, 100)).collect();
    if names.len() > MOST {
        shown.push(format!("and {} more", names.len() - MOST));
    }
    let there =
        if shown.is_empty() { "it left no file there".to_owned() } else { format!("it left {}", shown.join(", ")) };
    format!(
        "the runner left no report: nothing new in its working directory matches {}; {there}",
        normalizer.input.0.join(", ")
    )
}

/// A tool that says it failed, by its exit code, while its report has nothing wrong in it.
fn unexplained(step: &Step, ran: &Ran) -> Option<ReportedItem> {
    let code = ran.ending.exit_code?;
    let mut item = Problem {
        result: EvidenceResult::Warning,
        observations: vec![format!(
            "the runner ended with exit code {code}, although its report names nothing that is wrong"
        )],
        facts: Map::from_iter([("exit_code".to_owned(), json!(code))]),
    };
    item.observations.extend(last_words(ran));
    Some(item.item(step.checks.first()?))
}

/// Names the target's files as the target does: tools write where it stood on this machine, and policy sets would have to know that.
fn relative_to(target: &str, item: &mut ReportedItem) {
    if !target.starts_with('/') {
        return;
    }
    let within = format!("{}/", target.trim_end_matches('/'));
    for location in &mut item.locations {
        let path = location.path.strip_prefix("file://").unwrap_or(&location.path);
        if let Some(path) = path.strip_prefix(&within) {
            location.path = path.to_owned();
        }
    }
    for text in item.observations.iter_mut().chain(std::iter::once(&mut item.subject_ref)) {
        if text.contains(&within) {
            *text = without(text, &within);
        }
    }
}

/// The text without a directory's name before the names of what is in it; in the middle of a longer path it stands for something else.
fn without(text: &str, within: &str) -> String {
    let (mut made, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once(within) {
        let whole = before.strip_suffix("file://").unwrap_or(before);
        let last = whole.chars().next_back().or_else(|| made.chars().next_back());
        let is_within_path =
            last.is_some_and(|last| last.is_alphanumeric() || matches!(last, '.' | '_' | '-' | '/' | '~'));
        if is_within_path {
            made.push_str(before);
            made.push_str(within);
        } else {
            made.push_str(whole);
        }
        rest = after;
    }
    made + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_goes_where_it_begins_a_path_and_stays_where_it_is_part_of_one() {
        for (text, made) in [
            ("/src/a.py:3 and file:///src/b.py", "a.py:3 and b.py"),
            ("lib/src/util.py", "lib/src/util.py"),
            ("x/src/src/a", "x/src/src/a"),
            ("(/src/a)", "(a)"),
            ("in /src", "in /src"),
            ("/src/", ""),
        ] {
            assert_eq!(without(text, "/src/"), made, "{text}");
        }
    }
}
