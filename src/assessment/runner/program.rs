//! Running one program of an extension: context file, environment, captured output, time limit, and what it left.

use std::ffi::OsString;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::Value;

use super::Bench;
use super::problem::Refusal;
use crate::assessment::capture::{CAPTURE_BYTES, Captured, RESULT_BYTES, capture};
use crate::assessment::credentials::base_environment;
use crate::assessment::error::AssessmentError;
use crate::assessment::extensions::{Extension, PythonFunction, RunnerEntrypoint};
use crate::assessment::result::holdable;
use crate::model::{RelativePath, RunnerKind};
use crate::process::{Ending, Environment, SpawnRequest, Supervised};
use crate::repository::record::{Left, RecordError, RecordFile};

/// The directory of files that are no output: contexts, result files, the files of bundled extensions. Removed before the documents are written.
pub(in crate::assessment) const WORKING_FILES: &str = ".work";

/// How long a stream may stay open after everything that could write to it has ended. It passes only when a process survived that
/// could not be killed.
const STREAM_PATIENCE: Duration = Duration::from_secs(5);

/// Calls a function of an extension.
const SHIM: &str = include_str!("shim.py");

/// What a program reads, written piece by piece.
pub(in crate::assessment) trait Context {
    /// Writes it as JSON.
    fn write(&self, out: &mut dyn Write) -> serde_json::Result<()>;
}

impl<T: Serialize> Context for T {
    fn write(&self, out: &mut dyn Write) -> serde_json::Result<()> {
        serde_json::to_writer(out, self)
    }
}

/// A program that is to be run.
pub(in crate::assessment) struct Program<'a> {
    /// Its argument vector.
    pub(in crate::assessment) command: Vec<OsString>,
    /// Its working directory in the run directory; made when it is not there.
    pub(in crate::assessment) directory: RelativePath,
    /// The directory of its context and result; removed afterwards.
    pub(in crate::assessment) desk: RelativePath,
    /// Where its output goes: this path with `.stdout.txt` and `.stderr.txt`.
    pub(in crate::assessment) output: RelativePath,
    /// What it reads.
    pub(in crate::assessment) context: &'a dyn Context,
    /// How long it may take.
    pub(in crate::assessment) timeout_seconds: u64,
    /// How much of each stream is kept.
    pub(in crate::assessment) output_limit: u64,
    /// Whether standard output may be the result. What a Python function prints is none.
    pub(in crate::assessment) prints_result: bool,
}

/// What a program came to.
pub(in crate::assessment) struct Ran {
    pub(in crate::assessment) ending: Ending,
    pub(in crate::assessment) stdout: Captured,
    pub(in crate::assessment) stderr: Captured,
    /// The result file.
    pub(in crate::assessment) left: Left,
    /// Whether standard output may be the result.
    prints_result: bool,
}

impl Ran {
    /// The bytes of the result: the result file's, or else standard output's.
    pub(in crate::assessment) fn result(&self) -> Result<&[u8], String> {
        match &self.left {
            Left::Bytes(bytes) if !bytes.is_empty() => holdable(bytes),
            Left::TooLarge => Err(format!("the result file is larger than {RESULT_BYTES} bytes")),
            Left::Irregular => Err("the result file is a link or a special file; it was not followed".to_owned()),
            Left::Nothing | Left::Bytes(_) if !self.prints_result => Err("the function returned no result".to_owned()),
            Left::Nothing | Left::Bytes(_) if self.stdout.raw_overflow => {
                Err(format!("standard output is larger than {RESULT_BYTES} bytes and can be no result"))
            }
            Left::Nothing | Left::Bytes(_) => holdable(&self.stdout.raw),
        }
    }
}

/// A path of the run that this program itself makes up.
pub(in crate::assessment) fn path(text: &str) -> Result<RelativePath, Refusal> {
    text.parse().map_err(|error| Refusal::Broken(format!("{text} is no path of a run: {error}")))
}

