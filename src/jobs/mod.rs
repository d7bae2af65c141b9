//! Assessments that this process started: the job table in memory, and the supervised children that do the work.
//!
//! A job executes `guide-board run` as a child process; nothing of an assessment runs in here. What a job leaves is found again from its
//! directory, so the table may forget: a restart loses jobs and no runs.

mod ending;
mod execution;
mod feed;
mod job;
mod log;
mod state;
mod table;

pub use feed::{Happening, JobEvent, JobEvents, JobFeed};
pub use job::{
    Error, JobFailure, JobPage, JobProgress, JobRequest, JobSettings, JobTotals, JobView, Launcher, StatusCounts,
};
pub use log::LogLine;
pub use table::JobTable;
