//! `guide-board serve`: the gRPC service.

mod access;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use self::access::AccessArgs;
use super::exit::{self, Failure};
use super::{Globals, logging};
use crate::jobs::{JobSettings, JobTable, Launcher};
use crate::repository::root::{Containment, ContainmentChoice};
use crate::repository::{Repository, RootSpec, ambient};
use crate::server::access::AccessConfig;
use crate::server::{self, Config};
use crate::services::{MAX_CONCURRENT_CALLS, StartPolicy};

const EXAMPLES: &str = "\
Examples:
  guide-board serve --runs-dir runs
  guide-board serve --runs-dir ci=/var/lib/ci/runs --runs-dir lab=/srv/runs
  guide-board serve --listen 127.0.0.1:0 --port-file port --read-only

Exit codes:
  0 ended when asked to; 1 an internal error; 2 wrong usage, an address that
  cannot be listened on, or a port file that cannot be written";

/// Serves run directories over gRPC
///
/// RetainedRunService lists, selects and serves the runs of the runs directories, the same after any restart; RunService starts jobs;
/// CatalogService tells about the server. Health and reflection are there for probes and for grpcurl.
///
/// Without credentials the service listens on loopback only; --insecure lifts that. With --tokens callers show who they are. SIGTERM and Ctrl-C end it: calls and running jobs get the
/// --drain time. A runs directory that is not there is waited for, and served as soon as it is.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct ServeArgs {
    /// Where to listen; port 0 lets the kernel pick one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", conflicts_with_all = ["host", "port"], value_parser = address)]
    listen: Option<SocketAddr>,
    /// The address to listen on, instead of --listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,
    /// The port to listen on, instead of --listen
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// A directory of runs, and the name that requests use for it; may be repeated, the first is the default [default: <root>/runs]
    #[arg(long = "runs-dir", value_name = "[NAME=]DIR")]
    runs_dirs: Vec<RootSpec>,
    /// The directory that the profiles of started runs must stand in [default: <root>/profiles]
    #[arg(long, value_name = "DIR")]
    profiles_dir: Option<PathBuf>,
    /// Write the port to this file once the service listens
    #[arg(long, value_name = "FILE")]
    port_file: Option<PathBuf>,
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
    /// Connections held at once; beyond it connections wait to be accepted
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = at_least_one)]
    max_connections: usize,
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
    /// A command that jobs execute in place of this program: `COMMAND run --target FILE --assessment FILE --output-dir DIR`; repeated, it gives
    /// further arguments that stand before `run`. Labels of a request follow as `--label K=V`. Extension directories are not handed on
    #[arg(long, value_name = "COMMAND")]
    cli_command: Vec<OsString>,
    /// End when standard input ends: for a server that must not outlive the one who started it
    #[arg(long, hide = true)]
    until_stdin_ends: bool,
}

/// An address; `localhost` is the loopback of IPv4. Other names are not looked up: what they mean may change.
fn host(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    bare.parse().map_err(|_| "an address is like 127.0.0.1 or ::1; of names only localhost is known".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let like = || "an address is like 127.0.0.1:8080 or [::1]:8080; of names only localhost is known".to_owned();
    let (host_text, port) = text.rsplit_once(':').ok_or_else(like)?;
    if host_text.contains(':') && !host_text.starts_with('[') {
        return Err(like());
    }
    Ok(SocketAddr::new(host(host_text).map_err(|_| like())?, port.parse().map_err(|_| like())?))
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    if (0.01..=86_400.0).contains(&value) { Ok(value) } else { Err("between 0.01 and 86400 seconds".to_owned()) }
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
    logging::start(globals.log_format, "info");
    exit::code_of(serve(args, globals).map(|()| exit::DONE))
}

fn serve(args: &ServeArgs, globals: &Globals) -> Result<(), Failure> {
    let address = args.listen.unwrap_or_else(|| SocketAddr::new(args.host, args.port));
    let access = args.access.decide(address)?;
    let config = config(args, globals, access)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(exit::INTERNAL, format!("no runtime: {error}")))?;
    let outcome = runtime.block_on(listen(address, args, config));
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
        ..JobSettings::default()
    };
    let instance =
        getrandom::u64().map_err(|error| Failure::new(exit::INTERNAL, format!("no random numbers: {error}")))?;
    let cli_command = cli_command(&args.cli_command);
    let launcher = Launcher { program, cli_command, root: root.clone(), extension_dirs: extension_dirs.clone() };
    Ok(Config {
        repository: Arc::new(repository),
        jobs: JobTable::new(settings, launcher, format!("{instance:016x}")),
        policy: StartPolicy { root, profile_dirs, extension_dirs, read_only: args.read_only },
        max_concurrent_calls: args.max_concurrent_calls,
        max_connections: args.max_connections,
        access,
        poll_interval: Duration::from_secs_f64(args.poll_interval),
        drain: Duration::from_secs_f64(args.drain),
    })
}

