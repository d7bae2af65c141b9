//! `jobs start`.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;

use super::Server;
use super::follow::{self, Begin, FollowArgs};
use super::prompt::Signals;
use crate::cli::exit::{self, Failure};
use crate::cli::run::parse_label;
use crate::cli::{distinct_labels, terminal};
use crate::client::until_answered;
use crate::model::LabelKey;
use crate::wire::{pb, to_json};

const EXAMPLES: &str = "\
Examples:
  guide-board jobs start --target profiles/targets/this-repository.json \\
    --assessment profiles/assessments/repository-baseline.json \\
    --label branch=main
  guide-board jobs start --target profiles/targets/this-repository.json \\
    --assessment profiles/assessments/repository-baseline.json \\
    --output-dir nightly-17 --detach

Exit codes:
  0    the run completed; with --detach: the job is accepted
  2    wrong usage, a profile that is not there, or wrong labels
  3    the run failed
  4    the run is blocked
  5    the run has an infrastructure error, or the job failed or was
       cancelled; profiles that are not valid fail it
  6    no such directory of runs, or the server no longer knows the job
  7    refused: the output directory exists, the directory of runs is read-only
  8    the server cannot be reached, or refuses
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM; detached or cancelled";

/// Starts an assessment on the server and follows it to its end
///
/// FILE and NAME are names on the server: FILE is relative to its root, NAME is that of a directory of runs as it was configured. The job is followed
/// as `jobs watch` does it, unless --detach is given. A request that a broken connection cut short is sent again, and starts nothing twice: it
/// carries a request id, for as long as the server lives. --output-dir makes that hold over a restart of the server as well.
///
/// Standard output gets the run, or with --json each event of the job on a line; with --detach the job's id. The job's log lines, progress and
/// everything else go to standard error.
///
/// Where the server asks for credentials, starting needs the scope `run` and following `read`; with --detach `run` is enough.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct StartArgs {
    /// The target profile's file
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    target: String,
    /// The assessment profile's file
    #[arg(long, value_name = "FILE", value_parser = NonEmptyStringValueParser::new())]
    assessment: String,
    /// The directory of runs to write to [default: the server's first]
    #[arg(long, value_name = "NAME")]
    runs_dir: Option<String>,
    /// The run's directory in it; it must not exist [default: the run id]
    #[arg(long, value_name = "DIR")]
    output_dir: Option<String>,
    /// A label of the run; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = parse_label)]
    labels: Vec<(LabelKey, String)>,
    /// The same id with the same request gives the same job [default: random]
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    request_id: Option<String>,
    /// Print the job's id and let it go on alone
    #[arg(long)]
    detach: bool,
    #[command(flatten)]
    follow: FollowArgs,
}

pub(super) async fn start(args: &StartArgs, server: &Server) -> Result<u8, Failure> {
    let mut signals = Signals::new()?;
    let request = pb::StartRunRequest {
        target: args.target.clone(),
        assessment: args.assessment.clone(),
        runs_dir: args.runs_dir.clone().unwrap_or_default(),
        output_dir: args.output_dir.clone().unwrap_or_default(),
        labels: distinct_labels(&args.labels)?,
        request_id: match &args.request_id {
            Some(id) => id.clone(),
            None => random_id()?,
        },
    };
    let mut is_told = false;
    let started = until_answered(
        &server.client,
        args.follow.settings().retry_for,
        |status| {
            // Once, however often it is tried.
            if !std::mem::replace(&mut is_told, true) {
                terminal::note(&format!("the connection broke ({}); asking again", super::said(status)));
            }
        },
        async |client| client.runs().start_run(request.clone()).await,
    );
    let reply = tokio::select! {
        reply = started => reply.map_err(|status| server.failure(status))?,
        signal = signals.next() => {
            let message = format!("ended before the server answered; {} tells whether it started the job", server.command("list"));
            return Err(Failure::new(signal.exit_code(), message));
        }
    };
    let job = reply.run.clone().unwrap_or_default();
    if !args.detach {
        return follow::to_the_end(server, &job.job_id, Begin::Start, &args.follow, signals).await;
    }
    if server.json {
        terminal::print_json(&to_json(&reply)?)?;
    } else {
        terminal::print(&format!("{}\n", terminal::cell(&job.job_id)))?;
        terminal::note(&format!("{} follows it", server.command(&format!("watch {}", terminal::cell(&job.job_id)))));
    }
    Ok(exit::DONE)
}

fn random_id() -> Result<String, Failure> {
    let number =
        || getrandom::u64().map_err(|error| Failure::new(exit::INTERNAL, format!("no random numbers: {error}")));
    Ok(format!("cli-{:016x}{:016x}", number()?, number()?))
}
