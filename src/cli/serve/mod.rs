//! `guide-board serve`: the service.

mod access;
mod descriptors;
mod life;
mod listening;
mod manager;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::sync::watch;

use access::AccessArgs;
use life::LifeArgs;
use listening::ListenArgs;
use manager::Manager;

use super::Globals;
use super::exit::{self, Failure};
use super::logging::{self, Switch};
use crate::jobs::{JobSettings, JobTable, Launcher};
use crate::model::printable;
use crate::process::Parent;
use crate::repository::root::{Containment, ContainmentChoice};
use crate::repository::{Repository, RootSpec, View, ambient};
use crate::server::access::AccessConfig;
use crate::server::{self, Config};
use crate::services::{MAX_CONCURRENT_CALLS, StartPolicy};

const EXAMPLES: &str = "\
Examples:
  guide-board serve --runs-dir runs
  guide-board serve --runs-dir ci=/var/lib/ci/runs --runs-dir lab=/srv/runs
  guide-board serve --listen 127.0.0.1:0 --port-file port --read-only

Exit codes:
  0 ended when asked to: SIGTERM, Ctrl-C, --die-with-parent; 1 an internal
  error; 2 wrong usage, a file that cannot be used, an address that cannot be
  listened on, or a parent that is gone already";

/// Serves run directories over gRPC and HTTP with JSON, on one port
///
/// RetainedRunService lists, selects and serves the runs of the runs directories, the same after any restart; RunService starts jobs;
/// CatalogService tells about the server. Health and reflection are there for probes and for grpcurl.
///
/// Without credentials the service listens on loopback only; --insecure lifts that. With --tokens callers show who they are. SIGTERM and Ctrl-C end it: calls and running jobs get the
/// --drain time. A runs directory that is not there is waited for, and served as soon as it is.
///
/// The log goes to standard error. GUIDE_BOARD_LOG says what of it, like `debug` or `guide_board=trace,info` [default: info]; its line `listening`
/// says where, the ports that the kernel picked included, and what callers have to show.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    listening: ListenArgs,
    /// A directory of runs, and the name that requests use for it; may be repeated, the first is the default [default: <root>/runs]
    #[arg(long = "runs-dir", value_name = "[NAME=]DIR")]
    runs_dirs: Vec<RootSpec>,
    /// The directory that the profiles of started runs must stand in [default: <root>/profiles]
    #[arg(long, value_name = "DIR")]
    profiles_dir: Option<PathBuf>,
    /// Refuse to start and to cancel runs
    #[arg(long)]
    read_only: bool,
    #[command(flatten)]
    access: AccessArgs,
    /// How opens are confined to a run; auto takes openat2 where the system has it
    #[arg(long, value_name = "HOW", default_value = "auto")]
    containment: ContainmentChoice,
    /// The least time between two looks at a runs directory, in seconds; also at least ten times what a look takes
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds)]
    poll_interval: f64,
    /// How long calls and running jobs may take to end after SIGTERM, in seconds; jobs are then cancelled
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    drain: f64,
    /// Calls served at once; beyond it calls are refused with RESOURCE_EXHAUSTED
    #[arg(long, value_name = "N", default_value_t = MAX_CONCURRENT_CALLS, value_parser = at_least_one)]
    max_concurrent_calls: usize,
    /// Calls of one caller served at once, and as many watches; beyond it they are refused with RESOURCE_EXHAUSTED. Callers are told apart by their names
    /// in --tokens; those who show nothing are one [default: as many as of all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_calls_per_caller: Option<usize>,
    /// Jobs running at once
    #[arg(long, value_name = "N", default_value_t = JobSettings::default().max_running, value_parser = at_least_one)]
    max_running_jobs: usize,
    /// Jobs waiting at once; beyond it StartRun is refused with RESOURCE_EXHAUSTED. With 0 none waits: only a job that can run at once is accepted
    #[arg(long, value_name = "N", default_value_t = JobSettings::default().max_queued, value_parser = any_number)]
    max_queued_jobs: usize,
    /// How long a job may run, in seconds; it is then ended and has failed. 0: as long as it wants
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400.0, value_parser = seconds_or_none)]
    job_time_limit: f64,
    /// The time between asking the processes of a cancelled job to end and killing them, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = seconds)]
    job_grace: f64,
    /// Jobs remembered after their end; beyond it the oldest are forgotten, and their runs stay
    #[arg(long, value_name = "N", default_value_t = JobSettings::default().history, value_parser = at_least_one)]
    job_history: usize,
    /// Events kept a job for those who watch it, log lines most of all; at most 1 MiB in any case
    #[arg(long, value_name = "N", default_value_t = JobSettings::default().events, value_parser = at_least_one)]
    job_events: usize,
    /// The longest silence of a watch, in seconds; then it says that it is still there. Shorten it for proxies that cut idle streams off sooner
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = seconds_of_heartbeat)]
    heartbeat: f64,
    /// A command that jobs execute in place of this program: `COMMAND run --target FILE --assessment FILE --output-dir DIR`. A single value that
    /// names no program is split into words as a shell splits them, quotes and backslashes included: 'python3 -m guide_board'; no shell runs.
    /// Repeated, each value is one word, and none is split. Labels of a request follow as `--label K=V`. Extension directories are not handed on
    #[arg(long, value_name = "COMMAND")]
    cli_command: Vec<OsString>,
    /// Whether a line is logged for each call
    #[arg(long, value_name = "WHETHER", default_value = "on")]
    access_log: Switch,
    #[command(flatten)]
    life: LifeArgs,
}

