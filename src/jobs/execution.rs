//! One job: the child process, its output, and the judgement whether a readable run stands in its directory afterwards.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use super::ending::{describe, hint};
use super::feed::Happening;
use super::log::{Event, read_lines};
use super::state::JobEnd;
use super::table::{Assignment, JobTable};
use crate::model::JobStatus;
use crate::process::{Ending, Environment, SpawnRequest, Supervised};

/// How long an output may stay open after everything that could write to it has ended.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(5);
/// The variable in which a process learns the trace that it belongs to.
const TRACE_PARENT: &str = "TRACEPARENT";
/// The variables by which a service manager tells a server, and nobody else, where to say that it is ready and alive, what it listens on, and
/// where its credentials lie.
const OF_THE_MANAGER: [&str; 8] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
    "CREDENTIALS_DIRECTORY",
];

/// Runs a job to its end. The job's directory is read again before this returns, so whoever then sees the job's end finds the run.
pub(super) fn execute(table: &Arc<JobTable>, assignment: &Assignment) -> JobEnd {
    // The root may have gone while the job waited: what is written into an empty mount point is hidden once the filesystem is back.
    if let Err(error) = assignment.request.root.refresh_directory(&assignment.directory) {
        return failed(format!("the job was not begun: {error}"));
    }
    // Made by somebody else since it was reserved: whatever stands there is not this job's.
    if assignment.request.root.has_entry(&assignment.directory).unwrap_or(false) {
        return failed("the job was not begun: its directory was made by somebody else while it waited");
    }
    if table.is_cancelled(&assignment.job_id) {
        return JobEnd::without_process(JobStatus::Cancelled, "the job was cancelled before its process started");
    }
    let command = command(table, assignment);
    let spawned = Supervised::spawn(SpawnRequest {
        program: &table.launcher.program,
        command: &command,
        current_dir: &table.launcher.root,
        environment: Environment::Only(environment(assignment.request.trace_parent.as_deref())),
        grace: table.settings.grace,
    });
    let mut process = match spawned {
        Ok(process) => process,
        Err(error) => {
            tracing::error!(job = %assignment.job_id, error = %error, cause = ?std::error::Error::source(&error), "a job's process could not be started");
            return failed("the job's process could not be started; the server's log has the details");
        }
    };
    table.process_started(&assignment.job_id, process.terminator());
    let stdout = process.take_stdout().map(|output| read_aside(table, assignment, output)).transpose();
    let stderr = process.take_stderr().map(|output| read_aside(table, assignment, output)).transpose();
    let read = match stdout.and_then(|stdout| Ok([stdout, stderr?])) {
        Ok(read) => read,
        Err(error) => {
            tracing::error!(job = %assignment.job_id, %error, "no thread for a job's output");
            // A deadline that has passed: all of it is ended.
            let _ = process.wait(Some(Instant::now()));
            return failed("the server could not start a thread to read what the job's process writes, and ended it");
        }
    };
    let ending = process.wait(table.settings.time_limit.and_then(|limit| Instant::now().checked_add(limit)));
    for ended in read.into_iter().flatten() {
        // Everything that could write has ended, so the output ends too, unless a process survived that cannot be killed.
        let _ = ended.recv_timeout(OUTPUT_PATIENCE);
    }
    judge(table, assignment, ending)
}

/// Reads an output in a thread of its own; the receiver hears when it has ended.
fn read_aside(
    table: &Arc<JobTable>,
    assignment: &Assignment,
    output: impl Read + Send + 'static,
) -> std::io::Result<mpsc::Receiver<()>> {
    let (ended, receiver) = mpsc::channel();
    let (table, job_id) = (Arc::clone(table), assignment.job_id.clone());
    let feed = Arc::clone(&assignment.feed);
    std::thread::Builder::new().name("job output".to_owned()).spawn(move || {
        // A log line does not touch the table: a process that writes many holds up no other job.
        read_lines(output, |line| match Event::parse(&line.text) {
            Some(event) => table.reported(&job_id, event),
            None => feed.push(Happening::Log(line)),
        });
        // Nobody listens any more when the job did not wait.
        let _ = ended.send(());
    })?;
    Ok(receiver)
}