impl Bench<'_> {
    /// The directory with the files of an extension: the operator's, or the copy that the run works with. `None` for a bundled one whose
    /// runners need none.
    pub(in crate::assessment) fn extension_directory(&self, extension: &Extension) -> Option<PathBuf> {
        match extension.directory() {
            Some(directory) => Some(directory.to_owned()),
            None if extension.needs_files() => {
                Some(self.output_dir.join(WORKING_FILES).join("extensions").join(&extension.manifest.id))
            }
            None => None,
        }
    }

    /// The argument vector of a runner. `role` is told to a Python function's shim.
    ///
    /// # Errors
    /// A sentence, when it names an endpoint that the target has not.
    pub(super) fn runner_command(
        &self,
        extension: &Extension,
        runner: &RunnerEntrypoint,
        role: &str,
    ) -> Result<Vec<OsString>, String> {
        match runner.kind {
            RunnerKind::PythonModule => Ok(self.python_command(extension, &runner.python, role)),
            RunnerKind::Command | RunnerKind::External => self.argument_vector(extension, &runner.command),
        }
    }

    /// The argument vector that calls a Python function of the extension.
    pub(in crate::assessment) fn python_command(
        &self,
        extension: &Extension,
        function: &PythonFunction,
        role: &str,
    ) -> Vec<OsString> {
        let file = self.extension_directory(extension).unwrap_or_default().join(&function.path);
        // No bytecode is written beside the extension's files, what it prints comes at once, text is UTF-8 in every locale.
        let mut command: Vec<OsString> =
            ["python3", "-B", "-u", "-X", "utf8", "-c", SHIM].into_iter().map(OsString::from).collect();
        command.extend([file.into(), OsString::from(&function.callable), OsString::from(role)]);
        command
    }

    /// Puts the binary, the extension's directory, the working directory and the target in their places. A program with a slash that is not absolute is the
    /// extension's own.
    fn argument_vector(&self, extension: &Extension, command: &[String]) -> Result<Vec<OsString>, String> {
        let guide_board = self.guide_board.to_string_lossy();
        let directory = self.extension_directory(extension);
        let shown = directory.as_deref().unwrap_or(Path::new("")).to_string_lossy();
        let artifacts = self.output_dir.join("artifacts").join(&extension.manifest.id);
        let artifacts = artifacts.to_string_lossy();
        let mut parts = Vec::new();
        for part in command {
            let part = part.replace("{guide_board}", &guide_board).replace("{extension}", &shown);
            let part = part.replace("{artifacts}", &artifacts);
            parts.push(OsString::from(with_target(&part, self.target_profile)?));
        }
        if let (Some(first), Some(directory)) = (parts.first_mut(), &directory) {
            let program = PathBuf::from(&*first);
            if program.components().count() > 1 && program.is_relative() {
                *first = directory.join(program).into();
            }
        }
        Ok(parts)
    }

    /// Runs a program to its end, whatever that is.
    pub(in crate::assessment) fn execute(&self, program: Program<'_>) -> Result<Ran, Refusal> {
        self.record.ensure_directory(&program.directory)?;
        let directory = self.output_dir.join(program.directory.as_str());
        let context = path(&format!("{}/context.json", program.desk))?;
        let result = path(&format!("{}/result.json", program.desk))?;
        self.write_context(&context, program.context)?;
        let stdout = self.record.create_file(&path(&format!("{}.stdout.txt", program.output))?)?;
        let stderr = self.record.create_file(&path(&format!("{}.stderr.txt", program.output))?)?;
        let mut environment = base_environment(|name| std::env::var_os(name));
        environment.push(("GUIDE_BOARD_CONTEXT".into(), self.output_dir.join(context.as_str()).into()));
        environment.push(("GUIDE_BOARD_RESULT".into(), self.output_dir.join(result.as_str()).into()));
        if let Some(target) = endpoint(self.target_profile, None) {
            environment.push(("GUIDE_BOARD_TARGET".into(), target.into()));
        }
        environment.extend(self.credentials.variables.iter().cloned());
        let request = SpawnRequest {
            program: self.guide_board,
            command: &program.command,
            current_dir: &directory,
            environment: Environment::Only(environment),
            grace: self.grace,
        };
        let mut supervised = Supervised::spawn(request).map_err(AssessmentError::Supervisor)?;
        self.cancellation.attach(supervised.terminator());
        let stdout = self.reader(supervised.take_stdout(), stdout, program.output_limit, true);
        let stderr = self.reader(supervised.take_stderr(), stderr, program.output_limit, false);
        let deadline = Instant::now().checked_add(Duration::from_secs(program.timeout_seconds));
        let ending = supervised.wait(deadline);
        self.cancellation.detach();
        // Everything that could write has ended, so the streams end, too.
        let stdout = stdout.recv_timeout(STREAM_PATIENCE).unwrap_or_default();
        let stderr = stderr.recv_timeout(STREAM_PATIENCE).unwrap_or_default();
        let left = self.record.read_left(&result, RESULT_BYTES);
        // The result file may hold what redaction takes out, so it goes as soon as it has been read.
        self.discard(&program.desk);
        if self.cancellation.is_cancelled() {
            return Err(AssessmentError::Cancelled(self.output_dir.to_owned()).into());
        }
        for captured in [&stdout, &stderr] {
            if let Some(error) = &captured.write_error {
                let failed = RecordError::Failed {
                    operation: "written",
                    path: program.directory.to_string(),
                    source: rustix::io::Errno::from_io_error(error).unwrap_or(rustix::io::Errno::IO),
                };
                return Err(AssessmentError::Record(failed).into());
            }
        }
        Ok(Ran { ending, stdout, stderr, left: left?, prints_result: program.prints_result })
    }

    fn write_context(&self, path: &RelativePath, context: &dyn Context) -> Result<(), Refusal> {
        let mut file = BufWriter::with_capacity(1 << 16, self.record.create_file(path)?);
        let failed = |error: std::io::Error| RecordError::Failed {
            operation: "written",
            path: path.to_string(),
            source: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
        };
        context.write(&mut file).map_err(|error| match error.io_error_kind() {
            Some(_) => AssessmentError::Record(failed(error.into())),
            None => AssessmentError::Encoding(error),
        })?;
        Ok(file.flush().map_err(failed)?)
    }

    /// How much of each stream of a runner is kept: the least that is stated.
    pub(super) fn output_limit(&self, runner: &RunnerEntrypoint) -> u64 {
        let stated = [runner.max_output_bytes, self.plan.assessment.max_output_bytes];
        stated.into_iter().flatten().min().unwrap_or(CAPTURE_BYTES)
    }

    /// A runner can make its working files hard to remove. They are no output and do no harm, so that is no reason to fail.
    pub(in crate::assessment) fn discard(&self, path: &RelativePath) {
        if let Err(error) = self.record.remove_working_files(path) {
            tracing::warn!("working files stay in the run directory: {error}");
        }
    }

    fn reader(
        &self,
        stream: Option<impl std::io::Read + Send + 'static>,
        file: RecordFile,
        limit: u64,
        keep_raw: bool,
    ) -> mpsc::Receiver<Captured> {
        let (sender, receiver) = mpsc::channel();
        let redactor = self.credentials.redactor.clone();
        std::thread::spawn(move || {
            if let Some(stream) = stream {
                // The receiver has gone when nobody waits any more.
                let _ = sender.send(capture(stream, file, &redactor, limit, keep_raw));
            }
        });
        receiver
    }
}

