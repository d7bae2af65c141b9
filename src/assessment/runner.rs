//! The runner protocol: one step of a plan, from the context file to typed items.
//!
//! Whatever a runner does, a step ends with at least one item for each of its checks: what it reported, or an item that says why there is
//! none. `Err` is left for what makes the whole run impossible: the disk, the supervisor, a cancellation.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::cancel::Cancellation;
use super::capture::{Captured, RESULT_BYTES, capture};
use super::credentials::{Credentials, base_environment};
use super::documents::Step;
use super::error::AssessmentError;
use super::extensions::{Extension, ExtensionRoot};
use super::plan::Plan;
use super::result::{ReportedItem, RunnerResult, decode};
use crate::model::{EvidenceResult, RelativePath, RunId};
use crate::process::{Ending, Environment, SpawnRequest, Supervised};
use crate::repository::record::{Left, RecordError, RecordFile, RunRecord};

/// The directory of files that are no output: contexts and result files. Removed before the documents are written.
pub(super) const WORKING_FILES: &str = ".work";

/// How long a stream may stay open after everything that could write to it has ended. It passes only when a process survived that
/// could not be killed.
const STREAM_PATIENCE: Duration = Duration::from_secs(5);

/// What all steps of a run share.
pub(super) struct Bench<'a> {
    pub(super) record: &'a RunRecord,
    pub(super) run_id: &'a RunId,
    pub(super) output_dir: &'a Path,
    pub(super) plan: &'a Plan,
    pub(super) target_profile: &'a Value,
    pub(super) credentials: &'a Credentials,
    pub(super) guide_board: &'a Path,
    pub(super) grace: Duration,
    pub(super) cancellation: &'a Cancellation,
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

/// Runs one step.
pub(super) fn run_step(bench: &Bench<'_>, extension: &Extension, step: &Step) -> Result<StepOutcome, AssessmentError> {
    let started_at = Timestamp::now();
    let report = match prepare(bench, extension, step) {
        Ok(prepared) => bench.run(prepared, step)?,
        Err(Refusal::Blocked(reason, message)) => Report::blocked(reason, message),
        Err(Refusal::Broken(message)) => Report { problem: Some(Problem::broken(message)), ..Report::default() },
        Err(Refusal::Error(error)) => return Err(error),
    };
    let mut items = report.result.evidence;
    for check in &step.checks {
        if !items.iter().any(|item| item.check_id == *check) {
            let problem = report.problem.clone().unwrap_or_else(Problem::nothing_reported);
            items.push(problem.item(check));
        }
    }
    let mut metadata = Map::new();
    metadata.insert("extension_id".to_owned(), json!(step.extension_id));
    metadata.insert("check_group".to_owned(), json!(step.check_group));
    metadata.insert("runner_ref".to_owned(), json!(step.runner_ref));
    metadata.extend(report.ending);
    metadata.insert("offline_enforced".to_owned(), json!(false));
    metadata.insert("metadata".to_owned(), Value::Object(report.result.metadata));
    Ok(StepOutcome { items, started_at, completed_at: Timestamp::now(), metadata: Value::Object(metadata) })
}

/// What a runner came to.
#[derive(Default)]
struct Report {
    result: RunnerResult,
    problem: Option<Problem>,
    ending: Map<String, Value>,
}