/// A time in seconds, from a hundredth to a day.
pub(super) fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.01..=86_400.0).contains(&value) { Ok(value) } else { Err("between 0.01 and 86400 seconds".to_owned()) }
}

/// Clients may count on something every 20 seconds.
fn seconds_of_heartbeat(text: &str) -> Result<f64, String> {
    let within = seconds(text).ok().filter(|value| *value <= 20.0);
    within.ok_or_else(|| "between 0.01 and 20 seconds".to_owned())
}

fn seconds_or_none(text: &str) -> Result<f64, String> {
    if text.parse() == Ok(0.0) {
        return Ok(0.0);
    }
    seconds(text).map_err(|_| "0, or between 0.01 and 86400 seconds".to_owned())
}

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=1_000_000).contains(count))
        .ok_or_else(|| "a number from 1 to 1000000".to_owned())
}

fn any_number(text: &str) -> Result<usize, String> {
    if text == "0" { Ok(0) } else { at_least_one(text).map_err(|_| "a number from 0 to 1000000".to_owned()) }
}

/// Runs the command.
#[must_use]
pub(super) fn run(args: &ServeArgs, globals: &Globals) -> ExitCode {
    logging::start_service(globals.log_format, args.access_log);
    #[cfg(feature = "otel")]
    let _export = super::telemetry::start();
    exit::code_of(serve(args, globals).map(|()| exit::DONE))
}

fn serve(args: &ServeArgs, globals: &Globals) -> Result<(), Failure> {
    let parent = args.life.parent()?;
    args.listening.check()?;
    let access = args.access.decide(&args.listening)?;
    let config = config(args, globals, access)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(exit::INTERNAL, format!("no runtime: {error}")))?;
    let outcome = runtime.block_on(listen(args, config, parent));
    // Streams that were cut off may still read; they are not waited for.
    runtime.shutdown_background();
    outcome
}

