//! How a job that was followed ended: what is printed, and the exit code.

use super::Server;
use crate::cli::exit::{self, Failure};
use crate::cli::runs::{render_run, result_word};
use crate::cli::terminal;
use crate::client::{FollowSettings, until_answered};
use crate::model::ResultStatus;
use crate::process::TerminationSignal;
use crate::wire::pb;

/// Prints the run that a job made, or says why there is none. The exit code is that of `run` with the run's result.
pub(super) async fn tell(
    server: &Server,
    job: &pb::Job,
    has_shown_log: bool,
    cancelled_by: Option<TerminationSignal>,
    settings: FollowSettings,
) -> Result<u8, Failure> {
    let error = job.error.clone().unwrap_or_default();
    let (code, what) = match job.status() {
        pb::JobStatus::Succeeded => return run_of(server, job, settings).await,
        pb::JobStatus::Cancelled => {
            (cancelled_by.map_or(exit::INFRASTRUCTURE, TerminationSignal::exit_code), "the job was cancelled")
        }
        _ => (exit::INFRASTRUCTURE, "the job failed"),
    };
    // A cancelled job's error begins with these words, unless something else than a call cancelled it.
    let mut message =
        if error.message.starts_with(what) { error.message } else { format!("{what}: {}", error.message) };
    // Who saw the log as it came need not see its end again.
    if !has_shown_log {
        for line in &error.log_lines {
            message.push('\n');
            message.push_str(line);
        }
    }
    Err(Failure::new(code, message))
}

/// By its directory, which holds after a restart of the server, too.
async fn run_of(server: &Server, job: &pb::Job, settings: FollowSettings) -> Result<u8, Failure> {
    let request = pb::GetRetainedRunRequest {
        runs_dir: job.runs_dir.clone(),
        directory: job.directory.clone(),
        ..Default::default()
    };
    let reply = until_answered(
        &server.client,
        settings.retry_for,
        |_| (),
        async |client| client.retained().get_retained_run(request.clone()).await,
    );
    let reply = reply.await.map_err(|status| server.failure(status))?;
    let run = reply.run.clone().unwrap_or_default();
    let code = match run.result_status() {
        pb::ResultStatus::Completed => exit::of_assessment(ResultStatus::Completed, true),
        pb::ResultStatus::Failed => exit::of_assessment(ResultStatus::Failed, true),
        pb::ResultStatus::Blocked => exit::of_assessment(ResultStatus::Blocked, true),
        pb::ResultStatus::InfrastructureError => exit::of_assessment(ResultStatus::InfrastructureError, true),
        pb::ResultStatus::Unspecified | pb::ResultStatus::Unrecognized => exit::REFUSED,
    };
    if !server.json {
        match terminal::print(&render_run(reply.run.as_ref(), reply.summary.as_ref())) {
            // The outcome is known, whoever reads about it.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    }
    if code == exit::REFUSED {
        let word = terminal::cell(&result_word(run.result_status(), &run.result_status_word));
        return Err(Failure::new(code, format!("the run's result is `{word}`, which says nothing of how it ended")));
    }
    Ok(code)
}