impl Report {
    fn blocked(reason: &'static str, message: String) -> Self {
        let facts = Map::from_iter([("blocked_reason".to_owned(), json!(reason))]);
        let problem = Problem { result: EvidenceResult::Blocked, observations: vec![message], facts };
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// What stands in place of an item that is missing.
#[derive(Clone)]
struct Problem {
    result: EvidenceResult,
    observations: Vec<String>,
    facts: Map<String, Value>,
}

impl Problem {
    fn broken(message: String) -> Self {
        Self { result: EvidenceResult::InfrastructureError, observations: vec![message], facts: Map::new() }
    }

    fn nothing_reported() -> Self {
        Self::broken("the runner reported nothing for this check".to_owned())
    }

    fn item(self, check: &str) -> ReportedItem {
        ReportedItem {
            check_id: check.to_owned(),
            subject_ref: String::new(),
            result: self.result,
            severity: None,
            observations: self.observations,
            facts: self.facts,
            locations: Vec::new(),
            requirement_refs: Vec::new(),
            artifact_refs: Vec::new(),
        }
    }
}

/// Why a runner is not started.
enum Refusal {
    Blocked(&'static str, String),
    Broken(String),
    Error(AssessmentError),
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            // An earlier runner of the same extension left something there: its fault, not the run's.
            RecordError::InTheWay { .. } => Self::Broken(error.to_string()),
            other => Self::Error(AssessmentError::Record(other)),
        }
    }
}

/// A runner that is ready to start.
struct Prepared {
    command: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    result: RelativePath,
    stdout: RecordFile,
    stderr: RecordFile,
}

fn prepare(bench: &Bench<'_>, extension: &Extension, step: &Step) -> Result<Prepared, Refusal> {
    if let Some(missing) = &bench.credentials.missing {
        return Err(Refusal::Blocked("not_configured", format!("the target's credentials are not there: {missing}")));
    }
    let runner =
        extension.runner(&step.runner_ref).ok_or_else(|| Refusal::Broken("the runner is not declared".into()))?;
    let path = |text: String| {
        text.parse::<RelativePath>().map_err(|error| Refusal::Broken(format!("{text} is no path of a run: {error}")))
    };
    let artifacts = path(format!("artifacts/{}", step.extension_id))?;
    bench.record.ensure_directory(&artifacts)?;
    let directory = bench.output_dir.join(artifacts.as_str());
    let context_path = path(format!("{WORKING_FILES}/step-{:04}/context.json", step.order))?;
    let result = path(format!("{WORKING_FILES}/step-{:04}/result.json", step.order))?;
    let context = json!({
        "schema_version": "1",
        "run_id": bench.run_id.as_str(),
        "run_dir": bench.output_dir,
        "artifacts_dir": directory,
        "extension_id": step.extension_id,
        "check_group": step.check_group,
        "checks": step.checks,
        "target_profile": bench.target_profile,
        "assessment_profile": bench.plan.assessment.document.value,
        "plan_step": step,
        "runtime_policy": bench.plan.document.runtime_policy,
    });
    bench.record.write(&context_path, context.to_string().as_bytes())?;
    let stdout = bench.record.create_file(&path(format!("{artifacts}/{}.stdout.txt", step.check_group))?)?;
    let stderr = bench.record.create_file(&path(format!("{artifacts}/{}.stderr.txt", step.check_group))?)?;
    let mut environment = base_environment(|name| std::env::var_os(name));
    environment.push(("GUIDE_BOARD_CONTEXT".into(), bench.output_dir.join(context_path.as_str()).into()));
    environment.push(("GUIDE_BOARD_RESULT".into(), bench.output_dir.join(result.as_str()).into()));
    environment.extend(bench.credentials.variables.iter().cloned());
    let command = argument_vector(&runner.command, bench.guide_board, &extension.root);
    Ok(Prepared { command, directory, environment, result, stdout, stderr })
}

/// Puts the binary and the extension's directory in their places. A program with a slash that is not absolute is the extension's own.
fn argument_vector(command: &[String], guide_board: &Path, root: &ExtensionRoot) -> Vec<OsString> {
    let guide_board = guide_board.to_string_lossy();
    let directory = match root {
        ExtensionRoot::External(directory) => directory.to_string_lossy(),
        ExtensionRoot::Bundled => "".into(),
    };
    let mut parts: Vec<OsString> = command
        .iter()
        .map(|part| part.replace("{guide_board}", &guide_board).replace("{extension}", &directory).into())
        .collect();
    if let (Some(first), ExtensionRoot::External(directory)) = (parts.first_mut(), root) {
        let program = PathBuf::from(&*first);
        if program.components().count() > 1 && program.is_relative() {
            *first = directory.join(program).into();
        }
    }
    parts
}

impl Bench<'_> {
    fn run(&self, prepared: Prepared, step: &Step) -> Result<Report, AssessmentError> {
        let request = SpawnRequest {
            program: self.guide_board,
            command: &prepared.command,
            current_dir: &prepared.directory,
            environment: Environment::Only(prepared.environment),
            grace: self.grace,
        };
        let mut supervised = Supervised::spawn(request).map_err(AssessmentError::Supervisor)?;
        self.cancellation.attach(supervised.terminator());
        let stdout = self.reader(supervised.take_stdout(), prepared.stdout, true);
        let stderr = self.reader(supervised.take_stderr(), prepared.stderr, false);
        let deadline = Instant::now().checked_add(Duration::from_secs(step.timeout_seconds));
        let ending = supervised.wait(deadline);
        self.cancellation.detach();
        // Everything that could write has ended, so the streams end, too.
        let stdout = stdout.recv_timeout(STREAM_PATIENCE).unwrap_or_default();
        let stderr = stderr.recv_timeout(STREAM_PATIENCE).unwrap_or_default();
        let left = self.record.read_left(&prepared.result, RESULT_BYTES);
        // The result file may hold what redaction takes out, so it goes as soon as it has been read.
        self.discard_working_files();
        if self.cancellation.is_cancelled() {
            return Err(AssessmentError::Cancelled(self.output_dir.to_owned()));
        }
        for captured in [&stdout, &stderr] {
            if let Some(error) = &captured.write_error {
                return Err(AssessmentError::Record(RecordError::Failed {
                    operation: "written",
                    path: format!("artifacts/{}", step.extension_id),
                    source: rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO),
                }));
            }
        }
        let result = match left? {
            Left::Bytes(bytes) if !bytes.is_empty() => decode(&bytes, &step.checks, &self.credentials.redactor),
            Left::TooLarge => Err(format!("the result file is larger than {RESULT_BYTES} bytes")),
            Left::Irregular => Err("the result file is a link or a special file; it was not followed".to_owned()),
            Left::Nothing | Left::Bytes(_) if stdout.raw_overflow => {
                Err(format!("standard output is larger than {RESULT_BYTES} bytes and can be no result"))
            }
            Left::Nothing | Left::Bytes(_) => decode(&stdout.raw, &step.checks, &self.credentials.redactor),
        };
        Ok(judge(&ending, result, &stdout, &stderr, step))
    }

    /// A runner can make its working files hard to remove. They are no output and do no harm, so that is no reason to fail.
    pub(super) fn discard_working_files(&self) {
        let removed = WORKING_FILES.parse().map(|path| self.record.remove_working_files(&path));
        if let Ok(Err(error)) = removed {
            tracing::warn!("working files stay in the run directory: {error}");
        }
    }

    fn reader(
        &self,
        stream: Option<impl std::io::Read + Send + 'static>,
        file: RecordFile,
        keep_raw: bool,
    ) -> mpsc::Receiver<Captured> {
        let (sender, receiver) = mpsc::channel();
        let redactor = self.credentials.redactor.clone();
        std::thread::spawn(move || {
            if let Some(stream) = stream {
                // The receiver has gone when nobody waits any more.
                let _ = sender.send(capture(stream, file, &redactor, keep_raw));
            }
        });
        receiver
    }
}

