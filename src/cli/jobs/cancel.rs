//! `jobs cancel`.

use clap::Args;

use super::{OneJob, Server, state_word};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::client::{Follow, FollowError, FollowSettings};
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board jobs cancel job-20261121T082036Z-7cf72346
  guide-board jobs cancel job-20261121T082036Z-7cf72346 --wait

Exit codes:
  0 the cancellation is asked for, or the job had ended before; with --wait: the
  job has ended, in whatever way; 6 no such job; 7 the server is read-only;
  8 the server cannot be reached or refuses";

/// Cancels a job: ends everything that it started
///
/// A waiting job is cancelled at once. A running one is being cancelled while its processes end; --wait waits for that. Its partial directory stays,
/// see `runs problems`. A job that has ended stays as it is.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct CancelArgs {
    #[command(flatten)]
    job: OneJob,
    /// Wait until the job has ended
    #[arg(long)]
    wait: bool,
}

pub(super) async fn cancel(args: &CancelArgs, server: &Server) -> Result<u8, Failure> {
    let job_id = &args.job.job_id;
    let request = pb::CancelRunRequest { job_id: job_id.clone() };
    let reply = server.client.runs().cancel_run(request).await.map_err(|status| server.failure(status))?;
    let mut job = reply.into_inner().run.unwrap_or_default();
    if args.wait && job.ended_at.is_none() {
        let settings = FollowSettings::default();
        let mut follow = Follow::new(server.client.clone(), job_id.clone(), 0, settings).after_an_answer();
        let failure = |error| match error {
            FollowError::Refused(status) | FollowError::Forgotten(status) | FollowError::GaveUp(status) => {
                server.failure(status)
            }
        };
        while follow.next().await.map_err(failure)?.is_some() {}
        job = follow.ended().cloned().unwrap_or(job);
    }
    if server.json {
        terminal::print_json(&to_json(&pb::CancelRunResponse { run: Some(job) })?)?;
    } else {
        terminal::print(&format!("{}  {}\n", terminal::cell(&job.job_id), terminal::coloured(&state_word(&job))))?;
    }
    Ok(exit::DONE)
}
