//! The job table: what was asked for, what runs, what ended. In memory, bounded.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::execution;
use super::log::{Event, Tail};
use crate::model::{DirectoryName, JobStatus, RunId};
use crate::process::Terminator;
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
    #[error("{waiting} jobs are waiting, as many as may; try again when one has ended")]
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
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
}

/// How many jobs may run, wait, and be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobSettings {
    /// Jobs running at once.
    pub max_running: usize,
    /// Jobs waiting at once.
    pub max_queued: usize,
    /// Jobs remembered after their end.
    pub history: usize,
    /// Log lines kept a job.
    pub log_lines: usize,
    /// The time between asking a job's processes to end and killing them.
    pub grace: Duration,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { max_running: 2, max_queued: 64, history: 1000, log_lines: 40, grace: Duration::from_secs(5) }
    }
}

/// How a job's process is started.
#[derive(Debug, Clone)]
pub struct Launcher {
    /// The guide-board binary.
    pub program: PathBuf,
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
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobProgress {
    /// Checks done.
    pub done: u32,
    /// Checks in total.
    pub total: u32,
    /// The check that ended last.
    pub last_check: String,
}

/// Why a job failed or was cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// One sentence.
    pub message: String,
    /// The last log lines, oldest first.
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
    /// Why it failed.
    pub error: Option<JobFailure>,
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

/// How many jobs are in which state.
pub type StatusCounts = BTreeMap<&'static str, u32>;

/// The jobs of this process.
#[derive(Debug)]
pub struct JobTable {
    pub(super) settings: JobSettings,
    pub(super) launcher: Launcher,
    /// Tells the tokens of this process's lists from those of another one.
    instance: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    jobs: HashMap<String, Job>,
    /// Ids by sequence number.
    order: BTreeMap<u64, String>,
    queue: VecDeque<String>,
    running: usize,
    next_sequence: u64,
    requests: HashMap<String, (RequestBody, String)>,
    stopping: bool,
}

#[derive(Debug)]
struct Job {
    view: JobView,
    request: JobRequest,
    run_id: RunId,
    tail: Tail,
    terminator: Option<Terminator>,
}

/// What a request id stands for.
type RequestBody = (String, String, String, Option<DirectoryName>, BTreeMap<String, String>);

/// A job that is about to run.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) job_id: String,
    pub(super) run_id: RunId,
    pub(super) directory: DirectoryName,
    pub(super) request: JobRequest,
}

/// How a job ended.
#[derive(Debug)]
pub(super) struct JobEnd {
    pub(super) status: JobStatus,
    pub(super) run_id: Option<String>,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) message: Option<String>,
}

impl JobTable {
    /// An empty table. `instance` tells this process from others.
    #[must_use]
    pub fn new(settings: JobSettings, launcher: Launcher, instance: String) -> Arc<Self> {
        Arc::new(Self { settings, launcher, instance, state: Mutex::default(), changed: Condvar::new() })
    }

