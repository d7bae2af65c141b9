//! `guide-board run`: executes an assessment and tells its outcome.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use serde_json::json;

use super::exit::{self, Failure};
use super::{Globals, distinct_labels, hints, logging, terminal};
use crate::assessment::documents::PolicySummary;
use crate::assessment::progress::{JsonLines, Silent};
use crate::assessment::{
    AssessmentError, Cancellation, ExecuteRequest, Gate, ProfileSource, Progress, RunOutcome, execute,
};
use crate::model::{
    Disposition, EvidenceResult, LabelKey, MAX_LABEL_VALUE, MAX_LABELS, ResultStatus, RunId, printable,
};
use crate::process::{TerminationSignal, on_termination};
use crate::repository::layout;

/// The time that a runner has between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  guide-board run --target bundled:profiles/targets/this-repository.json \\
    --assessment bundled:profiles/assessments/repository-baseline.json \\
    --output-dir runs/first
  guide-board run --target profiles/targets/this-repository.json \\
    --assessment profiles/assessments/repository-baseline.json \\
    --output-dir runs/nightly-17 --label branch=main --gate unexpected_findings

Exit codes:
  0  completed, and the gate is met
  1  an internal error; what was written stays, without a summary
  2  wrong usage, profiles or extensions; DIR exists
  3  failed, or the gate is not met
  4  blocked: something that the assessment needs is missing
  5  an infrastructure error: a runner broke
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM";

/// Executes an assessment and makes a run directory
///
/// Runs the check groups of an assessment profile on a target. The run directory is new: DIR must not exist. It holds the evidence, the
/// findings, a report for people (reports/report.md), the packages and whatever the runners left (artifacts/). The run is retained when its
/// retention-summary.json stands; a run that was interrupted has none and stays as it is.
///
/// A profile is a JSON file, or one that this program carries: bundled:profiles/targets/ has this-repository.json, the directory that the
/// command runs in, and sample-repository.json; bundled:profiles/assessments/ has repository-baseline.json and sample-noop.json.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RunArgs {
    /// The target profile: what is assessed
    #[arg(long, value_name = "FILE")]
    pub target: ProfileSource,
    /// The assessment profile: what it is assessed with
    #[arg(long, value_name = "FILE")]
    pub assessment: ProfileSource,
    /// The run directory to make; it must not exist, its parents are made
    #[arg(long, value_name = "DIR")]
    pub output_dir: PathBuf,
    /// The run id [default: run-TIME-RANDOM, as in run-20260508T164334Z-7f3a91c2]
    #[arg(long, value_name = "ID")]
    pub run_id: Option<RunId>,
    /// A label of the run; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = parse_label)]
    pub labels: Vec<(LabelKey, String)>,
    /// A condition on the outcome; when it is not met, the exit code is 3
    #[arg(long, value_name = "GATE")]
    pub gate: Option<GateArg>,
    /// How progress is told on standard error
    #[arg(long, value_name = "HOW", default_value = "auto")]
    pub progress: ProgressArg,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

/// The gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GateArg {
    /// Met when no unexpected finding is left
    #[value(name = "unexpected_findings")]
    UnexpectedFindings,
}

