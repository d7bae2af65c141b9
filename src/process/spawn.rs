//! Starting a command under a supervisor, and learning how it ended.

use std::ffi::{OsStr, OsString};
use std::io::Read as _;
use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::supervise::Report;

/// How much longer than the grace time the supervisor may take before it is given up and killed itself. Longer than its own bound.
const SUPERVISOR_SLACK: Duration = Duration::from_secs(20);

/// The longest report that is read.
const REPORT_BYTES: usize = 64 * 1024;

/// The environment of the command.
#[derive(Debug, Clone)]
pub enum Environment {
    /// This process's own.
    Inherited,
    /// Exactly these variables.
    Only(Vec<(OsString, OsString)>),
}

/// What to start, and where.
#[derive(Debug)]
pub struct SpawnRequest<'a> {
    /// The guide-board binary, which is the supervisor.
    pub program: &'a Path,
    /// The command and its arguments.
    pub command: &'a [OsString],
    /// The command's working directory.
    pub current_dir: &'a Path,
    /// The command's environment.
    pub environment: Environment,
    /// The time between SIGTERM and SIGKILL.
    pub grace: Duration,
}

/// The supervisor could not be started. (That the *command* could not be started is an [`Ending`].)
#[derive(Debug, thiserror::Error)]
#[error("the supervisor {} could not be started in {}", program.display(), current_dir.display())]
pub struct SpawnError {
    program: PathBuf,
    current_dir: PathBuf,
    source: std::io::Error,
}

/// Why the command never ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartFailure {
    /// The operating system's reason.
    pub message: String,
    /// Whether there is no such program.
    pub program_missing: bool,
}

/// How a supervised command ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ending {
    /// The exit code, if it exited.
    pub exit_code: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// Whether the deadline passed first.
    pub timed_out: bool,
    /// How many processes besides the command itself had to be ended.
    pub killed_descendants: usize,
    /// Whether some could not be ended, for example because they run as another user.
    pub survivors: bool,
    /// Set when the command could not be started.
    pub start_failure: Option<StartFailure>,
    /// Whether the supervisor vanished without a report; nothing is known about the command then.
    pub supervisor_lost: bool,
}

/// Ends a supervised command from another thread. Idempotent, and harmless after the end.
#[derive(Debug, Clone)]
pub struct Terminator(Arc<UnixStream>);

impl Terminator {
    /// Asks for the end: SIGTERM to everything, the grace time, SIGKILL. Returns at once.
    pub fn terminate(&self) {
        // An error means that the supervisor is gone, so there is nothing left to end.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// A command that runs under a supervisor. Dropping it ends the command and everything below it, without waiting.
#[derive(Debug)]
pub struct Supervised {
    supervisor: Child,
    control: Arc<UnixStream>,
    grace: Duration,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Supervised {
    /// Starts the command. Standard input is empty; standard output and error are pipes that must be read, or the command blocks.
    ///
    /// # Errors
    /// When the supervisor cannot be started: no such binary, no such working directory, no more processes or descriptors.
    pub fn spawn(request: SpawnRequest<'_>) -> Result<Self, SpawnError> {
        let failed = |source| SpawnError {
            program: request.program.to_owned(),
            current_dir: request.current_dir.to_owned(),
            source,
        };
        let (control, theirs) = UnixStream::pair().map_err(failed)?;
        let mut command = Command::new(request.program);
        command
            .arg("supervise")
            .arg("--grace-ms")
            .arg(request.grace.as_millis().to_string())
            .arg("--")
            .args(request.command.iter().map(AsRef::<OsStr>::as_ref))
            .current_dir(request.current_dir)
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        if let Environment::Only(variables) = &request.environment {
            command.env_clear().envs(variables.iter().map(|(name, value)| (name, value)));
        }
        let mut supervisor = command.spawn().map_err(failed)?;
        let (stdout, stderr) = (supervisor.stdout.take(), supervisor.stderr.take());
        Ok(Self { supervisor, control: Arc::new(control), grace: request.grace, stdout, stderr })
    }

    /// The command's standard output; the first call has it.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// The command's standard error; the first call has it.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.stderr.take()
    }

    /// A handle that ends the command from another thread.
    #[must_use]
    pub fn terminator(&self) -> Terminator {
        Terminator(Arc::clone(&self.control))
    }

    /// Waits until the command and everything below it has ended. When `deadline` passes first, all of it is terminated.
    #[must_use]
    pub fn wait(mut self, deadline: Option<Instant>) -> Ending {
        let mut lines = ReportLines::default();
        let mut timed_out = false;
        let mut report = lines.read(&self.control, deadline);
        if matches!(report, Progress::DeadlinePassed) {
            timed_out = true;
            self.terminator().terminate();
            // Also bounded for a supervisor that was itself stopped: it is killed below.
            report = lines.read(&self.control, Instant::now().checked_add(self.grace + SUPERVISOR_SLACK));
        }
        let mut ending = match report {
            Progress::Report(report) => Ending::from(report),
            Progress::Ended | Progress::DeadlinePassed => {
                lines.kill_group();
                let _ = self.supervisor.kill();
                Ending { supervisor_lost: true, ..Ending::default() }
            }
        };
        ending.timed_out = timed_out;
        let _ = self.supervisor.wait();
        ending
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        self.terminator().terminate();
        // Reaps it if it has ended; else the supervisor is left to finish its work, and the kernel to reap it after this process.
        let _ = self.supervisor.try_wait();
    }
}

impl From<Report> for Ending {
    fn from(report: Report) -> Self {
        Self {
            exit_code: report.exit_code,
            signal: report.signal,
            timed_out: false,
            killed_descendants: report.killed_descendants,
            survivors: report.survivors,
            start_failure: report
                .start_error
                .map(|message| StartFailure { message, program_missing: report.program_missing }),
            supervisor_lost: false,
        }
    }
}

/// What reading the supervisor's lines came to.
enum Progress {
    Report(Report),
    Ended,
    DeadlinePassed,
}

/// The supervisor's lines as far as they have come.
#[derive(Default)]
struct ReportLines {
    buffer: Vec<u8>,
    started: Option<i32>,
}

impl ReportLines {
    fn read(&mut self, mut control: &UnixStream, deadline: Option<Instant>) -> Progress {
        let mut chunk = [0_u8; 1024];
        loop {
            while let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                if let Ok(Started { started }) = serde_json::from_slice(&line) {
                    self.started = Some(started);
                } else if let Ok(report) = serde_json::from_slice::<Report>(&line) {
                    return Progress::Report(report);
                }
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Progress::DeadlinePassed;
            }
            if self.buffer.len() > REPORT_BYTES || control.set_read_timeout(left).is_err() {
                return Progress::Ended;
            }
            match control.read(&mut chunk) {
                Ok(0) => return Progress::Ended,
                Ok(count) => self.buffer.extend(chunk.iter().take(count)),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                }
                Err(_) => return Progress::Ended,
            }
        }
    }

    /// Best effort when the supervisor itself was killed: the command's process group at least goes with it.
    fn kill_group(&self) {
        if let Some(group) = self.started.and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// The supervisor's first line.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Started {
    started: i32,
}
