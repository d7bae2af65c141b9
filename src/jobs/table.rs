//! The job table: what was asked for, what runs, what ended. In memory, bounded.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::execution;
use super::feed::{Happening, JobFeed};
use super::job::{Error, JobPage, JobProgress, JobRequest, JobSettings, JobTotals, JobView, Launcher, StatusCounts};
use super::log::Event;
use super::state::{Job, JobEnd, State, body_of, key_of, not_found};
use crate::model::{DirectoryName, JobStatus, RunId, VisibleRoots};
use crate::process::Terminator;
use crate::repository::RunsRoot;

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

/// A job that is about to run.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) job_id: String,
    pub(super) run_id: RunId,
    pub(super) directory: DirectoryName,
    pub(super) request: JobRequest,
    pub(super) feed: Arc<JobFeed>,
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
        // A queue that may hold none refuses none that starts at once.
        let must_wait = state.running >= self.settings.max_running;
        if must_wait && state.queue.len() >= self.settings.max_queued {
            return Err(Error::QueueFull { waiting: state.queue.len() });
        }
        let directory = request.directory.clone().or_else(|| run_id.as_str().parse().ok());
        let root = request.root.name().to_string();
        let Some(directory) = directory.filter(|directory| !state.has_reserved(&root, directory)) else {
            let directory = request.directory.map(|directory| directory.to_string()).unwrap_or_default();
            return Err(Error::OutputExists { root, directory: crate::model::printable(&directory, 200) });
        };
        state.next_sequence += 1;
        state.totals.accepted += 1;
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
            cancel_requested_at: None,
        };
        if let Some(key) = key_of(&request) {
            state.requests.insert(key, (body, job_id.clone()));
        }
        let feed = JobFeed::new(self.settings.events);
        let job =
            Job { view, request: JobRequest { directory: Some(directory), ..request }, run_id, feed, terminator: None };
        job.tell_status();
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

    /// One job. A job of a root that the caller may not see does not exist, here and in what follows.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    pub fn get(&self, job_id: &str, visible: &VisibleRoots) -> Result<JobView, Error> {
        Ok(self.lock().job(job_id, visible)?.view.clone())
    }

    /// What happens to a job, for as long as one watches, also when the table forgets it meanwhile.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    pub fn watch(&self, job_id: &str, visible: &VisibleRoots) -> Result<Arc<JobFeed>, Error> {
        Ok(Arc::clone(&self.lock().job(job_id, visible)?.feed))
    }

    /// The runs root and directory of a job that succeeded.
    ///
    /// # Errors
    /// [`Error::JobNotFound`], [`Error::NotSucceeded`].
    pub fn succeeded(&self, job_id: &str, visible: &VisibleRoots) -> Result<(Arc<RunsRoot>, DirectoryName), Error> {
        let state = self.lock();
        let job = state.job(job_id, visible)?;
        match (&job.request.directory, job.view.status) {
            (Some(directory), JobStatus::Succeeded) => Ok((Arc::clone(&job.request.root), directory.clone())),
            (_, status) => Err(Error::NotSucceeded { status }),
        }
    }

    /// One page of the jobs in one of `statuses` (empty: any), newest first, below a sequence number.
    #[must_use]
    pub fn page(&self, statuses: &[JobStatus], below: Option<u64>, limit: usize, visible: &VisibleRoots) -> JobPage {
        let state = self.lock();
        let matching = || {
            let newest_first = state.order.values().rev().filter_map(|job_id| state.jobs.get(job_id));
            let views = newest_first.map(|job| &job.view).filter(|view| visible.sees(&view.root));
            views.filter(|view| statuses.is_empty() || statuses.contains(&view.status))
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
    pub fn counts(&self, visible: &VisibleRoots) -> StatusCounts {
        let mut counts: StatusCounts = JobStatus::ALL.iter().map(|status| (status.word(), 0)).collect();
        for job in self.lock().jobs.values().filter(|job| visible.sees(&job.view.root)) {
            *counts.entry(job.view.status.word()).or_default() += 1;
        }
        counts
    }

    /// What became of all jobs of this process.
    #[must_use]
    pub fn totals(&self) -> JobTotals {
        self.lock().totals.clone()
    }

    /// Cancels a job and returns it as it is then: a waiting one has ended and never starts; of a running one the processes are asked to end,
    /// and it ends once they all have; one that has ended stays as it is. Asking again changes nothing.
    ///
    /// # Errors
    /// [`Error::JobNotFound`].
    pub fn cancel(&self, job_id: &str, visible: &VisibleRoots) -> Result<JobView, Error> {
        let mut guard = self.lock();
        let state = &mut *guard;
        state.job(job_id, visible)?;
        let job = state.jobs.get_mut(job_id).ok_or_else(|| not_found(job_id))?;
        if job.view.ended_at.is_some() || job.view.cancel_requested_at.is_some() {
            return Ok(job.view.clone());
        }
        job.view.cancel_requested_at = Some(Timestamp::now());
        if let Some(terminator) = &job.terminator {
            terminator.terminate();
        }
        if job.view.status == JobStatus::Running {
            job.tell_status();
        }
        let mut view = job.view.clone();
        if view.status == JobStatus::Queued {
            state.queue.retain(|waiting| waiting != job_id);
            let end = JobEnd::without_process(JobStatus::Cancelled, "the job was cancelled before it started");
            view = state.finish(job_id, end, self.settings.history).unwrap_or(view);
        }
        Ok(view)
    }

    /// Accepts no more jobs and cancels those that wait; running ones go on.
    pub fn stop_accepting(&self) {
        let mut state = self.lock();
        state.stopping = true;
        let waiting: Vec<String> = state.queue.drain(..).collect();
        for job_id in waiting {
            let end = JobEnd::without_process(JobStatus::Cancelled, "the server stopped before the job could start");
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

    /// Ends the processes of all running jobs, also of those that are just being started.
    pub fn terminate_running(&self) {
        let mut state = self.lock();
        state.terminating = true;
        for job in state.jobs.values() {
            if let Some(terminator) = &job.terminator {
                terminator.terminate();
            }
        }
    }

    /// Whether running jobs were asked to end: one that ends now was ended by that.
    pub(super) fn is_terminating(&self) -> bool {
        self.lock().terminating
    }

    /// Whether a job's cancellation was asked for.
    pub(super) fn is_cancelled(&self, job_id: &str) -> bool {
        self.lock().jobs.get(job_id).is_some_and(|job| job.view.cancel_requested_at.is_some())
    }

    /// Keeps what ends a job's processes, and ends them at once when that was asked for before they were there.
    pub(super) fn process_started(&self, job_id: &str, terminator: Terminator) {
        let mut state = self.lock();
        let terminating = state.terminating;
        if let Some(job) = state.jobs.get_mut(job_id) {
            if terminating || job.view.cancel_requested_at.is_some() {
                terminator.terminate();
            }
            job.terminator = Some(terminator);
        }
    }

    /// Takes up what a job's process says of its progress.
    pub(super) fn reported(&self, job_id: &str, event: Event) {
        let mut state = self.lock();
        let Some(job) = state.jobs.get_mut(job_id).filter(|job| job.view.ended_at.is_none()) else { return };
        let progress = match event {
            Event::Run { run_id, total } => {
                job.view.run_id = Some(run_id);
                job.tell_status();
                JobProgress { total, ..JobProgress::default() }
            }
            Event::Start { done, total, check_id } => {
                let last_check = job.view.progress.take().unwrap_or_default().last_check;
                JobProgress { done, total, last_check, current_check: check_id }
            }
            Event::Check { done, total, check_id } => {
                JobProgress { done, total, last_check: check_id, ..JobProgress::default() }
            }
            Event::End {} => return,
        };
        job.view.progress = Some(progress.clone());
        job.feed.push(Happening::Progress(progress));
    }

    /// Ends a job and gives its place to the next one.
    pub(super) fn ended(self: &Arc<Self>, job_id: &str, end: JobEnd) {
        let mut state = self.lock();
        if let Some(job) = state.jobs.get(job_id) {
            let JobView { root, directory, .. } = &job.view;
            let JobEnd { status, exit_code, signal, message, .. } = &end;
            // Not `message`: that is the name of the event's own text.
            let error = message.as_deref();
            tracing::info!(job = job_id, root, directory, %status, exit_code, signal, error, "job ended");
        }
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
            job.tell_status();
            let assignment = Assignment {
                job_id: job_id.clone(),
                run_id: job.run_id.clone(),
                directory,
                request: job.request.clone(),
                feed: Arc::clone(&job.feed),
            };
            state.running += 1;
            state.totals.started += 1;
            let table = Arc::clone(self);
            let spawned = std::thread::Builder::new().name("job".to_owned()).spawn(move || {
                let end = execution::execute(&table, &assignment);
                table.ended(&assignment.job_id, end);
            });
            if let Err(error) = spawned {
                tracing::error!(%error, "no thread for a job");
                state.running = state.running.saturating_sub(1);
                let end = JobEnd::without_process(JobStatus::Failed, "the server could not start a thread for the job");
                state.finish(&job_id, end, self.settings.history);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
