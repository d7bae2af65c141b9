//! What a job is to those who ask: requests, settings, states, and what can go wrong.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{DirectoryName, JobStatus};
use crate::repository::RunsRoot;

/// Why a question about jobs has no answer. `Display` is fit for a client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not a job of this process.
    #[error(
        "there is no job `{job_id}` in this process; jobs do not outlive a restart: look for the run under the retained runs"
    )]
    JobNotFound {
        /// The id asked for, made printable.
        job_id: String,
    },
    /// The directory exists, or another job has reserved it.
    #[error("`{directory}` exists already in `{root}`, or a job has reserved it; name another output_dir")]
    OutputExists {
        /// The root's name.
        root: String,
        /// The directory, made printable.
        directory: String,
    },
    /// The request id was used with another body.
    #[error("this request_id was used with another request; use a new one for another request")]
    RequestIdReused,
    /// As many jobs wait as may.
    #[error("as many jobs run and wait as may ({waiting} wait); try again when one has ended")]
    QueueFull {
        /// How many wait.
        waiting: usize,
    },
    /// The job has not succeeded.
    #[error("the job is {status}; its reports can be read once it has succeeded")]
    NotSucceeded {
        /// Its state.
        status: JobStatus,
    },
    /// No run can be started there.
    #[error("no run can be started: {reason}")]
    RootReadOnly {
        /// Why, one clause.
        reason: String,
    },
    /// The server starts and cancels nothing.
    #[error("no run can be started or cancelled: the server runs with --read-only")]
    ReadOnly,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// How many jobs may run, wait, and be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSettings {
    /// Jobs running at once.
    pub max_running: usize,
    /// Jobs waiting at once. With 0 none waits: a job is accepted while there is a place to run it at once.
    pub max_queued: usize,
    /// Jobs remembered after their end.
    pub history: usize,
    /// Events kept a job for those who watch it: log lines, most of all.
    pub events: usize,
    /// The time between asking a job's processes to end and killing them.
    pub grace: Duration,
    /// The longest silence of a watch; then it says that it is still there.
    pub heartbeat: Duration,
    /// How long a job's process may run; `None`: as long as it wants.
    pub time_limit: Option<Duration>,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            max_running: 2,
            max_queued: 64,
            history: 1000,
            events: 1000,
            heartbeat: Duration::from_secs(20),
            grace: Duration::from_secs(5),
            time_limit: Some(Duration::from_secs(86_400)),
        }
    }
}

/// How a job's process is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The guide-board binary: the supervisor of every job, and without `cli_command` also what it supervises.
    pub program: PathBuf,
    /// Another command, and its first arguments, to execute in place of `guide-board`; empty: none.
    pub cli_command: Vec<OsString>,
    /// The working directory, from which relative names are meant.
    pub root: PathBuf,
    /// Directories of further extensions.
    pub extension_dirs: Vec<PathBuf>,
}

/// What to run, and where to.
#[derive(Debug, Clone)]
pub struct JobRequest {
    /// The target as requested.
    pub target: String,
    /// The assessment as requested.
    pub assessment: String,
    /// The target profile's file.
    pub target_file: PathBuf,
    /// The assessment profile's file.
    pub assessment_file: PathBuf,
    /// The runs root to write to.
    pub root: Arc<RunsRoot>,
    /// The directory asked for; `None`: named by the run id.
    pub directory: Option<DirectoryName>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The request's id, if it has one.
    pub request_id: Option<String>,
    /// Who asks. Request ids are each caller's own.
    pub owner: String,
    /// The W3C trace context of the call that asks for it; its process gets it as TRACEPARENT.
    pub trace_parent: Option<String>,
}

/// How far a job is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobProgress {
    /// Checks done.
    pub done: u32,
    /// Checks in total.
    pub total: u32,
    /// The check that ended last; empty before the first.
    pub last_check: String,
    /// The first of the checks that are being made; empty when none is, or none is known to be.
    pub current_check: String,
}

/// Why a job failed or was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// One sentence.
    pub message: String,
    /// The last log lines, oldest first: at most 40, and 64 KiB of them.
    pub log_lines: Vec<String>,
}

/// A job as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobView {
    /// Its id.
    pub job_id: String,
    /// Its place among all jobs of this process: later ones have larger numbers.
    pub sequence: u64,
    /// Its state.
    pub status: JobStatus,
    /// The target as requested.
    pub target: String,
    /// The assessment as requested.
    pub assessment: String,
    /// The name of its runs root.
    pub root: String,
    /// Its directory.
    pub directory: String,
    /// Its run id, once known.
    pub run_id: Option<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its process started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How far it is.
    pub progress: Option<JobProgress>,
    /// Its process's exit code.
    pub exit_code: Option<i32>,
    /// The signal that ended its process.
    pub signal: Option<i32>,
    /// Why it failed or was cancelled.
    pub error: Option<Arc<JobFailure>>,
    /// When its cancellation was asked for.
    pub cancel_requested_at: Option<Timestamp>,
}

/// One page of jobs.
#[derive(Debug)]
pub struct JobPage {
    /// The jobs, newest first.
    pub jobs: Vec<JobView>,
    /// Where the next page begins: below this sequence number; `None` on the last page.
    pub next: Option<u64>,
    /// How many match in all.
    pub total: usize,
}

/// What became of jobs since the process began, those included that are forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobTotals {
    /// Jobs accepted.
    pub accepted: u64,
    /// Jobs that got a place to run.
    pub started: u64,
    /// Jobs that ended, by the word of their status.
    pub ended: BTreeMap<&'static str, u64>,
}

/// How many jobs are in which state.
pub type StatusCounts = BTreeMap<&'static str, u32>;