fn config(args: &ServeArgs, globals: &Globals, access: AccessConfig) -> Result<Config, Failure> {
    let usage = |message: String| Failure::new(exit::USAGE, message);
    let root = ambient::resolved(&globals.root);
    let containment = args.containment.decide().map_err(|error| usage(error.to_string()))?;
    if args.containment == ContainmentChoice::Auto && containment == Containment::Walk {
        tracing::warn!(
            "openat2 is refused here (it needs Linux 5.6, and a seccomp profile may forbid it); opens are confined by the walk instead"
        );
    }
    let mut specs = args.runs_dirs.clone();
    if specs.is_empty() {
        specs.push(default_root(&globals.root).map_err(usage)?);
    }
    let repository = Repository::new(specs, containment).map_err(|error| usage(error.to_string()))?;
    globals.check_extension_dirs()?;
    let extension_dirs: Vec<PathBuf> = globals.extension_dirs.iter().map(|path| ambient::resolved(path)).collect();
    if let Some(named) = args.profiles_dir.as_deref().filter(|named| !ambient::is_directory(named)) {
        tracing::warn!(profiles_dir = %named.display(), "--profiles-dir is no directory: no profile is found there");
    }
    let profiles = args.profiles_dir.clone().unwrap_or_else(|| root.join("profiles"));
    let mut profile_dirs = vec![ambient::resolved(&profiles)];
    profile_dirs.extend(extension_dirs.iter().cloned());
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(exit::INTERNAL, format!("this program's own path is unknown: {error}")))?;
    let settings = JobSettings {
        max_running: args.max_running_jobs,
        max_queued: args.max_queued_jobs,
        history: args.job_history,
        events: args.job_events,
        grace: Duration::from_secs_f64(args.job_grace),
        time_limit: (args.job_time_limit > 0.0).then(|| Duration::from_secs_f64(args.job_time_limit)),
        heartbeat: Duration::from_secs_f64(args.heartbeat),
    };
    let instance =
        getrandom::u64().map_err(|error| Failure::new(exit::INTERNAL, format!("no random numbers: {error}")))?;
    let cli_command = cli_command(&args.cli_command, &root).map_err(usage)?;
    let mut connections = args.listening.limits();
    connections.max_connections = descriptors::make_room(descriptors::Load {
        connections: connections.max_connections,
        calls: args.max_concurrent_calls,
        jobs: args.max_running_jobs,
    });
    let launcher = Launcher { program, cli_command, root: root.clone(), extension_dirs: extension_dirs.clone() };
    Ok(Config {
        repository: Arc::new(repository),
        jobs: JobTable::new(settings, launcher, format!("{instance:016x}")),
        policy: StartPolicy { root, profile_dirs, extension_dirs, read_only: args.read_only },
        max_concurrent_calls: args.max_concurrent_calls,
        max_calls_per_caller: args.max_calls_per_caller,
        connections,
        calls: args.listening.call_limits(),
        access,
        poll_interval: Duration::from_secs_f64(args.poll_interval),
        drain: Duration::from_secs_f64(args.drain),
        scanned: watch::Sender::new(false),
    })
}

/// The command of jobs. A program that is named by a path is meant from here, and jobs run in the root; one without a slash is looked for on
/// the path. One that cannot be started is told now, and not by every job.
///
/// A single value with spaces is a command line, unless a program bears that name.
fn cli_command(given: &[OsString], root: &Path) -> Result<Vec<OsString>, String> {
    let Some((program, arguments)) = given.split_first() else { return Ok(Vec::new()) };
    let problem = match startable_with(program, arguments, root) {
        Ok(command) => return Ok(command),
        Err(problem) => problem,
    };
    let is_line = arguments.is_empty() && program.as_encoded_bytes().iter().any(u8::is_ascii_whitespace);
    if !is_line {
        return Err(format!("--cli-command: {problem}; name a program, and its arguments after it"));
    }
    let shown = shown(program);
    let words = shlex::bytes::split(program.as_encoded_bytes());
    let words: Vec<_> = words
        .ok_or_else(|| format!("--cli-command: `{shown}` ends within quotes or after a backslash"))?
        .into_iter()
        .map(OsString::from_vec)
        .collect();
    let Some((first, others)) = words.split_first() else {
        return Err(format!("--cli-command: `{shown}` has no words; name a program, and its arguments after it"));
    };
    startable_with(first, others, root).map_err(|problem| {
        format!("--cli-command: `{shown}` is no program, and {problem}; name a program, and its arguments after it")
    })
}

