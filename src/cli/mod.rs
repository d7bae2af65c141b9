//! The command tree. Each command is a face of the library: results go to standard output, everything else to standard error.

mod completions;
mod exit;
mod extensions;
mod health;
mod hints;
mod init;
mod jobs;
mod logging;
mod man;
mod new_extension;
mod plan;
mod quickstart;
mod reach;
mod run;
mod runs;
mod serve;
mod settings;
#[cfg(feature = "otel")]
mod telemetry;
mod terminal;
#[cfg(test)]
mod tests;
mod tokens;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, FromArgMatches, Parser, Subcommand};

use crate::assessment::{extensions as extension_files, sample_noop};
use crate::baseline;
use crate::process::supervise;
use crate::repository::ambient;

/// The name that the program is called by.
const PROGRAM: &str = "guide-board";

/// What the root's help ends with.
const ROOT_HELP: &str = "\
Examples:
  guide-board init
  guide-board run --target bundled:profiles/targets/this-repository.json \\
    --assessment bundled:profiles/assessments/repository-baseline.json \\
    --output-dir runs/first
  guide-board runs list
  guide-board serve --runs-dir runs
  guide-board help runs list

Environment:
  GUIDE_BOARD_EXTENSION_PATHS  directories of extensions, separated by `:`
  GUIDE_BOARD_TOKEN            the token to send, without --token-file
  GUIDE_BOARD_LOG              what is logged, like debug or guide_board=trace
  NO_COLOR                     set and not empty: no colour

Exit codes:
  0  done; for `run`: the assessment completed; a closed pipe is success
  1  an internal error, or the result cannot be written
  2  wrong usage: options, profiles, configuration, addresses
  3  the assessment failed, or a gate is not met
  4  the assessment is blocked: something that it needs is missing
  5  the assessment broke on an infrastructure error
  6  not found: the directory of runs, the run, the output
  7  refused: unsafe, ambiguous, or not what the contract says
  8  the server cannot be reached or refuses
  129, 130, 143  ended by SIGHUP, Ctrl-C, SIGTERM";

/// Plans and runs assessments, and serves their run directories
///
/// An assessment leaves a run directory: evidence, findings, reports, artifacts. `plan` says what `run` would do, `run` makes one, `runs` finds them again, `serve` offers
/// them over gRPC and starts more, `jobs` asks it to, `health` asks whether it serves, `init` writes profiles and settings to begin with,
/// `quickstart` shows the whole story.
///
/// Every option can come from the command line, the environment (the variable stands beside it), or a TOML file (--config); the first of
/// them that gives a value wins. An empty variable counts as unset. In the file the options of a command stand in a table of its name,
/// [serve] or [runs.list], and what may be repeated takes a list.
///
/// Results go to standard output, everything else to standard error. Colour and progress are for terminals; NO_COLOR is honoured.
#[derive(Debug, Parser)]
#[command(name = PROGRAM, version, max_term_width = 110, after_long_help = ROOT_HELP)]
struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// What every command shares.
#[derive(Debug, Clone, Args)]
struct Globals {
    /// The directory whose runs/ and profiles/ are the defaults, and that relative names in requests are resolved in
    #[arg(long, global = true, value_name = "DIR", default_value = ".", help_heading = "Global options")]
    root: PathBuf,
    /// A directory that is an extension, or holds extensions; may be repeated. GUIDE_BOARD_EXTENSION_PATHS names more, separated by `:` as in PATH
    #[arg(long = "extension-dir", global = true, value_name = "DIR", help_heading = "Global options")]
    extension_dirs: Vec<PathBuf>,
    /// How log lines on standard error look
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", help_heading = "Global options")]
    log_format: logging::LogFormat,
    /// A TOML file with options
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    config: Option<PathBuf>,
}

