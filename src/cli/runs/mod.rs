//! `guide-board runs …`: the history of a local directory, asked of the same services that a server runs, in process; or that of a running
//! server.

mod artifacts;
mod cat;
mod history;
mod items;
mod list;
mod problems;
mod pull;
mod report;
mod select;
mod show;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use tonic::Status;

use self::history::History;
use super::exit::{self, Failure};
use super::reach::{MaybeServerArgs, Way};
use super::settings::is_on_the_command_line;
use super::values::quoted;
use super::{Globals, serve, terminal};
pub(super) use cat::print as print_output;
pub(super) use history::{Output, patient};
pub(super) use report::path_of as report_in;
pub(super) use show::{findings as findings_of, render as render_run, result_word, time as time_cell};

use crate::model::VisibleRoots;
use crate::repository::root::{Containment, ContainmentChoice};
use crate::repository::{Error, Repository, RootSpec, RootSpecError};
use crate::services::{Admission, RetainedRuns};

const EXAMPLES: &str = "\
Examples:
  guide-board runs list --since 7d --status failed
  guide-board runs latest --target my-repository --require completed
  guide-board runs report --run-id run-20260508T164334Z-7f3a91c2
  guide-board runs findings --directory nightly-17 --disposition unexpected
  guide-board runs cat --directory nightly-17 artifacts/ext/log.txt
  guide-board runs pull --directory nightly-17 ./nightly-17
  guide-board runs problems --runs-dir /var/lib/guide-board/runs
  guide-board runs list --server https://board.example:8443 --runs-dir nightly

Exit codes:
  0 done, 2 wrong usage, 6 not found, 7 refused as unsafe or ambiguous, 8 the
  server cannot be reached or refuses";

/// Finds, shows and reads retained runs
///
/// Reads a directory of runs, whose direct children are the runs. No server has to run for it, and nothing is written to the runs.
///
/// With --server a running server is asked, and says the same of the runs that it serves. --server and --runs-dir belong together: where only one of
/// them stands on the command line, what the environment or the configuration file says of the other does not count. So --runs-dir alone is always a
/// local directory, and --server alone asks for the server's first. --root on the command line means a local directory likewise, unless --server stands
/// there, too.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct RunsArgs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum RunsCommand {
    List(list::ListArgs),
    Latest(list::LatestArgs),
    Show(show::ShowArgs),
    Report(report::ReportArgs),
    Findings(items::FindingsArgs),
    Evidence(items::EvidenceArgs),
    Artifacts(artifacts::ArtifactsArgs),
    Cat(cat::CatArgs),
    Pull(pull::PullArgs),
    Problems(problems::ProblemsArgs),
}

/// Where the runs are, and how the answer is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every runs command")]
struct Place {
    /// The directory of runs [default: <root>/runs]; with --server the name of one of the server's [default: its first]
    #[arg(long, global = true, value_name = "DIR")]
    runs_dir: Option<String>,
    /// Print JSON: the message that the service answers, as one document
    #[arg(long, global = true)]
    json: bool,
    /// How opens are confined to a run; not with --server, which has its own way
    #[arg(long, global = true, value_name = "HOW", default_value = "auto", hide_short_help = true)]
    containment: ContainmentChoice,
    #[command(flatten)]
    server: MaybeServerArgs,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &RunsArgs, globals: &Globals) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(exit::INTERNAL, format!("no runtime: {error}")).tell(),
    };
    let outcome = runtime.block_on(async {
        let history = args.place.open(globals).await?;
        match &args.command {
            RunsCommand::List(args) => list::list(args, &history).await,
            RunsCommand::Latest(args) => list::latest(args, &history).await,
            RunsCommand::Show(args) => show::show(args, &history).await,
            RunsCommand::Report(args) => report::report(args, &history).await,
            RunsCommand::Findings(args) => items::findings(args, &history).await,
            RunsCommand::Evidence(args) => items::evidence(args, &history).await,
            RunsCommand::Artifacts(args) => artifacts::artifacts(args, &history).await,
            RunsCommand::Cat(args) => cat::cat(args, &history).await,
            RunsCommand::Pull(args) => pull::pull(args, &history).await,
            RunsCommand::Problems(args) => problems::problems(args, &history).await,
        }
    });
    // A stream that was cut short may still be read from; it is not waited for.
    runtime.shutdown_background();
    exit::code_of(outcome)
}

impl Place {
    async fn open(&self, globals: &Globals) -> Result<History, Failure> {
        match self.server.way()? {
            Some(way) => self.connect(way).await,
            None => self.scan(globals),
        }
    }

    async fn connect(&self, way: Way) -> Result<History, Failure> {
        if is_on_the_command_line("containment") {
            let message = "--containment is for a local directory, and a server is asked; it has its own way";
            return Err(Failure::new(exit::USAGE, message));
        }
        let client = way.connect().await.map_err(|error| way.unreached(&error))?;
        let server = patient(client, self.server.retry_for());
        Ok(History::of_server(server, way, self.runs_dir.clone().unwrap_or_default(), self.json))
    }

    /// Scans the directory and opens the services over it.
    fn scan(&self, globals: &Globals) -> Result<History, Failure> {
        let usage = |message: String| Failure::new(exit::USAGE, message);
        let spec = match &self.runs_dir {
            Some(text) => local_spec(text).map_err(|error| usage(error.to_string()))?,
            None => serve::default_root(&globals.root).map_err(usage)?,
        };
        let (shown, place) = (terminal::cell(&spec.path.to_string_lossy()), spec.path.clone());
        let containment: Containment = self.containment.decide().map_err(|error| usage(error.to_string()))?;
        let repository = Repository::new(vec![spec], containment).map_err(|error| usage(error.to_string()))?;
        let scan = || repository.root("", &VisibleRoots::All).and_then(|root| root.refresh());
        terminal::while_waiting(&format!("reading {shown}"), scan).map_err(|error| match error {
            Error::RootAway { reason, .. } => {
                let hint = if std::env::var_os("GUIDE_BOARD_SERVER").is_some_and(|server| !server.is_empty()) {
                    ", and with --server one of the server's"
                } else {
                    ""
                };
                Failure::new(
                    exit::NOT_FOUND,
                    format!("{shown}: {reason}; --runs-dir names the directory of runs{hint}"),
                )
            }
            other => Failure::from(Status::from(other)),
        })?;
        let service = RetainedRuns::new(Arc::new(repository), Admission::new(8));
        // What else names the directory does so for the next command, too.
        let root = globals.root.to_string_lossy().into_owned();
        let config = globals.config.as_ref().map(|path| path.to_string_lossy().into_owned());
        let nearest =
            if is_on_the_command_line("runs-dir") { ("runs-dir", self.runs_dir.clone()) } else { ("root", Some(root)) };
        let given = [("config", config), nearest].into_iter().filter(|(option, _)| is_on_the_command_line(option));
        let option = |(option, value): (&str, Option<String>)| {
            Some(format!(" --{option} {}", quoted(&terminal::whole(&value?))))
        };
        let again = given.filter_map(option).collect();
        Ok(History::of_directory(service, (shown, place), again, self.json))
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

/// Makes one call and takes the reply.
macro_rules! call {
    ($history:expr, $method:ident, $request:expr) => {
        $history.$method($request).await.map_err(|status| $history.failure(status))
    };
}
use call;