/// A program by its full path, when it was named by a path, and its arguments.
fn startable_with(program: &OsStr, arguments: &[OsString], root: &Path) -> Result<Vec<OsString>, String> {
    Ok(std::iter::once(startable(program, root)?).chain(arguments.iter().cloned()).collect())
}

/// What is to be started for a program, or what is wrong with it, in a clause.
fn startable(program: &OsStr, root: &Path) -> Result<OsString, String> {
    let is_path = program.as_encoded_bytes().contains(&b'/');
    let found = std::path::absolute(program).ok().filter(|_| is_path).map_or_else(|| program.to_owned(), Into::into);
    // What the system takes when there is no PATH.
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/bin:/usr/bin".into());
    if ambient::is_program(&found, root, &path) {
        return Ok(found);
    }
    let how = if is_path { "is not a file that this user may execute" } else { "is not found on PATH" };
    Err(format!("`{}` {how}", shown(program)))
}

fn shown(text: &OsStr) -> String {
    printable(&text.to_string_lossy(), 200)
}

/// `<root>/runs`, named `runs`.
pub(super) fn default_root(root: &Path) -> Result<RootSpec, String> {
    let name = "runs".parse().map_err(|error: crate::model::InvalidName| error.to_string())?;
    // `./runs` is what people call `runs`.
    let path = if root == Path::new(".") { PathBuf::from("runs") } else { root.join("runs") };
    Ok(RootSpec { name, path })
}

async fn listen(args: &ServeArgs, config: Config, parent: Option<Parent>) -> Result<(), Failure> {
    // Before anything is to be seen of the server: from then on somebody may want it to end.
    let ends = args.life.ends(parent)?;
    let (listening, mut bound) = args.listening.bind().await?;
    let roots = config.repository.roots().iter();
    let roots: Vec<String> = roots.map(|root| format!("{}={}", root.name(), root.configured().display())).collect();
    let containment = config.repository.containment();
    tracing::info!(
        address = %bound,
        health = bound.health().map(tracing::field::display),
        tls = args.listening.has_tls(),
        client_certificates = args.listening.verifies_clients(),
        tokens = args.access.asks_for_tokens(),
        %containment,
        roots = roots.join(","),
        read_only = config.policy.read_only,
        "listening"
    );
    if let Some(warning) = args.access.warning(&args.listening) {
        tracing::warn!("{warning}");
    }
    bound.tell(args.listening.port_file.as_deref())?;
    let manager = Manager::from_environment();
    let repository = Arc::clone(&config.repository);
    let unseen = move || repository.roots().iter().filter(|root| matches!(&*root.view(), View::Scanning)).count();
    let serves = format!("serves {} on {bound}", roots.join(", "));
    let following = manager.follow(config.scanned.subscribe(), unseen, serves);
    let shutdown = async move {
        let why = ends.first().await;
        tracing::info!(why, "asked to stop");
        // Whoever ends is not ready any more.
        following.abort();
        manager.stopping(why).await;
    };
    let outcome = server::run(listening, config, shutdown).await;
    drop(bound);
    tracing::info!("stopped");
    outcome.map_err(|error| Failure::new(exit::INTERNAL, format!("the server failed: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_comes_at_least_every_20_seconds() {
        assert_eq!(seconds_of_heartbeat("20"), Ok(20.0));
        assert_eq!(seconds_of_heartbeat("0.5"), Ok(0.5));
        for refused in ["0", "20.1", "-1", "NaN", "inf", "x"] {
            assert!(seconds_of_heartbeat(refused).is_err(), "{refused}");
        }
    }
}
