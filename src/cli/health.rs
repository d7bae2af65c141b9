//! `guide-board health`: the probe of a running server, for images that have neither a shell nor another program.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use tonic::Code;

use super::exit::{self, Failure};
use super::reach::{self, ServerArgs, Way};
use super::serve::seconds;
use super::terminal;
use crate::client::{ConnectError, ServingStatus, fault_of, is_broken_connection};

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(100);

const EXAMPLES: &str = "\
Examples:
  guide-board health
  guide-board health --server unix:/run/guide-board.sock --wait 30
  guide-board health --server https://localhost:8443 --tls-ca ca.pem
  guide-board health --service guideboard.v1.RetainedRunService/runs

Exit codes:
  0 SERVING, 2 wrong usage, 6 the server knows no such name, 8 the server does
  not serve, cannot be reached, or refuses";

/// Asks a running server whether it serves
///
/// Prints one word: SERVING, NOT_SERVING, SERVICE_UNKNOWN or UNREACHABLE; why a server cannot be reached goes to standard error. It works against the port of the
/// server and against its --health-listen.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct HealthArgs {
    /// The name to ask for: a service, or guideboard.v1.RetainedRunService/ROOT for a directory of runs [default: the server as a whole]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    service: String,
    /// Ask again until the answer is SERVING, for at most so long [default: ask once]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    wait: Option<f64>,
    /// How long one answer may take
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    timeout: f64,
    #[command(flatten)]
    server: ServerArgs,
}

/// What one look saw.
enum Seen {
    Status(ServingStatus),
    NoSuchName,
    /// No answer, and whether it is worth asking again.
    Nothing(Failure, bool),
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &HealthArgs) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return Failure::new(exit::INTERNAL, format!("no runtime: {error}")).tell(),
    };
    let outcome = runtime.block_on(probe(args));
    runtime.shutdown_background();
    exit::code_of(outcome)
}

async fn probe(args: &HealthArgs) -> Result<u8, Failure> {
    let way = args.server.way()?;
    let timeout = Duration::from_secs_f64(args.timeout);
    let deadline = args.wait.map(|wait| Instant::now() + Duration::from_secs_f64(wait));
    let mut before = None;
    loop {
        let left = deadline.map_or(timeout, |deadline| deadline.saturating_duration_since(Instant::now()).min(timeout));
        let seen = match (tokio::time::timeout(left, look(&way, &args.service)).await, before) {
            (Ok(seen), _) => seen?,
            // The wait is over, and not the answer late.
            (Err(_), Some(before)) if left < timeout => return told(before),
            (Err(_), _) => {
                Seen::Nothing(Failure::new(exit::SERVER, format!("{} did not answer in time", way.address())), true)
            }
        };
        let may_change = match &seen {
            Seen::Status(status) => *status != ServingStatus::Serving,
            Seen::NoSuchName => false,
            Seen::Nothing(_, may_pass) => *may_pass,
        };
        if !may_change || deadline.is_none_or(|deadline| Instant::now() + PAUSE >= deadline) {
            return told(seen);
        }
        before = Some(seen);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn look(way: &Way, service: &str) -> Result<Seen, Failure> {
    let client = match way.connect().await {
        Ok(client) => client,
        Err(error @ ConnectError::Settings(_)) => return Err(way.unreached(&error)),
        Err(error) => return Ok(Seen::Nothing(way.unreached(&error), reach::may_pass(&error))),
    };
    Ok(match client.health(service).await {
        Ok(status) => Seen::Status(status),
        Err(status) if status.code() == Code::NotFound => Seen::NoSuchName,
        Err(status) => {
            // A server at its limits may answer later.
            let is_busy = matches!(status.code(), Code::ResourceExhausted | Code::Unavailable);
            let may_pass = is_broken_connection(&status) || is_busy && fault_of(&status).is_none();
            Seen::Nothing(way.failure(status), may_pass)
        }
    })
}

/// One word, and why there is no answer.
fn told(seen: Seen) -> Result<u8, Failure> {
    let (word, code) = match seen {
        Seen::Status(ServingStatus::Serving) => ("SERVING", Ok(exit::DONE)),
        Seen::Status(_) => ("NOT_SERVING", Ok(exit::SERVER)),
        Seen::NoSuchName => ("SERVICE_UNKNOWN", Ok(exit::NOT_FOUND)),
        Seen::Nothing(failure, _) => ("UNREACHABLE", Err(failure)),
    };
    match terminal::print(&format!("{word}\n")) {
        // The exit code is the answer, whoever reads the word.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => code,
    }
}