/// Where the target is: of the endpoint with this binding, or else the first that is a path of this machine, or else the first.
pub(super) fn endpoint<'a>(target_profile: &'a Value, binding: Option<&str>) -> Option<&'a str> {
    let endpoints = target_profile.get("endpoints").and_then(Value::as_array)?;
    let place = |endpoint: &'a Value| {
        let text = endpoint.get("path").or_else(|| endpoint.get("url"))?.as_str()?;
        Some(text.strip_prefix("file://").unwrap_or(text))
    };
    match binding {
        Some(binding) => {
            place(endpoints.iter().find(|endpoint| endpoint.get("binding").is_some_and(|it| *it == *binding))?)
        }
        None => {
            let places = || endpoints.iter().filter_map(place);
            places().find(|place| place.starts_with('/')).or_else(|| places().next())
        }
    }
}

/// Puts the target in the place of `{target}`, and its endpoint of a binding in the place of `{target:BINDING}`.
fn with_target(part: &str, target_profile: &Value) -> Result<String, String> {
    let (mut made, mut rest) = (String::new(), part);
    while let Some((before, after)) = rest.split_once("{target") {
        let (binding, end) = match (after.strip_prefix('}'), after.strip_prefix(':').and_then(|it| it.split_once('}')))
        {
            (Some(end), _) => (None, end),
            (None, Some((binding, end))) => (Some(binding), end),
            // Something else in braces.
            (None, None) => {
                made.push_str(before);
                made.push_str("{target");
                rest = after;
                continue;
            }
        };
        let place = endpoint(target_profile, binding).ok_or_else(|| match binding {
            Some(binding) => format!("the target has no endpoint with the binding {binding}"),
            None => "the target has no endpoint".to_owned(),
        })?;
        made.push_str(before);
        made.push_str(place);
        rest = end;
    }
    Ok(made + rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_target_takes_its_place_once_and_other_braces_stay() {
        let profile = json!({"endpoints": [
            {"binding": "https", "url": "https://example.invalid"},
            {"binding": "filesystem", "url": "file:///srv/{target}"},
        ]});
        let with = |part: &str| with_target(part, &profile);
        assert_eq!(with("--root={target}/a").as_deref(), Ok("--root=/srv/{target}/a"));
        assert_eq!(with("{target:https}/api").as_deref(), Ok("https://example.invalid/api"));
        for plain in ["", "{targets}", "{target", "{target:https", "{other}"] {
            assert_eq!(with(plain).as_deref(), Ok(plain));
        }
        assert!(with("{target:grpc}").is_err_and(|error| error.contains("binding grpc")));
    }
}
