//! `jobs reports`: the reports of the run that a job made.

use clap::Args;

use super::{OneJob, Server};
use crate::cli::exit::{self, Failure};
use crate::cli::runs::{Output, patient, print_output, report_in};
use crate::cli::terminal;
use crate::client::FollowSettings;
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board jobs reports job-20261121T082036Z-7cf72346
  guide-board jobs reports job-20261121T082036Z-7cf72346 \\
    --kind submission_package
  guide-board jobs reports job-20261121T082036Z-7cf72346 --json

Exit codes:
  0 done; 6 no such job or report; 7 the job has not succeeded, or a report that
  is none; 8 the server cannot be reached or refuses";

/// Prints a report of the run that a job made
///
/// The kinds are those of `runs report`: report (the default), assessment_package, submission_package, fragments, export_manifest, and whatever else the run's
/// summary names. With --json the reports are described instead: all of them, or the one of --kind.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ReportsArgs {
    #[command(flatten)]
    job: OneJob,
    /// The kind of report [default: report]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

pub(super) async fn reports(args: &ReportsArgs, server: &Server) -> Result<u8, Failure> {
    let kind = match &args.kind {
        Some(kind) => kind.as_str(),
        None if server.json => "",
        None => "report",
    };
    let request = pb::GetRunReportsRequest {
        job_id: args.job.job_id.clone(),
        kind: kind.to_owned(),
        include_contents: false,
        report_unsafe: true,
    };
    let reply = server.client.runs().get_run_reports(request).await.map_err(|status| server.failure(status))?;
    let reply = reply.into_inner();
    if server.json {
        terminal::print_json(&to_json(&reply)?)?;
        return Ok(exit::DONE);
    }
    let path = report_in(reply.reports, kind)?;
    let run = reply.run.unwrap_or_default();
    let request =
        pb::ReadArtifactRequest { runs_dir: run.runs_dir, directory: run.directory, path, ..Default::default() };
    let failure = |status| server.failure(status);
    let patient = patient(server.client.clone(), FollowSettings::default().retry_for);
    let output = patient.read_artifact(request).await.map_err(failure)?;
    print_output(Output::Remote(Box::new(output)), 0, false, &failure).await?;
    Ok(exit::DONE)
}
