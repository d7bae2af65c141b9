//! `runs report`: a report's text.

use clap::Args;

use super::select::OneRun;
use super::{History, call, cat};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board runs report --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs report --directory nightly-17 --kind submission_package
  guide-board runs report --directory nightly-17 --json

Exit codes:
  0 done, 2 wrong usage, 6 not found, 7 refused as unsafe or ambiguous, 8 the
  server cannot be reached or refuses";

/// Prints a report of a run
///
/// The kinds are report (the default), assessment_package, submission_package, fragments, export_manifest, and whatever else the run's summary
/// names. With --json the reports are described instead: all of them, or the one of --kind.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    run: OneRun,
    /// The kind of report [default: report]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

pub(super) async fn report(args: &ReportArgs, history: &History) -> Result<u8, Failure> {
    let kind = match &args.kind {
        Some(kind) => kind.as_str(),
        None if history.json => "",
        None => "report",
    };
    let request = pb::GetRetainedRunReportsRequest {
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        kind: kind.to_owned(),
        include_contents: false,
        report_unsafe: true,
        ..Default::default()
    };
    let reply = call!(history, get_retained_run_reports, request)?;
    if history.json {
        terminal::print_json(&to_json(&reply)?)?;
        return Ok(exit::DONE);
    }
    let path = path_of(reply.reports, kind)?;
    // By its directory: the run is found, and its id may stand in a second directory by now.
    let directory = reply.run.map(|run| run.directory).unwrap_or_default();
    let request = pb::ReadArtifactRequest { directory, path, ..Default::default() };
    cat::print(call!(history, read_artifact, request)?, 0, false, &|status| history.failure(status)).await?;
    Ok(exit::DONE)
}

/// The path of the report of that kind, which is the first.
pub(in crate::cli) fn path_of(reports: Vec<pb::Report>, kind: &str) -> Result<String, Failure> {
    let report = reports.into_iter().next().unwrap_or_default();
    if report.state() == pb::FileState::UnsafePath {
        let message = format!("the run's summary gives `{}` a path that leaves the run", terminal::cell(kind));
        return Err(Failure::new(exit::REFUSED, message));
    }
    Ok(report.path)
}