/// Puts together how the runner ended and what it reported. What it reported before it broke counts.
fn judge(
    ending: &Ending,
    result: Result<RunnerResult, String>,
    stdout: &Captured,
    stderr: &Captured,
    step: &Step,
) -> Report {
    if let Some(failure) = &ending.start_failure {
        if failure.program_missing {
            return Report::blocked("missing_dependency", "the runner's program is not installed".to_owned());
        }
        let message = format!("the runner could not be started: {}", failure.message);
        return Report { problem: Some(Problem::broken(message)), ..Report::default() };
    }
    let ended = if ending.timed_out {
        Some(format!("the runner took longer than {} s and was ended", step.timeout_seconds))
    } else if ending.supervisor_lost {
        Some("the runner's supervisor was killed; nothing is known about the runner".to_owned())
    } else if let Some(signal) = ending.signal {
        Some(format!("the runner was ended by signal {signal}{}", signal_name(signal)))
    } else {
        ending.exit_code.filter(|code| *code != 0).map(|code| format!("the runner ended with exit code {code}"))
    };
    let (result, invalid) = match result {
        Ok(result) => (result, None),
        Err(reason) => (RunnerResult::default(), Some(reason)),
    };
    let mut facts = Map::new();
    let mut insert = |key: &str, value: Value| facts.insert(key.to_owned(), value);
    insert("exit_code", json!(ending.exit_code));
    insert("signal", json!(ending.signal));
    insert("timed_out", json!(ending.timed_out));
    let about_ending = facts.clone();
    let reasons: Vec<String> = ended.into_iter().chain(invalid).collect();
    let problem = (!reasons.is_empty()).then(|| {
        let mut observations = reasons;
        for (name, captured) in [("error", stderr), ("output", stdout)] {
            let lines = last_lines(&captured.tail);
            if !lines.is_empty() {
                observations.push(format!("last lines of standard {name}:\n{lines}"));
            }
        }
        Problem { result: EvidenceResult::InfrastructureError, observations, facts }
    });
    let mut ending_facts = about_ending;
    ending_facts.insert("killed_descendants".to_owned(), json!(ending.killed_descendants));
    ending_facts.insert("survivors".to_owned(), json!(ending.survivors));
    ending_facts.insert("stdout_bytes".to_owned(), json!(stdout.total_bytes));
    ending_facts.insert("stderr_bytes".to_owned(), json!(stderr.total_bytes));
    ending_facts.insert("output_truncated".to_owned(), json!(stdout.truncated || stderr.truncated));
    Report { result, problem, ending: ending_facts }
}

/// The last ten lines, each cut at 300 characters.
fn last_lines(tail: &str) -> String {
    let lines: Vec<&str> = tail.lines().rev().filter(|line| !line.trim().is_empty()).take(10).collect();
    let shown: Vec<String> = lines.iter().rev().map(|line| crate::model::printable(line, 300)).collect();
    shown.join("\n")
}

const fn signal_name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