/// What a job executes. Another command than `guide-board` itself gets only what every command line of its kind knows, and labels when there
/// are some: dropping them would be a silent loss.
fn command(table: &JobTable, assignment: &Assignment) -> Vec<OsString> {
    let launcher = &table.launcher;
    let request = &assignment.request;
    let is_own = launcher.cli_command.is_empty();
    let mut command: Vec<OsString> = launcher.cli_command.clone();
    if is_own {
        command.extend([launcher.program.clone().into(), "--root".into(), launcher.root.clone().into()]);
        for directory in &launcher.extension_dirs {
            command.extend(["--extension-dir".into(), directory.clone().into()]);
        }
    }
    let output_dir = absolute(request.root.configured()).join(assignment.directory.as_str());
    command.extend(["run".into(), "--target".into(), request.target_file.clone().into()]);
    command.extend(["--assessment".into(), request.assessment_file.clone().into()]);
    command.extend(["--output-dir".into(), output_dir.into()]);
    for (key, value) in &request.labels {
        command.extend(["--label".into(), format!("{key}={value}").into()]);
    }
    if is_own {
        command.extend(["--run-id".into(), assignment.run_id.as_str().into()]);
        command.extend(["--progress".into(), "jsonl".into()]);
    }
    command
}

/// A configured path is meant from this process's working directory, which need not be the job's.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// The server's environment without its own settings, which are no settings of a run, without what a service manager says to it alone, and
/// with the trace that the job belongs to in place of the one that the server was started in.
fn environment(trace_parent: Option<&str>) -> Vec<(OsString, OsString)> {
    let is_own = |name: &OsString| {
        let is_trace = name == TRACE_PARENT || name == "TRACESTATE";
        name.as_encoded_bytes().starts_with(b"GUIDE_BOARD_") || is_trace || OF_THE_MANAGER.iter().any(|own| name == own)
    };
    let trace = trace_parent.map(|trace| (TRACE_PARENT.into(), trace.into()));
    std::env::vars_os().filter(|(name, _)| !is_own(name)).chain(trace).collect()
}

/// A job is succeeded exactly when a readable summary stands in its directory, whatever the exit code.
fn judge(table: &JobTable, assignment: &Assignment, ending: Ending) -> JobEnd {
    let root = &assignment.request.root;
    let found = root.refresh_directory(&assignment.directory).and_then(|()| root.snapshot());
    let run_id = match &found {
        Ok(snapshot) => snapshot.in_directory(assignment.directory.as_str()).map(|run| run.run_id.to_string()),
        Err(_) => None,
    };
    let end = JobEnd {
        status: JobStatus::Succeeded,
        run_id,
        exit_code: ending.exit_code,
        signal: ending.signal,
        message: None,
    };
    if end.run_id.is_some() {
        return end;
    }
    let why = match table.is_cancelled(&assignment.job_id) {
        true => Some("the job was cancelled"),
        false => table.is_terminating().then_some("the server stopped while the job was running"),
    };
    let how = describe(&ending, table.settings.time_limit, why.is_some());
    if let Some(why) = why {
        let left = match root.has_entry(&assignment.directory) {
            Ok(true) => "its partial directory stays",
            Ok(false) => "it left no directory",
            Err(_) => "its directory cannot be read",
        };
        let message = Some(format!("{why} ({how}); {left}"));
        return JobEnd { status: JobStatus::Cancelled, message, ..end };
    }
    let message = match found {
        Ok(_) => {
            let hint = hint(root, &assignment.feed.last_lines());
            format!("{how}, and its directory has no readable summary{hint}")
        }
        Err(error) => format!("{how}, and its directory cannot be read: {error}"),
    };
    JobEnd { status: JobStatus::Failed, message: Some(message), ..end }
}

fn failed(message: impl Into<String>) -> JobEnd {
    JobEnd::without_process(JobStatus::Failed, message)
}
