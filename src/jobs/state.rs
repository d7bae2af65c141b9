//! What the table holds: the jobs, their order, the queue, and the request ids.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use super::feed::{Happening, JobFeed};
use super::job::{Error, JobFailure, JobRequest, JobTotals, JobView};
use crate::model::{DirectoryName, JobStatus, RunId, VisibleRoots};
use crate::process::Terminator;

/// What the events of all jobs that have ended may hold, in bytes.
const ENDED_EVENT_BYTES: usize = 64 << 20;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) jobs: HashMap<String, Job>,
    /// Ids by sequence number.
    pub(super) order: BTreeMap<u64, String>,
    /// Ids of the jobs that have ended, in the order of their ends.
    ended: VecDeque<String>,
    pub(super) queue: VecDeque<String>,
    pub(super) running: usize,
    pub(super) next_sequence: u64,
    /// What was asked for and the job's id, by caller and request id.
    pub(super) requests: HashMap<(String, String), (RequestBody, String)>,
    pub(super) stopping: bool,
    /// Set once running jobs are to end: a process that only starts then ends at once.
    pub(super) terminating: bool,
    pub(super) totals: JobTotals,
}

#[derive(Debug)]
pub(super) struct Job {
    pub(super) view: JobView,
    pub(super) request: JobRequest,
    pub(super) run_id: RunId,
    pub(super) feed: Arc<JobFeed>,
    pub(super) terminator: Option<Terminator>,
}

/// What a request id stands for.
pub(super) type RequestBody = (String, String, String, Option<DirectoryName>, BTreeMap<String, String>);

/// How a job ended.
#[derive(Debug)]
pub(super) struct JobEnd {
    pub(super) status: JobStatus,
    pub(super) run_id: Option<String>,
    pub(super) exit_code: Option<i32>,
    pub(super) signal: Option<i32>,
    pub(super) message: Option<String>,
}

impl JobEnd {
    /// The end of a job that never had a process.
    pub(super) fn without_process(status: JobStatus, message: impl Into<String>) -> Self {
        Self { status, run_id: None, exit_code: None, signal: None, message: Some(message.into()) }
    }
}

impl Job {
    /// Tells those who watch how the job is now.
    pub(super) fn tell_status(&self) {
        self.feed.push(Happening::Change(Box::new(self.view.clone())));
    }
}

/// What a request id is kept by.
pub(super) fn key_of(request: &JobRequest) -> Option<(String, String)> {
    Some((request.owner.clone(), request.request_id.clone()?))
}

impl State {
    /// A job, if it exists for the caller.
    pub(super) fn job(&self, job_id: &str, visible: &VisibleRoots) -> Result<&Job, Error> {
        self.jobs.get(job_id).filter(|job| visible.sees(&job.view.root)).ok_or_else(|| not_found(job_id))
    }

    pub(super) fn repeated(&self, request: &JobRequest) -> Result<Option<JobView>, Error> {
        let Some((earlier, job_id)) = key_of(request).and_then(|key| self.requests.get(&key)) else {
            return Ok(None);
        };
        match self.jobs.get(job_id) {
            Some(job) if *earlier == body_of(request) => Ok(Some(job.view.clone())),
            _ => Err(Error::RequestIdReused),
        }
    }

    pub(super) fn has_reserved(&self, root: &str, directory: &DirectoryName) -> bool {
        let holds = |job: &Job| {
            job.view.ended_at.is_none() && job.view.root == root && job.view.directory == directory.as_str()
        };
        self.jobs.values().any(holds)
    }

    /// Ends a job, and forgets those that ended first when more than `history` have. A job that ran for long is not forgotten at its end because
    /// many that came after it were faster. Returns the job as it ended.
    pub(super) fn finish(&mut self, job_id: &str, end: JobEnd, history: usize) -> Option<JobView> {
        let mut ended_view = None;
        if let Some(job) = self.jobs.get_mut(job_id) {
            let log_lines = job.feed.last_lines();
            *self.totals.ended.entry(end.status.word()).or_default() += 1;
            job.view.status = end.status;
            job.view.ended_at = Some(Timestamp::now());
            job.view.run_id = end.run_id.or_else(|| job.view.run_id.take());
            job.view.exit_code = end.exit_code;
            job.view.signal = end.signal;
            job.view.error = end.message.map(|message| Arc::new(JobFailure { message, log_lines }));
            job.terminator = None;
            job.feed.end(Happening::Change(Box::new(job.view.clone())));
            ended_view = Some(job.view.clone());
            self.ended.push_back(job_id.to_owned());
        }
        while self.ended.len() > history {
            let Some(job) = self.ended.pop_front().and_then(|job_id| self.jobs.remove(&job_id)) else { continue };
            self.order.remove(&job.view.sequence);
            if let Some(key) = key_of(&job.request) {
                self.requests.remove(&key);
            }
        }
        self.forget_old_events();
        ended_view
    }

    /// Of the jobs that have ended, the last to end keep their events, as far as the budget goes; the others keep the last one.
    fn forget_old_events(&self) {
        let mut left = ENDED_EVENT_BYTES;
        for job in self.ended.iter().rev().filter_map(|job_id| self.jobs.get(job_id)) {
            match left.checked_sub(job.feed.bytes()) {
                Some(rest) => left = rest,
                None => job.feed.forget(),
            }
        }
    }
}

pub(super) fn body_of(request: &JobRequest) -> RequestBody {
    let root = request.root.name().to_string();
    (request.target.clone(), request.assessment.clone(), root, request.directory.clone(), request.labels.clone())
}

pub(super) fn not_found(job_id: &str) -> Error {
    Error::JobNotFound { job_id: crate::model::printable(job_id, 100) }
}
