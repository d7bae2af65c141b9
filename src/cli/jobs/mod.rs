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
use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::exit::{self, Failure};
use super::terminal;
use crate::client::{Client, ServerAddress, is_broken_connection};
use crate::wire::pb;

/// Where `serve` listens unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

const EXAMPLES: &str = "\
Examples:
  guide-board jobs start --target profiles/target.json \\
    --assessment profiles/assessment.json
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

/// Which server, and how the answer is printed.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every jobs command")]
struct Place {
    /// The server: http://HOST:PORT
    #[arg(long, global = true, value_name = "URL", default_value = DEFAULT_SERVER)]
    server: ServerAddress,
    /// Print JSON: the message that the service answers, as one document; of a job that is followed, each event on a line
    #[arg(long, global = true)]
    json: bool,
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
    address: ServerAddress,
    json: bool,
}

impl Place {
    async fn connect(&self) -> Result<Server, Failure> {
        let client = Client::connect(&self.server).await.map_err(|error| nobody(&error.to_string()))?;
        Ok(Server { client, address: self.server.clone(), json: self.json })
    }
}

/// Nothing answers; says what to do.
fn nobody(what: &str) -> Failure {
    let message = format!("{what}; start one with `guide-board serve`, or name another with --server");
    Failure::new(exit::SERVER, message)
}

impl Server {
    /// What a status means here.
    fn failure(&self, status: Status) -> Failure {
        if is_broken_connection(&status) {
            return nobody(&format!("no guide-board server answers at {}: {}", self.address, said(&status)));
        }
        // What something else than the service says may have no text at all.
        let is_foreign = status.get_details_error_info().is_none();
        match status.code() {
            Code::Unimplemented | Code::PermissionDenied | Code::Unauthenticated | Code::ResourceExhausted
                if is_foreign =>
            {
                Failure::new(exit::SERVER, format!("the server at {} refuses: {}", self.address, said(&status)))
            }
            _ => Failure::from(status),
        }
    }

    /// A command about a job for whoever reads, with the server where it is not the default.
    fn command(&self, words: &str) -> String {
        let address = self.address.to_string();
        let server = if address == DEFAULT_SERVER { String::new() } else { format!(" --server {address}") };
        format!("`guide-board jobs {words}{server}`")
    }
}

/// What a status says, or at least its code.
fn said(status: &Status) -> String {
    if status.message().is_empty() { status.code().description().to_owned() } else { terminal::cell(status.message()) }
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
