//! The log of a long-running command, on standard error.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl LogFormat {
    /// The word on the command line.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// Whether something is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

/// Starts logging. What is logged is `level` and above, or what GUIDE_BOARD_LOG says (`debug`, `guide_board=trace,info`).
pub(super) fn start(format: LogFormat, level: &str) {
    begin(format, filter(level));
}

/// The same for a service, with or without a line for each call.
pub(super) fn start_service(format: LogFormat, access: Switch) {
    let filter = filter("info");
    let without = "guide_board::access=off".parse().ok().filter(|_| access == Switch::Off);
    begin(
        format,
        match without {
            Some(without) => filter.add_directive(without),
            None => filter,
        },
    );
}

fn filter(level: &str) -> EnvFilter {
    EnvFilter::try_from_env("GUIDE_BOARD_LOG").unwrap_or_else(|_| EnvFilter::new(level))
}

fn begin(format: LogFormat, filter: EnvFilter) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second subscriber is only an error of a test that starts two commands in one process; the first one stays.
    let _ = match format {
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(colour).with_target(false).try_init()
        }
    };
}