/// The ways to tell progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressArg {
    /// A bar on a terminal, nothing elsewhere
    Auto,
    /// Nothing
    None,
    /// One JSON object a line: run, start, check, end
    Jsonl,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &RunArgs, globals: &Globals) -> ExitCode {
    let guide_board = match std::env::current_exe() {
        Ok(path) => path,
        Err(error) => {
            let message =
                format!("this program cannot find its own file, which it needs to supervise runners: {error}");
            return Failure::new(exit::INTERNAL, message).tell();
        }
    };
    logging::start(globals.log_format, "warn");
    let labels = match distinct_labels(&args.labels) {
        Ok(labels) if labels.len() <= MAX_LABELS => labels,
        Ok(_) => return Failure::new(exit::USAGE, format!("a run has at most {MAX_LABELS} labels")).tell(),
        Err(failure) => return failure.tell(),
    };
    if let Err(failure) = globals.check_extension_dirs() {
        return failure.tell();
    }
    let cancellation = Cancellation::default();
    let received: Arc<Mutex<Option<TerminationSignal>>> = Arc::default();
    let (switch, seen) = (cancellation.clone(), Arc::clone(&received));
    let installed = on_termination(move |signal| {
        *seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(signal);
        switch.cancel();
    });
    if let Err(error) = installed {
        return Failure::new(exit::INTERNAL, format!("signals cannot be handled: {error}")).tell();
    }
    let request = ExecuteRequest {
        root: globals.root.clone(),
        target: args.target.clone(),
        assessment: args.assessment.clone(),
        output_dir: args.output_dir.clone(),
        run_id: args.run_id.clone(),
        labels,
        extension_dirs: globals.extension_dirs.clone(),
        guide_board,
        grace: GRACE,
        cancellation,
    };
    let executed = execute(&request, progress(args.progress).as_mut());
    match executed {
        Ok(outcome) => {
            let gate_met = args
                .gate
                .is_none_or(|GateArg::UnexpectedFindings| Gate::UnexpectedFindings.is_met(&outcome.finding_counts));
            let text = if args.json { json_result(&outcome) } else { summary(&outcome, gate_met) };
            let code = exit::of_assessment(outcome.result_status, gate_met);
            exit::code_of(match terminal::print(&text) {
                // The run is retained and its outcome known, whoever reads about it.
                Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
                _ => Ok(code),
            })
        }
        Err(error) => {
            let signal = *received.lock().unwrap_or_else(PoisonError::into_inner);
            let code = match (&error, signal) {
                (AssessmentError::Cancelled(_), Some(signal)) => signal.exit_code(),
                _ if error.is_usage() => exit::USAGE,
                _ => exit::INTERNAL,
            };
            hints::of_profiles(Failure::new(code, told(&error)), &[&args.target, &args.assessment]).tell()
        }
    }
}

/// The error and its causes, each once.
fn told(error: &AssessmentError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        cause = inner.source();
    }
    text
}

pub(super) fn parse_label(text: &str) -> Result<(LabelKey, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    let key = key.parse::<LabelKey>().map_err(|error| error.to_string())?;
    if value.chars().count() > MAX_LABEL_VALUE || value.chars().any(char::is_control) {
        return Err(format!("a label's value has at most {MAX_LABEL_VALUE} characters and no control characters"));
    }
    Ok((key, value.to_owned()))
}

fn json_result(outcome: &RunOutcome) -> String {
    let path = |document: &str| outcome.path(document).to_string_lossy().into_owned();
    let result = json!({
        "run_id": outcome.run_id.as_str(),
        "output_dir": outcome.output_dir.to_string_lossy(),
        "result_status": outcome.result_status,
        "assessment_package": path(layout::ASSESSMENT_PACKAGE),
        "report": path(layout::REPORT),
        "submission_package": path(layout::SUBMISSION_PACKAGE),
        "export_manifest": path(layout::EXPORT_MANIFEST),
        "retention_summary": path(layout::SUMMARY),
    });
    format!("{result}\n")
}

/// What a person wants to see: the outcome, the counts, the gravest findings, where the report is.
fn summary(outcome: &RunOutcome, gate_met: bool) -> String {
    const TOP: usize = 5;
    let status = outcome.result_status.to_string();
    let style = terminal::word_style(&status).bold();
    let mut text = format!("{style}{status}{style:#}  {}\n", outcome.run_id);
    let counts: Vec<String> =
        outcome.evidence_counts.iter().map(|(result, count)| format!("{count} {result}")).collect();
    text.push_str(&format!("checks    {}\n", counts.join(", ")));
    let findings = outcome.finding_counts;
    let accepted: String = [(findings.expected, "expected"), (findings.waived, "waived")]
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!(", {count} {word}"))
        .collect();
    text.push_str(&format!("findings  {} ({} unexpected{accepted})\n", findings.total, findings.unexpected));
    // What is expected or waived needs nobody's eyes here; the report has it.
    let unexpected = outcome.findings.iter().filter(|finding| finding.disposition == Disposition::Unexpected);
    let mut gravest: Vec<_> = unexpected.collect();
    gravest.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in gravest.iter().take(TOP) {
        let place = finding.locations.first().map_or_else(String::new, |location| match location.line {
            Some(line) => format!("  {}:{line}", terminal::cell(&location.path)),
            None => format!("  {}", terminal::cell(&location.path)),
        });
        let severity = terminal::severity(finding.severity.word());
        text.push_str(&format!("  {severity}  {}{place}\n", terminal::cell(&finding.title)));
    }
    if gravest.len() > TOP {
        text.push_str(&format!("  and {} more\n", gravest.len() - TOP));
    }
    text.extend(policy(&outcome.policy));
    if !gate_met {
        text.push_str("gate      unexpected_findings is not met\n");
    }
    text.push_str(&format!("report    {}\n", printable(&outcome.path(layout::REPORT).to_string_lossy(), 4096)));
    text
}