impl Globals {
    /// That every directory of extensions that is named is one.
    fn check_extension_dirs(&self) -> Result<(), exit::Failure> {
        let Some(missing) = self.extension_dirs.iter().find(|path| !ambient::is_directory(path)) else { return Ok(()) };
        let is_manifest = missing.file_name().is_some_and(|name| name == extension_files::MANIFEST);
        let hint = if is_manifest { "; name the directory, not extension.json" } else { "" };
        let message = format!(
            "{} is no directory; --extension-dir or {} names it for extensions{hint}",
            missing.display(),
            values::EXTENSION_PATHS
        );
        Err(exit::Failure::new(exit::USAGE, message))
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::InitArgs),
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Profile(plan::ProfileArgs),
    Extensions(extensions::ExtensionsArgs),
    Runs(runs::RunsArgs),
    Jobs(jobs::JobsArgs),
    Serve(Box<serve::ServeArgs>),
    Health(health::HealthArgs),
    Tokens(tokens::TokensArgs),
    Quickstart(quickstart::QuickstartArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    /// Starts a command and ends everything it started when standard input ends
    #[command(hide = true)]
    Supervise {
        /// The time between SIGTERM and SIGKILL, in milliseconds
        #[arg(long, default_value_t = 5000)]
        grace_ms: u64,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// The runner of the bundled extension sample-noop
    #[command(hide = true)]
    SampleNoop,
    /// The runner of the bundled extension repository-baseline
    #[command(hide = true)]
    RepositoryBaseline,
}

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    let matches = match settings::matches(std::env::args_os()) {
        Ok(matches) => matches,
        Err(settings::Stop::Clap(error, origin)) => {
            // Help and version are answers; everything else is wrong usage.
            let _ = error.print();
            for told in origin.as_deref().into_iter().chain(hints::hint(&error)) {
                terminal::note(told);
            }
            return ExitCode::from(if error.use_stderr() { exit::USAGE } else { exit::DONE });
        }
        Err(settings::Stop::Config(message)) => {
            terminal::complain(&message);
            return ExitCode::from(exit::USAGE);
        }
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(mut cli) => {
            cli.globals.extension_dirs.extend(values::extension_paths(std::env::var_os(values::EXTENSION_PATHS)));
            cli
        }
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(exit::USAGE);
        }
    };
    match cli.command {
        Command::Init(args) => init::run(&args, &cli.globals),
        Command::Run(args) => run::run(&args, &cli.globals),
        Command::Plan(args) => plan::plan_assessment(&args, &cli.globals),
        Command::Profile(args) => plan::profile(&args, &cli.globals),
        Command::Extensions(args) => extensions::run(&args, &cli.globals),
        Command::Runs(args) => runs::run(&args, &cli.globals),
        Command::Jobs(args) => jobs::run(&args),
        Command::Serve(args) => serve::run(&args, &cli.globals),
        Command::Health(args) => health::run(&args),
        Command::Tokens(args) => tokens::run(&args),
        Command::Quickstart(args) => quickstart::run(&args, &cli.globals),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::Supervise { grace_ms, command } => {
            supervise::run(&supervise::Args { grace: Duration::from_millis(grace_ms), command })
        }
        Command::SampleNoop => bundled_runner(sample_noop::run(runner_context(), std::io::stdout())),
        Command::RepositoryBaseline => bundled_runner(baseline::runner::run(runner_context(), std::io::stdout())),
    }
}

/// Labels by key. One given twice is refused: whichever counted, the other would be dropped in silence.
fn distinct_labels<K: ToString>(labels: &[(K, String)]) -> Result<BTreeMap<String, String>, exit::Failure> {
    let mut distinct = BTreeMap::new();
    for (key, value) in labels {
        if distinct.insert(key.to_string(), value.clone()).is_some() {
            let message = format!("the label {} is given twice", terminal::cell(&key.to_string()));
            return Err(exit::Failure::new(exit::USAGE, message));
        }
    }
    Ok(distinct)
}

fn runner_context() -> Option<OsString> {
    std::env::var_os("GUIDE_BOARD_CONTEXT")
}

fn bundled_runner(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            terminal::complain(&message);
            ExitCode::FAILURE
        }
    }
}
