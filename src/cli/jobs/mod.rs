//! `guide-board jobs …`: the jobs of a running server, over its RunService.

mod cancel;
mod follow;
mod list;
mod outcome;
mod prompt;
mod reports;
mod show;
mod start;
mod view;

use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use tonic::Status;

use super::exit::{self, Failure};
use super::reach::{ServerArgs, Way, said};
use crate::client::{Client, ServerAddress};
use crate::wire::pb;

const EXAMPLES: &str = "\
Examples:
  guide-board jobs start --target profiles/targets/this-repository.json \\
    --assessment profiles/assessments/repository-baseline.json
  guide-board jobs list --status running
  guide-board jobs watch job-20261121T082036Z-7cf72346
  guide-board jobs cancel job-20261121T082036Z-7cf72346 --wait
  guide-board jobs reports job-20261121T082036Z-7cf72346

Exit codes:
  0 done, 2 wrong usage, 6 no such job, 7 refused, 8 the server cannot be
  reached or refuses; `start` and `watch` also tell how the job ended";

/// Starts, follows and cancels assessments on a running server
///
/// A server (`guide-board serve`) executes assessments as jobs. It knows the jobs that were started since it was; what they made is found
/// later with `guide-board runs`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct JobsArgs {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: JobsCommand,
}

#[derive(Debug, Clone, Subcommand)]
enum JobsCommand {
    Start(start::StartArgs),
    List(list::ListArgs),
    Show(show::ShowArgs),
    Watch(follow::WatchArgs),
    Cancel(cancel::CancelArgs),
    Reports(reports::ReportsArgs),
}

/// How the answer is printed, and which server is asked.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every jobs command")]
struct Place {
    /// Print JSON: the message that the service answers, as one document; of a job that is followed, each event on a line
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// One job.
#[derive(Debug, Clone, Args)]
struct OneJob {
    /// The job's id
    #[arg(value_name = "JOB_ID", value_parser = NonEmptyStringValueParser::new())]
    job_id: String,
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &JobsArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(exit::INTERNAL, format!("no runtime: {error}")).tell(),
    };
    let outcome = runtime.block_on(async {
        let server = args.place.connect().await?;
        match &args.command {
            JobsCommand::Start(args) => start::start(args, &server).await,
            JobsCommand::List(args) => list::list(args, &server).await,
            JobsCommand::Show(args) => show::show(args, &server).await,
            JobsCommand::Watch(args) => follow::watch(args, &server).await,
            JobsCommand::Cancel(args) => cancel::cancel(args, &server).await,
            JobsCommand::Reports(args) => reports::reports(args, &server).await,
        }
    });
    runtime.shutdown_background();
    exit::code_of(outcome)
}

/// A running server.
struct Server {
    client: Client,
    way: Way,
    json: bool,
}

impl Place {
    async fn connect(&self) -> Result<Server, Failure> {
        let way = self.server.way()?;
        let client = way.connect().await.map_err(|error| way.unreached(&error))?;
        Ok(Server { client, way, json: self.json })
    }
}

impl Server {
    const fn address(&self) -> &ServerAddress {
        self.way.address()
    }

    /// What a status means here.
    fn failure(&self, status: Status) -> Failure {
        self.way.failure(status)
    }

    /// A command about a job for whoever reads.
    fn command(&self, words: &str) -> String {
        self.way.command(&format!("jobs {words}"))
    }
}

/// A job's state as one word: that of its status, or that it is being cancelled.
fn state_word(job: &pb::Job) -> String {
    match job.status() {
        pb::JobStatus::Unspecified => "-".to_owned(),
        pb::JobStatus::Running if job.cancel_requested_at.is_some() => "cancelling".to_owned(),
        status => status.as_str_name().trim_start_matches("JOB_STATUS_").to_ascii_lowercase(),
    }
}

/// How far a job is.
fn checks(progress: Option<&pb::JobProgress>) -> String {
    match progress {
        None => "-".to_owned(),
        Some(progress) if progress.total == 0 => progress.done.to_string(),
        Some(progress) => format!("{}/{}", progress.done, progress.total),
    }
}
