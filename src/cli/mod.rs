//! The command tree (a minimal one; the whole stands in the lead's clone).

pub mod run;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// What every command shares.
#[derive(Debug, Clone, Default)]
pub struct Globals {
    /// The directory that relative names in requests are resolved in.
    pub root: PathBuf,
    /// Directories that are extensions or hold extensions.
    pub extension_dirs: Vec<PathBuf>,
}

#[derive(Debug, Parser)]
#[command(name = "guide-board", version)]
struct Cli {
    /// The directory that relative names are resolved in.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
    /// A directory that is an extension or holds extensions; may be repeated.
    #[arg(long = "extension-dir", value_name = "DIR", global = true)]
    extension_dirs: Vec<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::RunArgs),
    #[command(hide = true)]
    Supervise {
        #[arg(long, default_value_t = 5000)]
        grace_ms: u64,
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    #[command(hide = true)]
    SampleNoop,
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let globals = Globals { root: cli.root, extension_dirs: cli.extension_dirs };
    match cli.command {
        Command::Run(args) => run::run(&args, &globals),
        Command::Supervise { grace_ms, command } => crate::process::supervise::run(&crate::process::supervise::Args {
            grace: Duration::from_millis(grace_ms),
            command,
        }),
        Command::SampleNoop => {
            match crate::assessment::sample_noop::run(std::env::var_os("GUIDE_BOARD_CONTEXT"), std::io::stdout()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("{error}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}
