//! `guide-board runs …`: the history of a local directory, asked of the same services that a server runs, in process.

mod artifacts;
mod cat;
mod list;
mod problems;
mod report;
mod select;
mod show;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tonic::Status;

use super::exit::{self, Failure};
use super::{Globals, serve, terminal};
pub(super) use show::{findings as findings_of, result_word};

use crate::repository::root::{Containment, ContainmentChoice};
use crate::repository::{Repository, RootSpec, RootSpecError};
use crate::services::{Admission, RetainedRuns};

/// Finds, shows and reads retained runs
///
/// Reads a directory of runs; nothing has to run for it, and nothing is written.
///
/// Examples:
///   guide-board runs list --since 7d --status failed
///   guide-board runs latest --target my-repository --require completed --max-age 24h
///   guide-board runs cat --run-id run-20260508T164334Z-7f3a91c2 reports/report.md
#[derive(Debug, Clone, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct RunsArgs {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum RunsCommand {
    List(list::ListArgs),
    Latest(list::LatestArgs),
    Show(show::ShowArgs),
    Report(report::ReportArgs),
    Artifacts(artifacts::ArtifactsArgs),
    Cat(cat::CatArgs),
    Problems(problems::ProblemsArgs),
}

/// Where the runs are.
#[derive(Debug, Clone, Args)]
struct Place {
    /// The directory of runs [default: <root>/runs]
    #[arg(long, value_name = "DIR")]
    runs_dir: Option<String>,
    /// How opens are confined to a run; auto takes openat2 where the system has it
    #[arg(long, value_name = "HOW", default_value = "auto", hide_short_help = true)]
    containment: ContainmentChoice,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &RunsArgs, globals: &Globals) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(exit::INTERNAL, format!("no runtime: {error}")).tell(),
    };
    let outcome = runtime.block_on(async {
        match &args.command {
            RunsCommand::List(args) => list::list(args, globals).await,
            RunsCommand::Latest(args) => list::latest(args, globals).await,
            RunsCommand::Show(args) => show::show(args, globals).await,
            RunsCommand::Report(args) => report::report(args, globals).await,
            RunsCommand::Artifacts(args) => artifacts::artifacts(args, globals).await,
            RunsCommand::Cat(args) => cat::cat(args, globals).await,
            RunsCommand::Problems(args) => problems::problems(args, globals).await,
        }
    });
    // A stream that was cut short may still be read from; it is not waited for.
    runtime.shutdown_background();
    exit::code_of(outcome)
}

impl Place {
    /// Scans the directory and opens the services over it.
    fn open(&self, globals: &Globals) -> Result<RetainedRuns, Failure> {
        let usage = |message: String| Failure::new(exit::USAGE, message);
        let spec = match &self.runs_dir {
            Some(text) => local_spec(text).map_err(|error| usage(error.to_string()))?,
            None => serve::default_root(&globals.root).map_err(usage)?,
        };
        let shown = terminal::cell(&spec.path.to_string_lossy());
        let containment: Containment = self.containment.decide().map_err(|error| usage(error.to_string()))?;
        let repository = Repository::new(vec![spec], containment).map_err(|error| usage(error.to_string()))?;
        let spinner = terminal::spinner(&format!("reading {shown}"));
        let scanned = repository.root("").and_then(|root| root.refresh());
        spinner.finish_and_clear();
        scanned.map_err(|error| {
            let failure = Failure::from(Status::from(error));
            failure.about(&format!("{shown}: "), " (--runs-dir names another directory of runs)")
        })?;
        Ok(RetainedRuns::new(Arc::new(repository), Admission::new(8)))
    }
}

/// A local directory needs no name of its own: one that gives none is called `runs`.
fn local_spec(text: &str) -> Result<RootSpec, RootSpecError> {
    match text.parse::<RootSpec>() {
        Err(RootSpecError::NeedsName { path }) => match "runs".parse() {
            Ok(name) => Ok(RootSpec { name, path: path.into() }),
            Err(_) => Err(RootSpecError::NeedsName { path }),
        },
        other => other,
    }
}

/// Makes one call to a service and takes the reply.
macro_rules! call {
    ($service:expr, $method:ident, $request:expr) => {
        $service.$method(tonic::Request::new($request)).await.map(tonic::Response::into_inner).map_err(Failure::from)
    };
}
use call;