/// The command of jobs. A program that is named by a path is meant from here, and jobs run in the root; one without a slash is looked for on
/// the path.
fn cli_command(given: &[OsString]) -> Vec<OsString> {
    let Some((program, arguments)) = given.split_first() else { return Vec::new() };
    let is_path = program.as_encoded_bytes().contains(&b'/');
    let program = std::path::absolute(program).ok().filter(|_| is_path).map_or_else(|| program.clone(), Into::into);
    std::iter::once(program).chain(arguments.iter().cloned()).collect()
}

/// `<root>/runs`, named `runs`.
pub(super) fn default_root(root: &Path) -> Result<RootSpec, String> {
    let name = "runs".parse().map_err(|error: crate::model::InvalidName| error.to_string())?;
    // `./runs` is what people call `runs`.
    let path = if root == Path::new(".") { PathBuf::from("runs") } else { root.join("runs") };
    Ok(RootSpec { name, path })
}

async fn listen(address: SocketAddr, args: &ServeArgs, config: Config) -> Result<(), Failure> {
    let internal = |what: &str, error: &dyn std::fmt::Display| Failure::new(exit::INTERNAL, format!("{what}: {error}"));
    let listener = TcpListener::bind(address).await.map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr().map_err(|error| internal("cannot listen", &error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| internal("cannot handle signals", &error))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| internal("cannot handle signals", &error))?;
    let roots = config.repository.roots().iter();
    let roots: Vec<String> = roots.map(|root| format!("{}={}", root.name(), root.configured().display())).collect();
    let containment = config.repository.containment();
    tracing::info!(%address, %containment, roots = roots.join(","), read_only = config.policy.read_only, "listening");
    if let Some(warning) = args.access.warning(address) {
        tracing::warn!("{warning}");
    }
    if let Some(path) = &args.port_file {
        ambient::write_atomically(path, &format!("{}\n", address.port()))
            .map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
    }
    let stdin = args.until_stdin_ends.then(when_stdin_ends);
    let stdin_ended = async move {
        match stdin {
            Some(ended) => drop(ended.await),
            None => std::future::pending().await,
        }
    };
    let shutdown = async move {
        tokio::select! {
            _ = stdin_ended => {}
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    let outcome = server::run(listener, config, shutdown).await;
    if let Some(path) = &args.port_file {
        ambient::remove_own_file(path);
    }
    tracing::info!("stopped");
    outcome.map_err(|error| internal("the server failed", &error))
}

/// What the operator chose and can change.
fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "another process listens there; choose another port, or port 0 for any free one".to_owned()
        }
        ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        ErrorKind::PermissionDenied => "permission denied; ports below 1024 are for privileged processes".to_owned(),
        _ => return Failure::new(exit::INTERNAL, format!("cannot listen on {address}: {error}")),
    };
    Failure::new(exit::USAGE, format!("cannot listen on {address}: {why}"))
}

/// Resolves when standard input has ended.
fn when_stdin_ends() -> oneshot::Receiver<()> {
    let (ended, wait) = oneshot::channel();
    std::thread::spawn(move || {
        // Whatever is sent is passed over; an error ends it like the end.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = ended.send(());
    });
    wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_literal_and_localhost_is_the_one_name() {
        assert_eq!(address("localhost:80"), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 80))));
        assert_eq!(address("[::1]:0").map(|address| address.to_string()), Ok("[::1]:0".to_owned()));
        assert_eq!(host("::1").map(|host| host.is_loopback()), Ok(true));
        for refused in ["", "80", ":80", "example.org:80", "::1:80", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:http"] {
            assert!(address(refused).is_err(), "{refused}");
        }
        assert!(host("example.org").is_err());
    }
}