    /// What tells this process's jobs from those of another one.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> JobSettings {
        self.settings
    }

    /// Accepts a job and starts it as soon as there is a place. A request id that was used with the same body gives the same job.
    ///
    /// # Errors
    /// [`Error::OutputExists`], [`Error::RequestIdReused`], [`Error::QueueFull`], [`Error::Stopping`].
    pub fn start(self: &Arc<Self>, request: JobRequest, random: u64) -> Result<JobView, Error> {
        let created_at = Timestamp::now();
        let [high, low] = [random >> 32, random & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or_default());
        let run_id = RunId::generate(created_at, low);
        let body = body_of(&request);
        let mut state = self.lock();
        if let Some(earlier) = state.repeated(&request)? {
            return Ok(earlier);
        }
        if state.stopping {
            return Err(Error::Stopping);
        }
        if state.queue.len() >= self.settings.max_queued {
            return Err(Error::QueueFull { waiting: state.queue.len() });
        }
        let directory = request.directory.clone().or_else(|| run_id.as_str().parse().ok());
        let root = request.root.name().to_string();
        let Some(directory) = directory.filter(|directory| !state.has_reserved(&root, directory)) else {
            let directory = request.directory.map(|directory| directory.to_string()).unwrap_or_default();
            return Err(Error::OutputExists { root, directory: crate::model::printable(&directory, 200) });
        };
        state.next_sequence += 1;
        let sequence = state.next_sequence;
        let job_id = format!("job-{}-{high:08x}", created_at.strftime("%Y%m%dT%H%M%SZ"));
        let view = JobView {
            job_id: job_id.clone(),
            sequence,
            status: JobStatus::Queued,
            target: request.target.clone(),
            assessment: request.assessment.clone(),
            root,
            directory: directory.to_string(),
            run_id: None,
            labels: request.labels.clone(),
            created_at,
            started_at: None,
            ended_at: None,
            progress: None,
            exit_code: None,
            signal: None,
            error: None,
        };
        if let Some(request_id) = &request.request_id {
            state.requests.insert(request_id.clone(), (body, job_id.clone()));
        }
        let tail = Tail::new(self.settings.log_lines);
        let job =
            Job { view, request: JobRequest { directory: Some(directory), ..request }, run_id, tail, terminator: None };
        state.jobs.insert(job_id.clone(), job);
        state.order.insert(sequence, job_id.clone());
        state.queue.push_back(job_id.clone());
        self.fill_places(&mut state);
        state.jobs.get(&job_id).map(|job| job.view.clone()).ok_or(Error::Stopping)
    }

    /// The job that an equal request with the same request id started before; `None` for a new request.
    ///
    /// # Errors
    /// [`Error::RequestIdReused`].
    pub fn repeated(&self, request: &JobRequest) -> Result<Option<JobView>, Error> {
        self.lock().repeated(request)
    }

    /// One job.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    pub fn get(&self, job_id: &str) -> Result<JobView, Error> {
        let state = self.lock();
        state.jobs.get(job_id).map(|job| job.view.clone()).ok_or_else(|| not_found(job_id))
    }

    /// The runs root and directory of a job that succeeded.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::NotSucceeded`].
    pub fn succeeded(&self, job_id: &str) -> Result<(Arc<RunsRoot>, DirectoryName), Error> {
        let state = self.lock();
        let job = state.jobs.get(job_id).ok_or_else(|| not_found(job_id))?;
        match (&job.request.directory, job.view.status) {
            (Some(directory), JobStatus::Succeeded) => Ok((Arc::clone(&job.request.root), directory.clone())),
            (_, status) => Err(Error::NotSucceeded { status }),
        }
    }

    /// One page of the jobs in one of `statuses` (empty: any), newest first, below a sequence number.
    #[must_use]
    pub fn page(&self, statuses: &[JobStatus], below: Option<u64>, limit: usize) -> JobPage {
        let state = self.lock();
        let matching = || {
            let newest_first = state.order.values().rev().filter_map(|job_id| state.jobs.get(job_id));
            newest_first.map(|job| &job.view).filter(|view| statuses.is_empty() || statuses.contains(&view.status))
        };
        let total = matching().count();
        let below = below.unwrap_or(u64::MAX);
        let mut jobs: Vec<JobView> =
            matching().filter(|view| view.sequence < below).take(limit.saturating_add(1)).cloned().collect();
        let more = jobs.len() > limit;
        jobs.truncate(limit);
        let next = jobs.last().filter(|_| more).map(|last| last.sequence);
        JobPage { jobs, next, total }
    }

    /// How many jobs are in which state.
    #[must_use]
    pub fn counts(&self) -> StatusCounts {
        let mut counts: StatusCounts = JobStatus::ALL.iter().map(|status| (status.word(), 0)).collect();
        for job in self.lock().jobs.values() {
            *counts.entry(job.view.status.word()).or_default() += 1;
        }
        counts
    }

    /// Accepts no more jobs and cancels those that wait; running ones go on.
    pub fn stop_accepting(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let waiting: Vec<String> = state.queue.drain(..).collect();
        for job_id in waiting {
            let end = JobEnd {
                status: JobStatus::Cancelled,
                run_id: None,
                exit_code: None,
                signal: None,
                message: Some("the server stopped before the job could start".to_owned()),
            };
            state.finish(&job_id, end, self.settings.history);
        }
        self.changed.notify_all();
    }

    /// Waits until no job runs, at most until `deadline`; returns whether that is so.
    #[must_use]
    pub fn wait_until_idle(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while state.running > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Ends the processes of all running jobs.
    pub fn terminate_running(&self) {
        for job in self.lock().jobs.values() {
            if let Some(terminator) = &job.terminator {
                terminator.terminate();
            }
        }
    }

    /// Whether the server is stopping: a job that ends now was ended by that.
    pub(super) fn is_stopping(&self) -> bool {
        self.lock().stopping
    }

    pub(super) fn process_started(&self, job_id: &str, terminator: Terminator) {
        if let Some(job) = self.lock().jobs.get_mut(job_id) {
            job.terminator = Some(terminator);
        }
    }

    pub(super) fn wrote_line(&self, job_id: &str, line: String) {
        let mut state = self.lock();
        let Some(job) = state.jobs.get_mut(job_id) else { return };
        match Event::parse(&line) {
            Some(Event::Run { run_id, total }) => {
                job.view.run_id = Some(run_id);
                job.view.progress = Some(JobProgress { done: 0, total, last_check: String::new() });
            }
            Some(Event::Check { done, total, check_id }) => {
                job.view.progress = Some(JobProgress { done, total, last_check: check_id });
            }
            Some(Event::End {}) => {}
            None => job.tail.push(line),
        }
    }

    /// Ends a job and gives its place to the next one.
    pub(super) fn ended(self: &Arc<Self>, job_id: &str, end: JobEnd) {
        let mut state = self.lock();
        state.finish(job_id, end, self.settings.history);
        state.running = state.running.saturating_sub(1);
        self.fill_places(&mut state);
        self.changed.notify_all();
    }

    fn fill_places(self: &Arc<Self>, state: &mut State) {
        while state.running < self.settings.max_running {
            let Some(job_id) = state.queue.pop_front() else { return };
            let Some(job) = state.jobs.get_mut(&job_id) else { continue };
            let Some(directory) = job.request.directory.clone() else { continue };
            job.view.status = JobStatus::Running;
            job.view.started_at = Some(Timestamp::now());
            let assignment = Assignment {
                job_id: job_id.clone(),
                run_id: job.run_id.clone(),
                directory,
                request: job.request.clone(),
            };
            state.running += 1;
            let table = Arc::clone(self);
            let spawned = std::thread::Builder::new().name("job".to_owned()).spawn(move || {
                let end = execution::execute(&table, &assignment);
                table.ended(&assignment.job_id, end);
            });
            if let Err(error) = spawned {
                tracing::error!(%error, "no thread for a job");
                state.running = state.running.saturating_sub(1);
                let message = Some("the server could not start a thread for the job".to_owned());
                let end = JobEnd { status: JobStatus::Failed, run_id: None, exit_code: None, signal: None, message };
                state.finish(&job_id, end, self.settings.history);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn repeated(&self, request: &JobRequest) -> Result<Option<JobView>, Error> {
        let Some((earlier, job_id)) = request.request_id.as_ref().and_then(|id| self.requests.get(id)) else {
            return Ok(None);
        };
        match self.jobs.get(job_id) {
            Some(job) if *earlier == body_of(request) => Ok(Some(job.view.clone())),
            _ => Err(Error::RequestIdReused),
        }
    }

    fn has_reserved(&self, root: &str, directory: &DirectoryName) -> bool {
        let holds = |job: &Job| {
            job.view.ended_at.is_none() && job.view.root == root && job.view.directory == directory.as_str()
        };
        self.jobs.values().any(holds)
    }

    fn finish(&mut self, job_id: &str, end: JobEnd, history: usize) {
        if let Some(job) = self.jobs.get_mut(job_id) {
            let log_lines = job.tail.lines();
            job.view.status = end.status;
            job.view.ended_at = Some(Timestamp::now());
            job.view.run_id = end.run_id.or_else(|| job.view.run_id.take());
            job.view.exit_code = end.exit_code;
            job.view.signal = end.signal;
            job.view.error = end.message.map(|message| JobFailure { message, log_lines });
            job.terminator = None;
        }
        let ended: Vec<u64> = self
            .order
            .iter()
            .filter(|(_, job_id)| self.jobs.get(*job_id).is_none_or(|job| job.view.ended_at.is_some()))
            .map(|(sequence, _)| *sequence)
            .collect();
        for sequence in ended.iter().take(ended.len().saturating_sub(history)) {
            if let Some(job_id) = self.order.remove(sequence) {
                self.jobs.remove(&job_id);
                self.requests.retain(|_, (_, held)| *held != job_id);
            }
        }
    }
}

fn body_of(request: &JobRequest) -> RequestBody {
    let root = request.root.name().to_string();
    (request.target.clone(), request.assessment.clone(), root, request.directory.clone(), request.labels.clone())
}

fn not_found(job_id: &str) -> Error {
    Error::JobNotFound { job_id: crate::model::printable(job_id, 100) }
}