/// What of the policy sets is out of date, if anything.
fn policy(policy: &PolicySummary) -> Option<String> {
    const TOP: usize = 5;
    let some = |names: &mut dyn Iterator<Item = &String>| {
        let mut shown: Vec<String> = names.take(TOP + 1).map(|name| terminal::cell(name)).collect();
        if shown.len() > TOP {
            shown.truncate(TOP);
            shown.push("…".to_owned());
        }
        shown.join(", ")
    };
    let mut said = Vec::new();
    if !policy.expired_waivers.is_empty() {
        let names = some(&mut policy.expired_waivers.iter().map(|waiver| &waiver.waiver_ref));
        said.push(match policy.expired_waivers.len() {
            1 => format!("1 waiver has expired ({names})"),
            count => format!("{count} waivers have expired ({names})"),
        });
    }
    if !policy.unused.is_empty() {
        let names = some(&mut policy.unused.iter());
        said.push(match policy.unused.len() {
            1 => format!("1 entry concerns no finding ({names})"),
            count => format!("{count} entries concern no finding ({names})"),
        });
    }
    (!said.is_empty()).then(|| format!("policy    {}\n", said.join(", ")))
}

fn progress(how: ProgressArg) -> Box<dyn Progress> {
    match how {
        ProgressArg::Jsonl => Box::new(JsonLines(std::io::stderr())),
        ProgressArg::Auto if std::io::stderr().is_terminal() => Box::new(Bar(terminal::check_bar())),
        ProgressArg::Auto | ProgressArg::None => Box::new(Silent),
    }
}

/// A bar on standard error.
struct Bar(ProgressBar);

impl Drop for Bar {
    /// A run that breaks off leaves a clean line for its message, too.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn run(&mut self, _: &RunId, _: &Path, total: usize) {
        self.0.set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.0.enable_steady_tick(Duration::from_millis(120));
    }

    fn start(&mut self, _: usize, _: usize, check_id: &str) {
        self.0.set_message(format!("{} …", printable(check_id, 60)));
    }

    fn check(&mut self, done: usize, _: usize, check_id: &str, result: EvidenceResult) {
        self.0.set_position(u64::try_from(done).unwrap_or(u64::MAX));
        self.0.set_message(format!("{} {result}", printable(check_id, 60)));
    }

    fn end(&mut self, _: ResultStatus) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::parse_label;
    use proptest::prelude::*;

    #[test]
    fn a_label_is_split_at_its_first_equals_sign() {
        let (key, value) = parse_label("branch=a=b").expect("a label");
        assert_eq!((key.as_str(), value.as_str()), ("branch", "a=b"));
        assert!(parse_label("empty=").is_ok());
        for refused in ["", "=x", "novalue", ".dot=x", "tab=a\tb"] {
            assert!(parse_label(refused).is_err(), "{refused}");
        }
        assert!(parse_label(&format!("k={}", "x".repeat(257))).is_err());
    }

    proptest! {
        #[test]
        fn parsing_any_label_is_total_and_keeps_the_text(text in any::<String>()) {
            if let Ok((key, value)) = parse_label(&text) {
                prop_assert_eq!(format!("{key}={value}"), text);
            }
        }
    }
}
