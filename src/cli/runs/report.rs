//! `runs report`: a report's text.

use clap::Args;

use super::select::OneRun;
use super::{Place, call, cat};
use crate::cli::exit::{self, Failure};
use crate::cli::{Globals, terminal};
use crate::wire::pb::retained_run_service_server::RetainedRunService;
use crate::wire::{pb, to_json};

/// Prints a report of a run
///
/// The kinds are report (the default), assessment_package, submission_package, fragments, export_manifest, and whatever else the run's summary
/// names. With --json the reports themselves are described: all of them, or the one of --kind.
#[derive(Debug, Clone, Args)]
pub(super) struct ReportArgs {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    run: OneRun,
    /// The kind of report [default: report]
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
}

pub(super) async fn report(args: &ReportArgs, globals: &Globals) -> Result<u8, Failure> {
    let service = args.place.open(globals)?;
    let kind = match &args.kind {
        Some(kind) => kind.clone(),
        None if args.place.json => String::new(),
        None => "report".to_owned(),
    };
    let request = pb::GetRetainedRunReportsRequest {
        runs_dir: String::new(),
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        kind,
        include_contents: false,
        report_unsafe: args.place.json,
    };
    let reply = call!(service, get_retained_run_reports, request)?;
    if args.place.json {
        terminal::print_json(&to_json(&reply)?)?;
        return Ok(exit::DONE);
    }
    let path = reply.reports.into_iter().next().map(|report| report.path).unwrap_or_default();
    let request = pb::ReadArtifactRequest {
        run_id: args.run.run_id(),
        directory: args.run.directory(),
        path,
        ..Default::default()
    };
    cat::print(&service, request, false).await?;
    Ok(exit::DONE)
}
